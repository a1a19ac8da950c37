"""Places on a map, by an affine transformation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from archspec.ops.common.arguments import Flag, Text
from archspec.ops.common.base import Example, Function, H, Kind, Op, Shape, ShapeError, W, counted, only
from archspec.ops.common.memory import NOTHING, Saved
from archspec.ops.common.spatial import feature_map
from archspec.ops.common.windows import Nothing, Window

PLACES = {2: ("height", "width", "channels"), 3: ("depth", "height", "width", "channels")}
"""The axes of a grid, by the number of spatial axes: a place on the map for each pixel."""


class AffineGrid(Op):
    """Where each pixel of a map comes from, by an affine transformation (https://arxiv.org/abs/1506.02025).

    The input is the transformation, a vector of 6 numbers for an image (12 for a volume): a matrix row by row, with the
    translation as last column.  Places run from -1 to 1 along each axis, x first; `grid_sample` reads there.
    """

    keyword: ClassVar[str] = "affine_grid"
    kind: ClassVar[Kind] = "reshape"
    references: ClassVar[tuple[str, ...]] = ("to",)
    prelude: ClassVar[str] = "- global_avg_pool\n- flatten\n- linear as matrix: {features: 6}\n"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(6), Shape.of(3, H, W)), {"to": "image"}, Shape((H, W, 2), PLACES[2])),
        Example((Shape.of(6), Shape.of(3, 5, 7)), {"to": "image", "align_corners": True}),
        Example((Shape.of(12), Shape.of(1, 4, H, W)), {"to": "volume"}, Shape((4, H, W, 3), PLACES[3])),
    )

    to: Text = Field(description="the step whose size the grid has")
    align_corners: Flag = Field(
        False, description="whether -1 and 1 are the centres of the outer pixels, not their edges"
    )

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """A place for each pixel of the step."""
        vector = only(self, inputs[:1])
        shape = feature_map(self, inputs[1:])
        if shape.rank not in PLACES:
            raise ShapeError(f"a grid has 2 or 3 spatial axes, and `to` has {counted(shape.rank)}", argument="to")
        numbers = shape.rank * (shape.rank + 1)
        if vector.axes != ("channels",) or vector.dims != (numbers,):
            raise ShapeError(
                f"an affine transformation of {counted(shape.rank)} is a vector of {numbers} numbers",
                f"`linear: {{features: {numbers}}}` gives it",
            )
        return Shape((*shape.spatial, shape.rank), PLACES[shape.rank])

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """Nothing of the step whose size is used."""
        return Nothing()

    def passes_gradient(self, inputs: Sequence[Shape], position: int, output: Shape) -> Literal["new", "same"] | None:
        """New memory for the transformation."""
        return None if position else "new"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.affine_grid({0}.view(-1, 2, 3), {1}.shape, align_corners=False)``."""
        rank = inputs[1].rank
        view = f"{{0}}.view(-1, {rank}, {rank + 1})"
        return Function(f"F.affine_grid({view}, list({{1}}.shape), align_corners={self.align_corners})")
