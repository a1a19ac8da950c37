"""Sizes: normalisation, evaluation, text, and agreement with what torch computes."""

from __future__ import annotations

import copy
import gc
import pickle
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archspec import sizes
from archspec.sizes import Dim, Evaluation, Size, step, symbol, terms, total, value
from archspec.sizes.growth import UNIT, growth

H = symbol("H")
W = symbol("W")

STEPS = st.lists(st.tuples(st.integers(1, 6), st.integers(-9, 9), st.integers(1, 6)), max_size=7)


def build(steps: list[tuple[int, int, int]], start: Dim = H) -> Dim:
    for a, b, c in steps:
        start = step(start, a, b, c)
    return start


def direct(steps: list[tuple[int, int, int]], x: int) -> int:
    for a, b, c in steps:
        x = (a * x + b) // c
    return x


@given(STEPS, st.integers(-50, 5000))
def test_normalising_keeps_the_value(steps: list[tuple[int, int, int]], x: int) -> None:
    assert value(build(steps), {"H": x}) == direct(steps, x)
    assert build(steps, x) == direct(steps, x)


@given(STEPS, st.integers(-50, 500))
def test_python_text_computes_the_value(steps: list[tuple[int, int, int]], x: int) -> None:
    size = total([build(steps), H, build(steps[:2])])
    assert eval(sizes.python(size, {"H": "rows.height"}).replace("rows.height", str(f"({x})"))) == value(size, {"H": x})


@given(STEPS, STEPS, st.integers(-100, 1000))
def test_inverse_is_the_least_input(
    left: list[tuple[int, int, int]], right: list[tuple[int, int, int]], v: int
) -> None:
    for size in (build(left), step(total([build(left), build(right)]), 3, 1, 2)):
        assert isinstance(size, Size)
        x = sizes.inverse(size, v)
        assert value(size, {"H": x}) >= v > value(size, {"H": x - 1})


@given(STEPS, STEPS)
def test_period_slope_and_bounds(left: list[tuple[int, int, int]], right: list[tuple[int, int, int]]) -> None:
    for size in (build(left), total([build(left), build(right), H])):
        assert isinstance(size, Size)
        grown = growth(size)
        for x in range(-20, 40):
            here = value(size, {"H": x})
            assert value(size, {"H": x + grown.period}) == here + grown.rise
            away = (here * grown.period - x * grown.rise) * UNIT
            assert grown.low * grown.period <= away <= grown.high * grown.period
        assert sizes.slope(size) == Fraction(grown.rise, sizes.period(size))


def test_equal_constructions_are_one_object() -> None:
    assert step(step(H, 1, 1, 2), 1, 1, 2) is step(H, 1, 3, 4)
    assert step(step(H, 1, -2, 1), 1, 2, 1) is H
    assert step(H, 4, 7, 2) is step(H, 2, 3, 1)
    assert step(step(H, 2, 0, 1), 1, 0, 2) is H
    assert step(step(step(H, 2, 5, 3), 2, 1, 1), 1, -3, 1) is step(step(H, 2, 2, 3), 2, 0, 1)
    assert symbol("H") is H
    assert copy.deepcopy([H, step(H, 2, 1, 3)])[1] is step(H, 2, 1, 3)
    size = total([step(step(H, 3, 1, 2), 5, 0, 3), W, 4])
    assert pickle.loads(pickle.dumps(size)) is size


def test_totals_gather_equal_parts() -> None:
    assert total([3, 4]) == 7
    assert total([H]) is H
    assert total([H, step(H, 1, -2, 1), 5]) is step(H, 2, 3, 1)
    assert total([step(H, 1, 0, 2), step(H, 1, 2, 2)]) is step(step(H, 1, 0, 2), 2, 1, 1)
    assert total([H, step(H, 1, 0, 2)]) is total([step(H, 1, 0, 2), H])
    assert total([total([H, W]), W, 1]) is total([1, W, H, W])
    assert sizes.symbols(total([H, W])) == {"H", "W"}
    assert sizes.base(total([H, W])) is None
    with pytest.raises(ValueError, match="at least one"):
        total([])


def test_bases_and_simplest() -> None:
    assert (sizes.base(7), sizes.base(H), sizes.base(step(H, 1, 0, 2))) == (None, "H", "H")
    half, restored = step(H, 1, 0, 2), step(step(H, 1, 0, 4), 2, 0, 1)
    assert sizes.simplest([restored, half]) is half
    assert sizes.simplest([half, 112]) == 112
    assert sizes.simplest([restored, H]) is H


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="size W"):
        value(total([H, W]), {"H": 3})
    with pytest.raises(ValueError, match="size H"):
        sizes.python(H, {})
    for a, c in ((0, 1), (1, 0), (-1, 2)):
        with pytest.raises(ValueError, match="at least 1"):
            step(H, a, 0, c)
    both = total([H, W])
    assert isinstance(both, Size)
    with pytest.raises(ValueError, match="no single growth"):
        sizes.inverse(both, 3)


