"""Parametric rectified linear activation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Flag
from archspec.ops.common.base import Argument, Example, H, Kind, Module, Op, Shape, ShapeError, W, Weight, only
from archspec.ops.common.memory import Layout


class Prelu(Op):
    """x if x is positive, else x times a learnt slope, initially 0.25 (https://arxiv.org/abs/1502.01852)."""

    keyword: ClassVar[str] = "prelu"
    kind: ClassVar[Kind] = "activation"
    acts_per_channel: ClassVar[bool] = True
    layout: ClassVar[Layout] = "kept"
    tensors: ClassVar[tuple[str, ...]] = ("weight",)
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape.of(3, H, W),), {"per_channel": True, "init": {"constant": 0.1}}),
        Example((Shape.of(5),), {"per_channel": True}),
    )

    per_channel: Flag = Field(False, description="whether each channel has a slope of its own")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        shape = only(self, inputs)
        if self.per_channel and not shape.channels_first:
            raise ShapeError(
                "prelu with a slope for each channel needs channels first", "`permute` them to the front first"
            )
        return shape

    def _slopes(self, shape: Shape) -> int:
        return shape.channels if self.per_channel else 1

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight``: the slopes."""
        return (Weight("weight", (self._slopes(inputs[0]),)),)

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``nn.PReLU(64)``."""
        slopes = Argument("in_channels" if self.per_channel else "slopes", self._slopes(inputs[0]), None, 1)
        return Module("nn.PReLU", (slopes,))

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``PReLU``."""
        return "PReLU"
