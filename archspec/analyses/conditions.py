"""A network's conditions on its input size, for people: each with the step that imposes it, and why.

A condition at a merge has two sides.  Each side is shown with its path, from where the two paths part, and with the
steps on the path that change the size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from archspec.analyses.alone import alone
from archspec.analyses.walk import ancestors
from archspec.diagnostics import Span
from archspec.graph import Graph, Node
from archspec.records import record
from archspec.sizes import AtMost, Condition, Dim, Equal, Size, Solution, statement, text

STEPS_SHOWN = 4


@record
class Side:
    """One side of a condition: a size, the step that has it, and the steps on its path that changed it."""

    size: str
    path: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        shown = [f"`{step}`" for step in self.steps]
        if len(shown) > STEPS_SHOWN:
            shown[2:-1] = [f"… {len(shown) - 3} more …"]
        way = f" via {', '.join(shown)}" if shown and self.steps != (self.path,) else ""
        return f"`{self.path}` has {self.size}{way}"


@record
class ReadableCondition:
    """One part of the description of the valid sizes."""

    symbol: str
    text: str
    """The sizes that it allows: ``H ≥ 75``, ``H a multiple of 32``."""
    statement: str
    """The condition in the sizes at the step: ``2·⌊H/4⌋ = ⌊H/2⌋``."""
    step: str
    span: Span
    sides: tuple[Side, ...] = ()
    """Both paths, if two are merged."""
    parted: str | None = None
    """The last step that both paths share."""

    def __str__(self) -> str:
        said = f"{self.text}: `{self.step}` needs {self.statement}"
        if self.sides:
            said += f" ({' and '.join(map(str, self.sides))}; parted at `{self.parted}`)"
        return said


def readable(graph: Graph, solutions: Mapping[str, Solution]) -> list[ReadableCondition]:
    """The conditions that determine the valid sizes, by symbol, in execution order."""
    return [
        read(graph, name, imposed.text, imposed.condition)
        for name, solution in solutions.items()
        for imposed in solution.imposed
    ]


def read(graph: Graph, symbol: str, said: str, condition: Condition) -> ReadableCondition:
    """One condition with its step and its paths."""
    index = condition.author
    assert isinstance(index, int)
    node = graph.nodes[index]
    branches = meeting(graph, node, condition)
    if len(branches) < 2:
        return ReadableCondition(symbol, said, statement(condition), node.path, node.span)
    parted = max(ancestors(graph, branches[0][0]) & ancestors(graph, branches[1][0]), default=0)
    sides = tuple(_side(graph, branch, dim, axis, parted) for branch, dim, axis in branches)
    parted_path = graph.nodes[parted].path
    return ReadableCondition(symbol, said, statement(condition), node.path, node.span, sides, parted_path)


def meeting(graph: Graph, node: Node, condition: Condition) -> list[tuple[int, Dim, str]]:
    """The inputs of a node with the two sides of a condition, as (node index, size, axis); empty if none differ."""
    if not isinstance(condition, Equal | AtMost) or len(node.inputs) < 2:
        return []
    found: list[tuple[int, Dim, str]] = []
    for wanted in (condition.left, condition.right):
        for index in node.inputs:
            shape = graph.nodes[index].shape
            at = next((at for at, dim in enumerate(shape.dims) if dim is wanted and shape.axes[at] != "channels"), None)
            if at is not None and index not in [other for other, _, _ in found]:
                found.append((index, wanted, shape.axes[at]))
                break
    return found if len(found) == 2 else []


def _side(graph: Graph, branch: int, dim: Dim, axis: str, parted: int) -> Side:
    """The path from where the two part, along inputs that still have the axis."""
    below = ancestors(graph, branch)
    steps: list[str] = []
    index = branch
    while index > parted:
        node = graph.nodes[index]
        size = _size(node, axis)
        sources = [source for source in node.inputs if source in below and parted in ancestors(graph, source)]
        if not sources:
            break
        if _size(graph.nodes[sources[0]], axis) is not size:
            steps.append(node.path)
        index = sources[0]
    return Side(text(dim), graph.nodes[branch].path, tuple(reversed(steps)))


def _size(node: Node, axis: str) -> Dim | None:
    return node.shape.dims[node.shape.axes.index(axis)] if axis in node.shape.axes else None


@record
class SizeNote:
    """A note about sizes that is not a condition on one symbol in evaluation."""

    step: str
    text: str
    when: Literal["always", "training"]

    def __str__(self) -> str:
        return f"`{self.step}`: {'in training it ' if self.when == 'training' else ''}{self.text}"


def notes(graph: Graph, evaluated: Mapping[str, Solution], trained: Mapping[str, Solution]) -> list[SizeNote]:
    """Notes on fixed sizes, on conditions over several symbols, and on steps that refuse a batch of one image.

    ``evaluated`` and ``trained`` are the valid sizes in evaluation and in training.
    """
    pinned: dict[str, list[str]] = {}
    for name, node in fixed(graph, evaluated):
        pinned.setdefault(node.path, []).append(name)
    ways = "pool globally before it (`global_avg_pool`), or build for another size (`sizes:`, or load(…, sizes=…))"
    found = [
        SizeNote(path, f"fixes {' and '.join(names)} to the size in the spec; {ways}", "always")
        for path, names in pinned.items()
    ]
    said: set[Condition] = set()
    whens: tuple[tuple[Literal["always", "training"], Mapping[str, Solution]], ...]
    whens = ("always", evaluated), ("training", trained)
    for when, solutions in whens:
        for condition in [each for solution in solutions.values() for each in solution.coupled]:
            if condition not in said and isinstance(condition.author, int):
                said.add(condition)
                found.append(SizeNote(graph.nodes[condition.author].path, f"needs {statement(condition)}", when))
    for one in alone(graph, evaluated, trained):
        found.append(SizeNote(one.step.path, str(one), "training" if one.training else "always"))
    return found


def fixed(graph: Graph, solutions: Mapping[str, Solution]) -> Iterator[tuple[str, Node]]:
    """The symbols that are fixed to the spec's own size, each with the step that fixes it."""
    for name, solution in solutions.items():
        for imposed in solution.imposed:
            condition = imposed.condition
            pinned = isinstance(condition, Equal) and not isinstance(condition.right, Size)
            if pinned and isinstance(condition.author, int):
                yield name, graph.nodes[condition.author]
                break