@pytest.mark.parametrize(
    ("size", "people", "ascii_text", "python"),
    [
        (7, "7", "7", "7"),
        (H, "H", "H", "h"),
        (step(H, 1, 0, 2), "⌊H/2⌋", "floor(H/2)", "h // 2"),
        (step(H, 1, 1, 2), "⌊(H+1)/2⌋", "floor((H+1)/2)", "(h + 1) // 2"),
        (step(step(H, 1, 0, 2), 2, 1, 1), "2·⌊H/2⌋+1", "2*floor(H/2)+1", "2 * (h // 2) + 1"),
        (step(H, 1, -184, 1), "H−184", "H-184", "h - 184"),
        (step(H, 3, 0, 2), "⌊3·H/2⌋", "floor(3*H/2)", "3 * h // 2"),
        (
            step(step(H, 3, 0, 2), 2, 1, 3),
            "⌊(2·⌊3·H/2⌋+1)/3⌋",
            "floor((2*floor(3*H/2)+1)/3)",
            "(2 * (3 * h // 2) + 1) // 3",
        ),
        (total([step(H, 1, 0, 2), H, H, 3]), "2·H+⌊H/2⌋+3", "2*H+floor(H/2)+3", "2 * h + h // 2 + 3"),
        (step(total([H, W]), 2, 0, 3), "⌊2·(H+W)/3⌋", "floor(2*(H+W)/3)", "2 * (h + w) // 3"),
    ],
)
def test_text(size: Dim, people: str, ascii_text: str, python: str) -> None:
    assert sizes.text(size) == people
    assert sizes.ascii(size) == ascii_text
    assert sizes.python(size, {"H": "h", "W": "w"}) == python


def test_deep_text_is_abbreviated_and_deep_python_refused() -> None:
    size = build([(3, 0, 2), (2, 1, 3)] * 50)
    assert len(sizes.text(size)) < 80
    assert "H after 95 more steps" in sizes.text(size)
    assert sizes.ascii(size).isascii()
    with pytest.raises(ValueError, match="too deep"):
        sizes.python(size, {"H": "h"})
    doubling: Dim = H
    for _ in range(25):
        doubling = total([step(doubling, 3, 0, 2), step(doubling, 5, 0, 3)])
    assert len(sizes.text(doubling)) < 4000
    with pytest.raises(ValueError, match="too long"):
        sizes.python(doubling, {"H": "h"})


def test_numbers_for_people() -> None:
    assert [sizes.number(n) for n in (16, -3, 2**40, 3 * 2**40, 10**9)] == ["16", "−3", "2^40", "3·2^40", "1000000000"]
    assert sizes.number(3**100_000) == "about 10^47712"


@pytest.mark.parametrize("pattern", [[(3, 0, 2), (2, 1, 3)], [(1, 1, 2)], [(1, 1, 2), (2, 0, 1)], [(1, -2, 1)]])
def test_a_hundred_thousand_steps(pattern: list[tuple[int, int, int]]) -> None:
    chain = build(pattern * (100_000 // len(pattern)))
    assert isinstance(chain, Size)
    evaluation = Evaluation({"H": 10**6})
    assert evaluation.of(chain) == direct(pattern * (100_000 // len(pattern)), 10**6)
    sizes.inverse(chain, 1)
    sizes.text(chain)


def test_nothing_is_kept_when_a_network_is_gone() -> None:
    gc.collect()
    before = len(terms._steps)
    chain = build([(3, 0, 2), (2, 1, 3)] * 50_000)
    assert len(terms._steps) > before + 90_000
    del chain
    gc.collect()
    assert len(terms._steps) == before


def test_torch_windows_agree() -> None:
    torch.manual_seed(0)
    checked = 0
    for kernel, stride, padding, dilation in [
        (1, 1, 0, 1), (3, 1, 1, 1), (3, 2, 1, 1), (7, 2, 3, 1), (1, 2, 0, 1), (3, 2, 0, 2), (2, 2, 0, 1),
        (4, 3, 2, 1), (3, 3, 1, 3), (5, 4, 2, 1),
    ]:  # fmt: skip
        for rows in range(1, 25):
            source = torch.zeros(1, 1, rows)
            for ceil in (False, True):
                operation = torch.nn.MaxPool1d(kernel, stride, padding, dilation, ceil_mode=ceil)
                if 2 * padding <= kernel:
                    expected = step(rows, *sizes.window_step(kernel, stride, padding, padding, dilation, ceil))
                    checked += _agrees(operation, source, expected)
            convolution = torch.nn.Conv1d(1, 1, kernel, stride, padding, dilation)
            checked += _agrees(
                convolution, source, step(rows, *sizes.window_step(kernel, stride, padding, padding, dilation))
            )
            for output_padding in range(max(stride, dilation)):
                transposed = torch.nn.ConvTranspose1d(1, 1, kernel, stride, padding, output_padding, dilation=dilation)
                expected = step(rows, *sizes.transposed_step(kernel, stride, padding, output_padding, dilation))
                checked += _agrees(transposed, source, expected)
    assert checked > 500


def _agrees(operation: torch.nn.Module, source: torch.Tensor, expected: Dim) -> bool:
    try:
        rows = operation(source).shape[-1]
    except RuntimeError:  # torch refuses the sizes below 1, and we call them invalid
        assert isinstance(expected, int)
        assert expected < 1
        return False
    assert rows == expected
    return True


def test_rows_kept_is_what_the_gradient_sees() -> None:
    for kernel, stride, padding, dilation in [
        (3, 2, 1, 1),
        (3, 2, 0, 1),
        (2, 2, 0, 1),
        (1, 2, 0, 1),
        (7, 2, 3, 1),
        (3, 4, 1, 1),
    ]:
        shift, most = sizes.rows_kept(kernel, stride, padding, padding, dilation)
        for rows in range(10, 30):
            source = torch.zeros(1, 1, rows, requires_grad=True)
            weight = torch.ones(1, 1, kernel)
            torch.nn.functional.conv1d(source, weight, None, stride, padding, dilation).sum().backward()
            assert source.grad is not None
            used = source.grad[0, 0].nonzero().max().item() + 1
            dropped = rows - used > max(0, stride - kernel)  # fewer are skipped by a stride larger than the window
            assert dropped == ((rows + shift) % stride > most)


def test_asymmetric_ceil_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="equal padding"):
        sizes.window_step(3, 2, 1, 0, ceil=True)
