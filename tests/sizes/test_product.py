"""Products of sizes: values, one object for equal ones, text, and what conditions make of them."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archspec
from archspec.sizes import Dim, joined, product, python, step, symbol, symbols, text, total, value

H, W, D = symbol("H"), symbol("W"), symbol("D")
STEPS = st.lists(st.tuples(st.integers(1, 4), st.integers(-3, 3), st.integers(1, 16)), max_size=4)


def built(size: Dim, steps: list[tuple[int, int, int]]) -> Dim:
    for a, b, c in steps:
        size = step(size, a, b, c)
    return size


@given(STEPS, STEPS, st.integers(1, 6), st.integers(1, 300), st.integers(1, 300))
def test_a_product_has_the_value_of_its_factors(
    rows: list[tuple[int, int, int]], columns: list[tuple[int, int, int]], times: int, h: int, w: int
) -> None:
    one, other = built(H, rows), built(W, columns)
    sizes = {"H": h, "W": w}
    found = product([one, times, other])
    assert value(found, sizes) == times * value(one, sizes) * value(other, sizes)
    assert found is product([other, one, times])
    assert symbols(found) == {"H", "W"}
    formula = python(step(found, 2, 3, 5), {"H": "h", "W": "w"})
    assert eval(formula, {"h": h, "w": w}) == (2 * value(found, sizes) + 3) // 5
    assert pickle.loads(pickle.dumps(found)) is found is copy.deepcopy(found)
    if value(one, sizes) >= 1 and value(other, sizes) >= 1 and joined(found):
        assert value(found, sizes) >= 1


def test_products_are_written_as_people_do() -> None:
    patches = product([step(H, 1, 0, 16), step(W, 1, 0, 16)])
    assert text(patches) == "⌊H/16⌋·⌊W/16⌋"
    assert text(step(patches, 1, 1, 1)) == "⌊H/16⌋·⌊W/16⌋+1"
    assert text(total([patches, patches, 1])) == "2·(⌊H/16⌋·⌊W/16⌋)+1"
    assert text(product([step(H, 1, -2, 1), W])) == "(H−2)·W"
    assert product([D, H, W]) is product([product([W, D]), H])
    assert product([3, 4]) == 12
    assert product([H]) is H


def test_a_square_is_no_product() -> None:
    """A condition on it could not be decided: it is no chain of steps, so its axes are given numbers."""
    with pytest.raises(ValueError, match="the same symbol"):
        product([H, step(H, 1, 0, 2)])
    spec = archspec.loads(SPEC.replace("[3, H, W]", "[3, H, H]").replace(", W: 8", ""))
    assert archspec.check(spec).valid_sizes["H"].describe() == "H ∈ {8, 9}"


SPEC = """
archspec: 1
inputs: {image: [3, H, W]}
sizes: {H: 8, W: 8}
steps:
  - conv as patches: {channels: 6, kernel: 2, stride: 2}
  - flatten: {start: height}
  - permute: {axes: [length, channels]}
  - attention as attention: {heads: 1}
    label: seen
"""


def test_tokens_are_as_many_as_places() -> None:
    report = archspec.check(archspec.loads(SPEC))
    assert text(report.graph.nodes[-1].shape.dims[0]) == "⌊H/2⌋·⌊W/2⌋"
    assert {name: solution.describe() for name, solution in report.valid_sizes.items()} == {"H": "H ≥ 2", "W": "W ≥ 2"}
    assert report.receptive_fields["attention"].whole_axes == {"height", "width"}
    assert not [note for note in report.size_notes if note.when == "always"]


def test_positions_that_are_learnt_are_a_condition_on_both_sizes() -> None:
    learnt = "  - parameter as place: {shape: [16, 2], axes: [length, channels]}\n  - add:\n    from: [seen, place]\n"
    spec = archspec.loads(SPEC + learnt)
    report = archspec.check(spec)
    assert [note.text for note in report.size_notes] == ["needs ⌊H/2⌋·⌊W/2⌋ = 16"]
    assert archspec.check(spec, {"H": 4, "W": 16}).shapes_at["attention"] == (16, 2)
    with pytest.raises(archspec.SpecError):
        archspec.check(spec, {"H": 4, "W": 8})
