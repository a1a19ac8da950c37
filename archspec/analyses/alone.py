"""Steps that refuse a batch of one image: a normalisation over the batch then has a single value in each channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archspec.graph import Graph, Node
from archspec.ops.common.runs import Run
from archspec.records import record
from archspec.sizes import Condition, Several, Size, Solution, inverse, text

Box = dict[str, int]
"""The largest value of each symbol, or of a size in several symbols, at which a map has a single value."""


@record
class Alone:
    """A step that refuses a batch of one image, the sizes up to which it does, and whether in training only."""

    step: Node
    box: Box
    training: bool

    def __str__(self) -> str:
        limits = " and ".join(f"{name} ≤ {limit}" for name, limit in self.box.items())
        return f"needs a batch of at least 2{' where ' if limits else ''}{limits}"


def alone(graph: Graph, evaluated: Mapping[str, Solution], trained: Mapping[str, Solution]) -> list[Alone]:
    """The steps that refuse a batch of one image at sizes at which no other step refuses it.

    ``evaluated`` and ``trained`` are the valid sizes in evaluation and in training; at others nothing runs.
    """
    found: list[Alone] = []
    met: set[tuple[bool, Condition]] = set()
    for training, solutions in ((False, evaluated), (True, trained)):
        for node, condition in _extra(graph, training):
            key = (training, Several(condition.terms))
            if key in met:
                continue
            met.add(key)
            box = _box(condition)
            if any(name in solutions and _above(solutions[name], limit) for name, limit in box.items()):
                continue
            if any(_within(box, other.box) for other in found):
                continue
            found = [other for other in found if other.training != training or not _within(other.box, box)]
            found.append(Alone(node, box, training))
    return found


def _extra(graph: Graph, training: bool) -> Iterator[tuple[Node, Several]]:
    """The conditions of steps on a batch of one image that they do not have on several."""
    tried: set[int] = set()
    for node, first in zip(graph.nodes, graph.firsts, strict=True):
        if node.op is None or node.dead or (node.training_only and not training) or first in tried:
            continue
        tried.add(first)
        inputs = graph.shapes_in(node)
        several = node.op.conditions(inputs, node.index, Run(training))
        for condition in node.op.conditions(inputs, node.index, Run(training, alone=True)):
            if isinstance(condition, Several) and condition not in several:
                yield node, condition


def _box(condition: Several) -> Box:
    box: Box = {}
    for term in condition.terms:
        if not isinstance(term, Size):
            continue
        name, limit = text(term), 1
        if len(term.symbols) == 1:
            (name,), limit = term.symbols, inverse(term, 2) - 1
        box[name] = min(limit, box.get(name, limit))
    return box


def _above(solution: Solution, limit: int) -> bool:
    """Whether every valid size is larger."""
    least = solution.next(1)
    return least is None or least > limit


def _within(box: Box, other: Box) -> bool:
    return all(name in box and box[name] <= limit for name, limit in other.items())
