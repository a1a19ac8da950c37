"""Logistic activation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.memory import OUTPUT, Saved
from archspec.ops.common.pointwise import Pointwise


class Sigmoid(Pointwise):
    """1/(1 + exp(−x))."""

    keyword: ClassVar[str] = "sigmoid"
    target: ClassVar[str] = "nn.Sigmoid"
    expression: ClassVar[str] = "torch.sigmoid"
    name: ClassVar[str] = "sigmoid"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),)))

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The output, from which the derivative is computed."""
        return OUTPUT
