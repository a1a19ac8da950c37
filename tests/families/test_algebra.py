"""Formulas as emitted text mean what they mean in a spec."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archspec import expressions
from archspec.expressions import tree as t
from archspec.families import algebra, sums

NUMBERS = st.one_of(st.integers(0, 10**6), st.floats(0, 1e6, allow_nan=False))


def emitted(formula: str, **names: Any) -> Any:
    """What Python gives for a formula, with what emitted text brings."""
    scope: dict[str, Any] = {"math": math, **names}
    exec(algebra.DIVISIBLE, scope)
    return eval(algebra.show(tree(formula)), scope)


def tree(formula: str) -> t.Tree:
    return expressions.parse(formula, None).tree


@given(NUMBERS, st.integers(1, 64))
def test_divisible(value: float, by: int) -> None:
    assert algebra.same(
        emitted("divisible(v, by)", v=value, by=by), algebra.value_of(tree(f"divisible({value!r}, {by})"), {})
    )


@pytest.mark.parametrize("function", ["ceil", "floor", "round", "abs", "log2"])
@given(NUMBERS.filter(lambda value: value > 0))
def test_rounding(function: str, value: float) -> None:
    assert algebra.same(emitted(f"{function}(v)", v=value), algebra.value_of(tree(f"{function}({value!r})"), {}))


def whole(depth: int) -> st.SearchStrategy[str]:
    """Sums and products of names and integers."""
    leaf = st.one_of(st.sampled_from("abc"), st.integers(0, 9).map(str))
    if not depth:
        return leaf
    inner = whole(depth - 1)
    return st.one_of(leaf, st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({' '.join(parts)})"))


@given(whole(4), st.tuples(*[st.integers(-50, 50)] * 3))
def test_a_sum_with_its_terms_collected_has_the_same_value(formula: str, numbers: tuple[int, ...]) -> None:
    names = dict(zip("abc", numbers, strict=True))
    found = sums.total([tree(formula)])
    assert sums.is_whole(found)
    assert algebra.value_of(found, names) == eval(formula, {}, names)


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("a + a + 1 + 2", "2 * a + 3"),
        ("a * 2 - 2 * a", "0"),
        ("2 * (a + b) - b", "2 * a + b"),
        ("a * 3 + 3 * a", "6 * a"),
        ("1 - a", "-1 * a + 1"),
    ],
)
def test_equal_terms_are_one(formula: str, text: str) -> None:
    assert algebra.show(sums.total([tree(formula)])) == text


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("8 != a", "a != 8"),
        ("2 < a", "a > 2"),
        ("a < 2", "a < 2"),
        ("(3 >= a, 1)", "(a <= 3, 1)"),
        ("1 == 2", "1 == 2"),
    ],
)
def test_a_number_is_on_the_right_of_a_comparison(formula: str, text: str) -> None:
    assert algebra.show(tree(formula)) == text


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1, True), (1, True, False), (1, 1.0, False), ("a", "a", True), ("a", "b", False), (None, None, True),
        ("nn.ReLU", algebra.Code("nn.ReLU"), True), ("nn.ReLU", algebra.Code("nn.SiLU"), False),
        ((1, (2, 3)), (1, (2, 3)), True), ((1, 2), (1, 2, 3), False), ((1, 2), (1, True), False), ((1,), 1, False),
    ],
)  # fmt: skip
def test_equal_values_are_of_one_type(left: Any, right: Any, same: bool) -> None:
    assert algebra.same(left, right) is algebra.same(right, left) is same


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "efficientnet_b0"])
def test_a_network_is_given_what_it_calls(name: str) -> None:
    """The function stands in the text that calls it, once, and nowhere else."""
    import archspec

    text = archspec.source(archspec.load(name))
    assert text.count("def divisible(") == 1
    assert text.count("divisible(") > 1
    assert "divisible" not in archspec.source(archspec.load("resnet18"))
