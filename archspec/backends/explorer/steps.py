"""Steps and scopes as rows of plain data; the page's script names the columns in the same order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archspec.analyses.report import Report
from archspec.backends.explorer.tables import Fields, Kept, Numbers
from archspec.backends.explorer.texts import Files
from archspec.graph import Graph, Node, Scope
from archspec.ops.common.init import Init

TRAINING, NEVER = 1, 2
"""Bits: the step runs in training only; the step never runs."""
LONGEST_VALUE = 400
"""The most characters of a value that are shown."""


class Steps:
    """The rows of a network's steps and scopes; what several share is stored once."""

    def __init__(self, report: Report, numbers: Numbers, fields: Fields, files: Files) -> None:
        self.graph: Graph = report.graph
        self.report = report
        self.numbers = numbers
        self.fields = fields
        self.files = files
        self.shared = Kept()
        self.scopes: list[list[Any]] = []
        self._scopes: dict[Scope, int] = {}
        self.scope(self.graph.root)
        self.rows = [self._row(node) for node in self.graph.nodes]

    def _row(self, node: Node) -> list[Any]:
        """Path, words, op, arguments, sizes, inputs, parameters, cost, field, place, scope, bits, reused, tensors."""
        cost = self.report.node_costs[node.index]
        tensors = self.graph.tensors(node).values()
        inputs = self.graph.shapes_in(node)
        words = node.op.words(inputs, node.shape) if node.op is not None else "input"
        return [
            node.path,
            self._same(words),
            self._same("input" if node.op is None else node.op.keyword),
            self._same(_arguments(node)),
            [self.numbers.dim(dim) for dim in node.shape.dims],
            list(node.inputs),
            cost.parameters,
            self.numbers.formula(cost.formula),
            self.fields.of_node.get(node.index, -1),
            self.files.place(node.span),
            self.scope(node.scope),
            TRAINING * node.training_only + NEVER * node.dead,
            -1 if node.reuse is None else node.reuse.index,
            self._same([[key.removeprefix(f"{node.path}."), *shape] for key, shape in tensors]),
            self._same(list(node.shape.axes)),
            node.label or "",
        ]

    def scope(self, scope: Scope) -> int:
        """The number of a scope; enclosing scopes have smaller numbers."""
        pending: list[Scope] = []
        around: Scope | None = scope
        while around is not None and around not in self._scopes:
            pending.append(around)
            around = around.parent
        for one in reversed(pending):
            self._scopes[one] = len(self.scopes)
            self.scopes.append(self._scope(one))
        return self._scopes[scope]

    def _scope(self, scope: Scope) -> list[Any]:
        """Path, kind, enclosing scope, block, description, values, use, definition."""
        block = scope.block
        doc = "" if block is None else block.model.doc or ""
        names = () if block is None else block.model.params
        values = [[name, _shown(scope.values[name])] for name in names if name in scope.values]
        return [
            scope.path,
            scope.kind,
            -1 if scope.parent is None else self._scopes[scope.parent],
            "" if block is None else block.name,
            self._same(doc),
            self._same(values),
            self.files.place(scope.step.span if scope.step is not None else None),
            self.files.place(block.span if block is not None else None),
        ]

    def _same(self, value: Any) -> int:
        return self.shared.place(repr(value), lambda: value)


def _arguments(node: Node) -> list[Any]:
    """Name, value, and whether it is the default, of each argument."""
    if node.op is None:
        return []
    found = []
    for name, field in type(node.op).model_fields.items():
        value = getattr(node.op, name)
        if value is not None:
            default = not field.is_required() and value == field.default
            shown = value.plain() if isinstance(value, Init) else value
            found.append([name, _shown(shown), int(default)])
    return found


def _shown(value: Any) -> str:
    """A value as a spec would write it, of bounded length."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)[:LONGEST_VALUE]
    if isinstance(value, list | tuple):
        return f"[{', '.join(_listed(value))}]"[:LONGEST_VALUE]
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_shown(one)}' for name, one in value.items())}}}"[:LONGEST_VALUE]
    return str(value)[:LONGEST_VALUE]


def _listed(values: Iterable[Any]) -> Iterable[str]:
    for count, value in enumerate(values):
        if count == LONGEST_VALUE:
            return
        yield _shown(value)
