"""What an op needs in memory for inputs of given shapes: asked of it once for all steps and networks that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal

from archspec.analyses.alike import Alike
from archspec.analyses.strides import may_gather
from archspec.graph import Graph
from archspec.ops import Op, Shape
from archspec.ops.common.memory import Numbers, Saved

WIDTHS: dict[str, int] = {"int64": 8}
"""Bytes of an element of a weight that has a dtype of its own."""


class Facts:
    """The answers of one op for inputs and an output of given shapes."""

    __slots__ = (
        "gathers",
        "hands_on",
        "largest",
        "op",
        "output",
        "passes",
        "passes_all",
        "prepared",
        "saved",
        "scratch",
        "shares",
        "weights",
    )

    def __init__(self, op: Op, inputs: Sequence[Shape], output: Shape) -> None:
        self.op = op
        self.output = output
        self.gathers = may_gather(op)
        self.prepared: tuple[Numbers, ...] = op.prepared(inputs)
        self.scratch: tuple[Numbers, ...] = op.scratch(inputs, output)
        self.saved: Saved = op.saved(inputs, output)
        self.hands_on: bool = op.hands_on(inputs)
        self.shares: tuple[int | None, int | None] = (op.aliases(inputs, False), op.aliases(inputs, True))
        """The input that the output is, or is a view of: in evaluation, and in training."""
        self.passes: tuple[Literal["new", "same"] | None, ...] = tuple(
            op.passes_gradient(inputs, position, output) for position in range(len(inputs))
        )
        """By input: how its gradient is made."""
        self.passes_all = all(self.passes)
        self.weights = self._weights(inputs)
        """Of the buffers, then of the parameters: bytes of those with a dtype of their own, elements of the others."""

        self.largest = max((prod(weight.shape) for weight in op.weights(inputs) if weight.trainable), default=0)
        """Elements of the largest parameter."""

    def _weights(self, inputs: Sequence[Shape]) -> tuple[tuple[int, int], tuple[int, int]]:
        found = [[0, 0], [0, 0]]
        for weight in self.op.weights(inputs):
            width = WIDTHS.get(weight.dtype)
            found[weight.trainable][width is None] += prod(weight.shape) * (width or 1)
        (fixed, buffers), (own, parameters) = found
        return (fixed, buffers), (own, parameters)


_FACTS = Alike(Facts)


def facts(graph: Graph) -> list[Facts | None]:
    """The facts of every node, by index; None for an input of the network."""
    return _FACTS.of(graph)
