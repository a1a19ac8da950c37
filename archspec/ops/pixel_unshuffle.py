"""Rows and columns laid out as channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, H, Shape, ShapeError, W
from archspec.ops.common.rearranging import Rearranging
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.windows import Sliding, Window
from archspec.sizes import Condition, Residue, step


class PixelUnshuffle(Rearranging):
    """factor × factor pixels of a channel become factor² channels: the inverse of `pixel_shuffle` (arXiv:1609.05158).

    Height and width must be multiples of the factor.
    """

    keyword: ClassVar[str] = "pixel_unshuffle"
    sign: ClassVar[str] = "↓"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"factor": 2}),
        Example((Shape.of(1, 21, 15),), {"factor": 3}, Shape.of(9, 7, 5)),
    )

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """factor² times the channels, a factor-th of the size."""
        shape = self._image(inputs)
        for name, dim in zip(shape.spatial_axes, shape.spatial, strict=True):
            if isinstance(dim, int) and dim % self.factor:
                raise ShapeError(f"a {name} of {dim} does not divide by {self.factor}", argument="factor")
        spatial = [step(dim, 1, 0, self.factor) for dim in shape.spatial]
        return shape.with_(channels=shape.channels * self.factor**2, spatial=spatial)

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """Height and width are multiples of the factor."""
        if self.factor == 1:
            return []
        symbolic = [dim for dim in inputs[0].spatial if not isinstance(dim, int)]
        return [Residue(dim, self.factor, ((0, 0),), author) for dim in symbolic]

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The rows that its channels come from."""
        return Sliding(self.factor, self.factor)
