"""A network as nested rows: by block, repeats folded, with what each part gives, holds and costs.

:func:`summarise` makes them; :mod:`archspec.backends.reports.summary_table` lays them out for a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, field, replace
from typing import Any, Literal

from archspec.analyses.report import Report
from archspec.graph import Graph, Node, Scope
from archspec.records import record
from archspec.sizes import Evaluation, Size
from archspec.sizes import text as formula

Runs = Literal["always", "in training", "never"]


@record
class Row:
    """A line of the table: a step (with the activations that follow it at once), a block use, or several equal ones.

    ``parameters``, ``multiply_adds`` and ``activations`` are those of one copy; ``share`` is that of all ``count``
    copies in the multiply-adds of the network.  ``receptive_field`` is the last copy's, per axis.
    """

    name: str
    what: str
    path: str
    last_path: str
    kind: str
    """A scope's kind or an op's: ``block``, ``sequence``, ``convolution`` …"""
    shape: tuple[int | str, ...]
    """Numbers, or formulas where a symbol has no number."""
    parameters: int
    multiply_adds: int | None
    activations: int | None
    receptive_field: tuple[int, ...] | None
    whole: bool
    """Whether every output sees the whole input: a global operation lies before it."""
    share: float | None
    count: int = 1
    runs: Runs = "always"
    labels: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def square(self) -> bool:
        """Whether the receptive field is the same along each axis."""
        return len(set(self.receptive_field or ())) <= 1

    @property
    def likeness(self) -> tuple[Any, ...]:
        """What equal copies have in common: everything but their names and where they stand."""
        inner = tuple((row.name, *row.likeness) for row in self.rows)
        return (self.kind, self.what, self.shape, self.parameters, self.multiply_adds, self.runs, self.count, inner)


@record
class Summary:
    """The rows of a network and its totals, for one sample at ``sizes``."""

    name: str
    source: str | None
    sizes: Mapping[str, int]
    inputs: tuple[Row, ...]
    rows: tuple[Row, ...]
    parameters: int
    multiply_adds: int | None
    activations: int | None
    valid_sizes: Mapping[str, str] = field(default_factory=dict)
    valid_sizes_training: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    """Why it does not run on one image at ``sizes``, in evaluation or in training."""


def to_json(summary: Summary, depth: int | None = None) -> dict[str, Any]:
    """The same as plain data; rows deeper than ``depth`` are left out."""
    rows = summary.rows if depth is None else tuple(_cut(row, depth) for row in summary.rows)
    return asdict(replace(summary, rows=rows))


def _cut(row: Row, depth: int) -> Row:
    return replace(row, rows=tuple(_cut(inner, depth - 1) for inner in row.rows) if depth > 1 else ())


def summarise(report: Report) -> Summary:
    """The whole table of a network, nothing hidden; equal copies in a row are one row."""
    maker = _Maker(report)
    graph = report.graph
    total = report.total
    return Summary(
        graph.name,
        graph.source,
        dict(report.sizes),
        tuple(maker.step([graph.nodes[index]]) for index in graph.inputs.values()),
        maker.rows(graph.root),
        total.parameters,
        total.multiply_adds,
        total.activations,
        {name: solution.describe() for name, solution in report.valid_sizes.items()},
        {name: solution.describe() for name, solution in report.valid_sizes_training.items()},
        tuple(each.message for training in (False, True) for each in report.refused(training)),
    )


class _Maker:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.graph: Graph = report.graph
        self.evaluation = Evaluation(report.sizes)
        self.whole = report.total.multiply_adds or 0

    def rows(self, scope: Scope) -> tuple[Row, ...]:
        """The rows of what lies directly in a scope."""
        made: list[tuple[Row, set[int], int]] = []  # with the nodes each reads from outside, and the node it gives
        for group in _groups(scope.members):
            if isinstance(group, Scope):
                inside = {node.index for node in group.nodes()}
                reads = {index for node in group.nodes() for index in node.inputs} - inside
                made.append((self.block(group), reads, group.output))
            else:
                made.append((self.step(group), set(group[0].inputs), _last(group).index))
        return tuple(_folded(made))

    def step(self, nodes: Sequence[Node]) -> Row:
        """A step and the activations that follow it."""
        words = [self.words(node) for node in nodes if node.op is None or not node.op.follows]
        first = nodes[0]
        costs = [self.report.node_costs[node.index] for node in nodes]
        named = f"{first.scope.prefix}{first.name}" if first.counted or first.op is None else ""
        return self._row(
            named, " · ".join(word for word in words if word), first.path, _last(nodes),
            first.op.kind if first.op is not None else "input",
            sum(cost.parameters for cost in costs), _sum(cost.multiply_adds for cost in costs),
            _sum(cost.activations for cost in costs) if first.op is not None else None, nodes,
            tuple(node.label for node in nodes if node.label is not None and _labelled(node)),
        )  # fmt: skip

    def block(self, scope: Scope) -> Row:
        """A use of a block, a sequence, a branch or a named merge, with its rows."""
        nodes = list(scope.nodes())
        cost = self.report.block_costs[scope.path]
        what = scope.block.name if scope.kind == "block" and scope.block is not None else ""
        if scope.kind == "merge" and scope.step is not None:
            what = scope.step.what
        if scope.reuse is not None:
            what = f"{what}, weights of {scope.reuse.path}".removeprefix(", ")
        rows = self.rows(scope)
        label = self.graph.nodes[scope.output].label
        labels = (label,) if label is not None and _labelled(scope) else ()
        return replace(
            self._row(
                f"{scope.parent.prefix if scope.parent is not None else ''}{scope.name}",
                what, scope.path, self.graph.nodes[scope.output], scope.kind,
                cost.parameters, cost.multiply_adds, cost.activations, nodes, labels,
            ),
            rows=rows,
        )  # fmt: skip

    def _row(
        self, name: str, what: str, path: str, last: Node, kind: str, parameters: int, multiply_adds: int | None,
        activations: int | None, nodes: Sequence[Node], labels: tuple[str, ...],
    ) -> Row:  # fmt: skip
        seen = self.report.receptive_fields.get(last.path)
        runs: Runs = "always"
        if nodes and all(node.dead for node in nodes):
            runs = "never"
        elif nodes and all(node.training_only or node.dead for node in nodes):
            runs = "in training"
        share = None
        if self.whole and multiply_adds is not None and runs == "always":
            share = multiply_adds / self.whole
        return Row(
            name, what, path, last.path, kind, self._shape(last), parameters, multiply_adds, activations,
            tuple(seen.sizes) if seen is not None and seen.sizes else None, seen is not None and seen.whole, share,
            runs=runs, labels=labels,
        )  # fmt: skip

    def words(self, node: Node) -> str:
        """An op as papers write it."""
        if node.op is None:
            return "input"
        if node.op.merges and len(node.inputs) > 1:
            return f"{node.op.title()} of {len(node.inputs)}"
        words = node.op.words(self.graph.shapes_in(node), node.shape)
        return words if node.reuse is None else f"{words}, weights of {node.reuse.path}"

    def _shape(self, node: Node) -> tuple[int | str, ...]:
        try:
            return tuple(self.evaluation.of(dim) for dim in node.shape.dims)
        except ValueError:
            return tuple(formula(dim) if isinstance(dim, Size) else dim for dim in node.shape.dims)


def _labelled(item: Node | Scope) -> bool:
    """Whether the label of an item's output is its own, and not one around it or inside that gives the same value."""
    if isinstance(item, Scope):
        return item.step is not None and item.step.label is not None
    return item.scope.output != item.index or not _labelled(item.scope)


