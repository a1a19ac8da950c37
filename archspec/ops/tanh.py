"""Hyperbolic tangent activation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.memory import OUTPUT, Saved
from archspec.ops.common.pointwise import Pointwise


class Tanh(Pointwise):
    """The hyperbolic tangent."""

    keyword: ClassVar[str] = "tanh"
    target: ClassVar[str] = "nn.Tanh"
    expression: ClassVar[str] = "torch.tanh"
    name: ClassVar[str] = "tanh"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),)))

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The output, from which the derivative is computed."""
        return OUTPUT
