"""What pixel shuffle and its inverse share: channels exchanged for pixels by a factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Positive
from archspec.ops.common.base import Argument, Function, Kind, Module, Op, Shape, ShapeError, counted
from archspec.ops.common.memory import NOTHING, Layout, Saved
from archspec.ops.common.spatial import feature_map


class Rearranging(Op):
    """Base of the two; torch has them for images alone."""

    kind: ClassVar[Kind] = "reshape"
    layout: ClassVar[Layout] = "channels"
    sign: ClassVar[str]
    """The arrow before the factor, in words."""

    factor: Positive = Field(description="how many times the height and the width change")

    def _image(self, inputs: Sequence[Shape]) -> Shape:
        shape = feature_map(self, inputs)
        if shape.rank != 2:
            raise ShapeError(f"{self.title()} wants an image, not {counted(shape.rank)}")
        return shape

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.PixelShuffle(2)``."""
        return Module(f"nn.{self.keyword.title().replace('_', '')}", (Argument("factor", self.factor),))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.pixel_shuffle({0}, 2)``."""
        return Function(f"F.{self.keyword}({{0}}, {self.factor})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``pixel shuffle ↑2``."""
        return f"{self.title()} {self.sign}{self.factor}"