def _groups(items: Sequence[Node | Scope]) -> Iterator[Scope | list[Node]]:
    """Scopes, and runs of a step with the activations that read it at once."""
    run: list[Node] = []
    for item in items:
        if isinstance(item, Node) and run and _follows(item, run[-1]):
            run.append(item)
            continue
        if run:
            yield run
        run = []
        if isinstance(item, Scope):
            if item.items:
                yield item
        else:
            run = [item]
    if run:
        yield run


def _follows(node: Node, before: Node) -> bool:
    """Whether a step is an activation without weights that reads the one before alone, or its call's second value."""
    if node.op is not None and node.op.follows:
        return True
    if node.op is None or node.op.kind not in ("activation", "dropout") or node.op.tensors:
        return False
    return node.inputs == (before.index,)


def _last(group: Sequence[Node]) -> Node:
    """The step whose value a row gives."""
    return next(node for node in reversed(group) if node.op is None or not node.op.follows)


def _folded(made: Sequence[tuple[Row, set[int], int]]) -> Iterator[Row]:
    """Rows with equal ones that feed one another made one."""
    index = 0
    while index < len(made):
        row, _, gives = made[index]
        copies = [row]
        while index + len(copies) < len(made):
            other, reads, next_gives = made[index + len(copies)]
            if reads != {gives} or other.likeness != row.likeness:
                break
            copies.append(other)
            gives = next_gives
        yield row if len(copies) == 1 else _several(copies)
        index += len(copies)


def _several(copies: Sequence[Row]) -> Row:
    """One row for equal copies: their range of names, the last one's receptive field."""
    first, last = copies[0], copies[-1]
    share = None if first.share is None else first.share * len(copies)
    return replace(
        first,
        name=name_range(first.name, last.name),
        last_path=last.last_path,
        count=len(copies),
        share=share,
        receptive_field=last.receptive_field,
        labels=tuple(label for copy in copies for label in copy.labels),
        rows=tuple(_multiplied(row, len(copies)) for row in first.rows),
    )


def _multiplied(row: Row, count: int) -> Row:
    """A row inside equal copies: its share is that of all of them; its receptive field is not a single number."""
    share = None if row.share is None else row.share * count
    return replace(row, share=share, receptive_field=None, rows=tuple(_multiplied(inner, count) for inner in row.rows))


def name_range(first: str, *others: str) -> str:
    """``0–1``, ``denselayer1–6``, ``Mixed_6c–d``, or ``first … last``."""
    last = others[-1] if others else ""
    if not first or not last:
        return first or last
    for ending in (r"\d+\Z", r"[a-z]\Z"):
        stem = re.sub(ending, "", first)
        if stem == re.sub(ending, "", last) and last != stem != first:
            return f"{first}–{last[len(stem) :]}"
    return f"{first} … {last}"


def _sum(numbers: Iterator[int | None]) -> int | None:
    found = list(numbers)
    known = [number for number in found if number is not None]
    return sum(known) if len(known) == len(found) else None
