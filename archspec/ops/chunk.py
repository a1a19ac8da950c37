"""One of several equal parts of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Axis, NonNegative, Positive
from archspec.ops.common.base import Example, Function, H, Kind, Op, Shape, ShapeError, W, only
from archspec.ops.common.memory import NOTHING, Saved
from archspec.ops.common.windows import POINTWISE, Shifted, Window


class Chunk(Op):
    """Take part ``index`` (from 0) of ``chunks`` equal parts of an axis; the last may be smaller."""

    keyword: ClassVar[str] = "chunk"
    kind: ClassVar[Kind] = "reshape"
    permutes: ClassVar[bool] = True
    pins: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(116, H, W),), {"chunks": 2, "index": 1}, Shape.of(58, H, W)),
        Example((Shape.of(8, H, W),), {"chunks": 3, "index": 2}, Shape.of(2, H, W)),
        Example((Shape.of(8, 6, W),), {"chunks": 2, "index": 1, "axis": "height"}, Shape.of(8, 3, W)),
        Example((Shape.of(6),), {"chunks": 3, "index": 0}, Shape.of(2)),
    )

    chunks: Positive = Field(description="number of parts")
    index: NonNegative = Field(description="the part to take, counted from 0")
    axis: Axis = Field("channels", description="the axis to cut")

    def _stretch(self, shape: Shape) -> tuple[int, int]:
        size = shape.dims[shape.position(self.axis) - 1]
        if not isinstance(size, int):
            raise ShapeError(f"chunk needs a constant {self.axis}", "`slice` takes rows of any size", "axis")
        each = -(-size // self.chunks)
        if self.index >= self.chunks:
            raise ShapeError(f"there is no part {self.index} of {self.chunks}, counted from 0", argument="index")
        if self.index * each >= size:
            raise ShapeError(
                f"{size} {self.axis} make {-(-size // each)} parts of {each}, not {self.chunks}", argument="chunks"
            )
        return self.index * each, min(each, size - self.index * each)

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's shape; the axis has the length of the part."""
        shape = only(self, inputs)
        at = shape.position(self.axis) - 1
        return Shape((*shape.dims[:at], self._stretch(shape)[1], *shape.dims[at + 1 :]), shape.axes)

    def pinned(self, inputs: Sequence[Shape]) -> tuple[tuple[int, str], ...]:
        """The axis, when it is symbolic."""
        return () if isinstance(inputs[0].dims[inputs[0].position(self.axis) - 1], int) else ((0, self.axis),)

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """A shift by the length of the parts before."""
        return Shifted(self._stretch(inputs[0])[0]) if axis == self.axis else POINTWISE

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """A view."""
        return 0

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.chunk(2, dim=1)[0]``."""
        return Function(f"{{0}}.chunk({self.chunks}, dim={inputs[0].position(self.axis)})[{self.index}]")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``part 1 of 2``."""
        return f"part {self.index + 1} of {self.chunks}"
