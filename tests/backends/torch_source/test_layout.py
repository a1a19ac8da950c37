"""Lines broken to a width mean what they meant before."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archspec
from archspec.backends.torch_source import emit, layout
from tests.helpers.block_specs import block_spec
from tests.helpers.places import EACH_SHIPPED

NAMES = st.sampled_from(["x", "branch1", "self.features", "channels", "'a, [b]'", "64", "wide"])


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=2, max_size=4).map(", ".join)
    one = st.lists(inner, min_size=1, max_size=3).map(", ".join)
    return st.one_of(
        one.map("nn.Conv2d({})".format),
        st.tuples(inner, one).map(lambda pair: f"F.pad({pair[0]}, dim=({pair[1]}, 1))"),
        one.map("[{}]".format),
        several.map("({})".format),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} + {pair[1]}) * 2"),
        st.tuples(NAMES, inner).map(lambda pair: f"layers({pair[0]})[{pair[1]}]"),
        st.tuples(inner, inner).map(lambda pair: f"wide.split({pair[0]}, dim=1)[{pair[1]}]"),
        inner.map("[{} for i in range(3)]".format),
        inner.map("nn.Sequential(*({} for i in range(3) if i))".format),
        st.tuples(inner, inner).map(lambda pair: f"f({pair[0]} if training else {pair[1]})"),
    )


EXPRESSIONS = st.recursive(NAMES, _nested, max_leaves=12)


@given(EXPRESSIONS, st.sampled_from(["x = {}", "return {}", "{}"]), st.integers(20, 88))
@settings(max_examples=200)
def test_a_broken_line_means_what_it_meant(expression: str, statement: str, width: int) -> None:
    text = statement.format(expression)
    broken = "\n".join(layout.lay_out(text, 0, width))
    assert ast.dump(ast.parse(broken)) == ast.dump(ast.parse(text))


def _unbroken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout.lay_out, "__defaults__", (0, 1_000_000))


@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_shipped_sources_mean_what_their_long_lines_mean(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = archspec.load(name).graph
    text = emit(graph)
    _unbroken(monkeypatch)
    assert ast.dump(ast.parse(emit(graph))) == ast.dump(ast.parse(text))


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed >= 10)) for seed in range(30)])
def test_random_sources_mean_what_their_long_lines_mean(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = archspec.loads(block_spec(seed)).graph
    text = emit(graph)
    _unbroken(monkeypatch)
    assert ast.dump(ast.parse(emit(graph))) == ast.dump(ast.parse(text))
