"""Sampling of a map at places that are computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from archspec.ops.affine_grid import PLACES
from archspec.ops.common.arguments import Flag, Text
from archspec.ops.common.base import Argument, Example, Function, H, Kind, L, Op, Shape, ShapeError, W, counted
from archspec.ops.common.memory import Layout, Saved
from archspec.ops.common.spatial import feature_map
from archspec.ops.common.windows import POINTWISE, Everything, Window


class GridSample(Op):
    """Read a map at the places of a grid, between pixels by interpolation (https://arxiv.org/abs/1506.02025).

    The grid has a place for each pixel of the output, from -1 to 1 along each axis and x first, as `affine_grid` gives
    it; a map of 2 channels, permuted to the end, is one too.
    """

    keyword: ClassVar[str] = "grid_sample"
    kind: ClassVar[Kind] = "upsampling"
    references: ClassVar[tuple[str, ...]] = ("grid",)
    prelude: ClassVar[str] = (
        "- conv as flow: {channels: 2, kernel: 1}\n- permute as places: {axes: [height, width, channels]}\n"
        "- conv as features: {channels: 8, kernel: 1}\n  from: image\n"
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W), Shape((5, L, 2), PLACES[2])), {"grid": "places"}, Shape.of(3, 5, L)),
        Example(
            (Shape.of(2, 6, W), Shape((4, 5, 2), PLACES[2])),
            {"grid": "places", "mode": "nearest", "padding_mode": "border", "align_corners": True},
        ),
        Example(
            (Shape.of(2, 6, 7), Shape((4, W, 2), PLACES[2])),
            {"grid": "places", "mode": "bicubic", "padding_mode": "reflection"},
        ),
        Example((Shape.of(2, 4, 6, 7), Shape((4, W, 5, 3), PLACES[3])), {"grid": "places"}, Shape.of(2, 4, W, 5)),
    )

    grid: Text = Field(description="the step that gives the places")
    mode: Literal["bilinear", "nearest", "bicubic"] = Field("bilinear", description="how to read between pixels")
    padding_mode: Literal["zeros", "border", "reflection"] = Field(
        "zeros", description="what lies outside: zeros, the border again, the mirror image"
    )
    align_corners: Flag = Field(
        False, description="whether -1 and 1 are the centres of the outer pixels, not their edges"
    )

    @property
    def borrows(self) -> int:
        """None: the grid is read."""
        return 0

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The channels of the map at the pixels of the grid."""
        shape = feature_map(self, inputs[:1])
        if shape.rank not in PLACES:
            raise ShapeError(f"grid sample reads images and volumes, not {counted(shape.rank)}")
        if len(inputs) != 2:
            raise ShapeError(f"grid sample takes a map and a grid, not {len(inputs)} inputs")
        grid = inputs[1]
        if not grid.batched or grid.axes != PLACES[shape.rank] or grid.channels != shape.rank:
            found = ", ".join(f"{axis} {dim}" if isinstance(dim, int) else axis
                              for axis, dim in zip(grid.axes, grid.dims, strict=True))  # fmt: skip
            raise ShapeError(
                f"the grid must have the axes {', '.join(PLACES[shape.rank])} and {shape.rank} channels, not ({found})",
                "`affine_grid` gives one; `permute` brings the channels of a map to the end",
                "grid",
            )
        if self.mode == "bicubic" and shape.rank != 2:
            raise ShapeError("bicubic reads images only", "write `mode: bilinear`", "mode")
        return Shape.of(shape.channels, *grid.spatial)

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """All of the map, since the places depend on the data; the place of the pixel itself."""
        return POINTWISE if index else Everything()

    layout: ClassVar[Layout] = "plain"

    def passes_gradient(self, inputs: Sequence[Shape], position: int, output: Shape) -> Literal["new", "same"] | None:
        """New memory for both."""
        return "new"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The map and the grid."""
        return Saved((0, 1))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.grid_sample({0}, {1}, align_corners=False)``."""
        given = (
            Argument("mode", self.mode, "mode", "bilinear"),
            Argument("padding_mode", self.padding_mode, "padding_mode", "zeros"),
            Argument("align_corners", self.align_corners, "align_corners"),
        )
        text = "".join(f", {argument.text}" for argument in given if not argument.needless)
        return Function(f"F.grid_sample({{0}}, {{1}}{text})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``bilinear sampling``."""
        return f"{self.mode} sampling"
