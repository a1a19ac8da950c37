"""Formulas as emitted text mean what they mean in a spec."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archspec import expressions
from archspec.expressions import tree as t
from archspec.families import algebra

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


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "efficientnet_b0"])
def test_a_network_is_given_what_it_calls(name: str) -> None:
    """The function stands in the text that calls it, once, and nowhere else."""
    import archspec

    text = archspec.source(archspec.load(name))
    assert text.count("def divisible(") == 1
    assert text.count("divisible(") > 1
    assert "divisible" not in archspec.source(archspec.load("resnet18"))
