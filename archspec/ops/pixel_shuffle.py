"""Channels laid out as rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, H, Shape, ShapeError, W
from archspec.ops.common.rearranging import Rearranging
from archspec.ops.common.windows import Scaled, Window
from archspec.sizes import step


class PixelShuffle(Rearranging):
    """Each factor² channels become factor × factor pixels of one (https://arxiv.org/abs/1609.05158)."""

    keyword: ClassVar[str] = "pixel_shuffle"
    sign: ClassVar[str] = "↑"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(12, H, W),), {"factor": 2}),
        Example((Shape.of(9, 7, 5),), {"factor": 3}, Shape.of(1, 21, 15)),
    )

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """factor² times fewer channels, factor times the size."""
        shape = self._image(inputs)
        channels, rest = divmod(shape.channels, self.factor**2)
        if rest:
            raise ShapeError(f"{shape.channels} channels do not divide by {self.factor}²", argument="factor")
        return shape.with_(channels=channels, spatial=[step(dim, self.factor, 0, 1) for dim in shape.spatial])

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The row that its channel comes from."""
        return Scaled(self.factor, 1, 1)
