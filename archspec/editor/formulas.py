"""Expressions in a text: parsed, their words with places, and their values in each use of the block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archspec import expressions
from archspec.analyses.report import Report
from archspec.diagnostics import Excess, Fault, Span
from archspec.editor.lines import Point, holds
from archspec.editor.place import Place
from archspec.editor.study import Study
from archspec.elaborate.values import TensorRecord, UnknownValue
from archspec.expressions import Clause, Expression, Interpolation, Token, Work
from archspec.graph import Node, Scope
from archspec.ops import Shape
from archspec.schema import bare
from archspec.sizes import Size
from archspec.syntax import Scalar

MOST_USES = 50
"""The most uses of a block in which an expression is evaluated."""
MOST_STEPS = 100_000
"""The most evaluation steps in all uses together: about a tenth of a second."""


def formulas(place: Place) -> list[Expression | Clause]:
    """The expressions at a place; none if they are invalid."""
    scalar = place.scalar
    if not isinstance(scalar.value, str):
        return []
    try:
        if place.kind == "condition":
            return [bare(scalar)]
        if place.kind == "clause":
            return [expressions.parse_clause(scalar.value, scalar.span)]
        if "$" not in place.text:
            return []
        part = Scalar(place.text, place.text, place.span, scalar.plain) if place.span != scalar.span else scalar
        found = expressions.template(part)
    except Fault:
        return []
    if isinstance(found, Interpolation):
        return [part for part in found.parts if isinstance(part, Expression)]
    return [] if found is None else [found]


def mentions(place: Place) -> Iterator[tuple[str, Span]]:
    """The free names in a place's expressions, each with its place."""
    for formula in formulas(place):
        for name in expressions.free_mentions(formula):
            span = formula.place(name.at)
            if span is not None:
                yield name.name, span


def mention(place: Place, point: Point) -> str | None:
    """The name at a point, if there is one."""
    return next((name for name, span in mentions(place) if holds(span, point)), None)


def tokens(place: Place) -> Iterator[tuple[Token, Span]]:
    """The words of a place's expressions, each with its place; none for an expression that spans lines."""
    for formula in formulas(place):
        if formula.span is None or not formula.exact:
            continue
        for token in expressions.tokenize(formula):
            if token.kind != "end":
                yield token, formula.span.part(*token.at)


def loop_names(place: Place) -> dict[str, Span]:
    """The names that the ``for`` clauses around a place bind, each with its place."""
    found: dict[str, Span] = {}
    for clause in place.inside.clauses:
        try:
            parsed = expressions.parse_clause(str(clause.value), clause.span)
        except Fault:
            continue
        for token in expressions.tokenize(parsed):
            if token.kind == "name" and token.text in parsed.names and token.text not in found:
                span = parsed.place(token.at)
                if span is not None:
                    found[token.text] = span
    return found


# -- values -----------------------------------------------------------------------------------------------------------


def values(study: Study, place: Place, formula: Expression) -> list[tuple[str, Any]]:
    """The value of an expression in each use, with the path of the use; uses where it is unknown are left out."""
    found: list[tuple[str, Any]] = []
    work = Work(MOST_STEPS)
    for path, names in names_in_uses(study, place):
        try:
            found.append((path, expressions.evaluate(formula, names, work)))
        except (Fault, UnknownValue):
            continue
        except Excess:
            break
    return found


def names_in_uses(study: Study, place: Place) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The names that an expression can use in each use of its block, with the path of the use."""
    items = study.of_step(place.step)
    if items:
        for item in items[:MOST_USES]:
            scope = study.scope(item)
            yield item.path, {**_own(study, scope), **_loops(item), **_previous(study, item)}
        return
    for scope in study.uses(place.inside.block)[:MOST_USES]:
        yield scope.path, _own(study, scope)


def _own(study: Study, scope: Scope) -> dict[str, Any]:
    """The parameters, ``let`` values and inputs of a use of a block."""
    assert study.graph is not None
    found: dict[str, Any] = dict(scope.values)
    nodes = [study.graph.nodes[index] for index in scope.inputs if index >= 0]
    for name, node in zip(scope.input_names or study.graph.inputs, nodes, strict=False):
        found[name] = _record(study, node)
    if nodes:
        found["input"] = _record(study, nodes[0])
    return found


def _loops(item: Node | Scope) -> dict[str, Any]:
    """The variables of the loops around a step within its block."""
    around: list[Node | Scope] = [item]
    scope = item.scope if isinstance(item, Node) else item.parent
    while scope is not None and scope.block is None:
        around.append(scope)
        scope = scope.parent
    return {name: value for each in reversed(around) for bound in each.loops for name, value in bound.items()}


def _previous(study: Study, item: Node | Scope) -> dict[str, Any]:
    assert study.graph is not None
    first = next((index for index in item.inputs if index >= 0), None)
    return {} if first is None else {"previous": _record(study, study.graph.nodes[first])}


def _record(study: Study, node: Node) -> TensorRecord:
    return TensorRecord(node.shape, lambda shape: _sizes(study.report, node, shape))


def _sizes(report: Report | None, node: Node, shape: Shape) -> list[int]:
    """A node's sizes as numbers.  Raises UnknownValue if one is unknown."""
    if not any(isinstance(dim, Size) for dim in shape.spatial):
        return [dim for dim in shape.spatial if isinstance(dim, int)]
    at = None if report is None else report.shapes_at.get(node.path)
    if at is None:
        raise UnknownValue
    return list(at[len(shape.dims) - len(shape.spatial) :])
