"""What depends on an op and the shapes of its inputs alone: worked out once for all steps, and all graphs, alike.

Loads that share a shelf make equal ops and shapes the same objects, so they are compared by identity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from archspec.graph import Graph
from archspec.ops import Op, Shape

T = TypeVar("T")

MOST_KNOWN = 20_000
"""Answers that are remembered of each kind."""


class Alike(Generic[T]):
    """The answers to one question about an op with its inputs' shapes and its output's."""

    def __init__(self, answer: Callable[[Op, tuple[Shape, ...], Shape], T]) -> None:
        self._answer = answer
        self._known: dict[tuple[int, ...], tuple[T, Op, tuple[Shape, ...], Shape]] = {}
        """By identity; what an id stands for is kept, so that nothing else gets the id."""

    def of(self, graph: Graph) -> list[T | None]:
        """The answers for every node, by index; None for an input of the network."""
        found: list[T | None] = []
        for node, first in zip(graph.nodes, graph.firsts, strict=True):
            op = node.op
            if op is None:
                found.append(None)
            elif first != node.index:
                found.append(found[first])
            else:
                inputs, shape = graph.shapes_in(node), node.shape
                key = (id(op), id(shape), *map(id, inputs))
                known = self._known.get(key)
                if known is None:
                    known = self._known[key] = self._answer(op, inputs, shape), op, inputs, shape
                found.append(known[0])
        if len(self._known) > MOST_KNOWN:  # here, so that no large network is kept alive after it was measured
            self._known.clear()
        return found
