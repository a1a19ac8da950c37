"""A rewrite written as a call is the nodes of the mapping it stands for, and its spans point into what was typed."""

from __future__ import annotations

import pytest

import archspec
from archspec.syntax import Mapping, Node, Scalar, parse, parse_call, plain


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("cut(after=fc7)", "{cut: {after: fc7}}"),
        (" cut( after = fc7 ) ", "{cut: {after: fc7}}"),
        ("remove_dropout()", "{remove_dropout: {}}"),
        ("remove(dropout1)", "{remove: dropout1}"),
        ("set(step=[fc6, fc7], features=3)", "{set: {step: [fc6, fc7], features: 3}}"),
        ("dense_to_conv", "dense_to_conv"),
        ("{cut: {after: fc7}}", "{cut: {after: fc7}}"),
    ],
)
def test_a_call_is_what_it_stands_for(typed: str, written: str) -> None:
    assert plain(parse_call(typed, "call")) == plain(parse(written, "call"))


def words(node: Node) -> list[Scalar]:
    if isinstance(node, Scalar):
        return [node]
    if isinstance(node, Mapping):
        return [word for key, value in node.entries for word in (key, *words(value))]
    return [word for item in node.items for word in words(item)]


@pytest.mark.parametrize("typed", ["cut(after=fc7)", "set( step = [fc6, fc7],features=3 )", "remove(dropout1)"])
def test_every_word_is_where_it_was_typed(typed: str) -> None:
    found = words(parse_call(typed, "call"))
    assert found
    for word in found:
        assert word.span.source.lines == (typed,)
        assert typed[word.span.column - 1 : word.span.end_column - 1] == word.text


@pytest.mark.parametrize(
    ("typed", "column"), [("cut(after=fc77)", 1), ("cut(aftr=fc7)", 5), ("cutt(after=fc7)", 1), ("cut(after=[)", 12)]
)
def test_what_is_wrong_is_quoted_as_typed(typed: str, column: int) -> None:
    with pytest.raises(archspec.SpecError) as error:
        archspec.rewrite(archspec.load("vgg16"), typed)
    (said,) = error.value.diagnostics
    assert said.span is not None
    assert said.span.column == column
    assert f"1 | {typed}" in str(said)
