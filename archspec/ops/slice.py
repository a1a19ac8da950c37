"""Slicing of one axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from archspec.ops.common.arguments import Axis, NonNegative, Positive, refuse
from archspec.ops.common.base import Example, Function, H, Kind, L, Op, Shape, ShapeError, W, only
from archspec.ops.common.memory import NOTHING, Saved
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.windows import POINTWISE, Shifted, Sliding, Window
from archspec.sizes import AtLeast, Condition, Dim, step


class Slice(Op):
    """Take ``length`` channels (or rows) from ``start`` on, or all from there, or every second, third … of them."""

    keyword: ClassVar[str] = "slice"
    kind: ClassVar[Kind] = "reshape"
    permutes: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(58, H, W),), {"start": 29}, Shape.of(29, H, W)),
        Example((Shape.of(3, H, W),), {"start": 1, "length": 1}, Shape.of(1, H, W)),
        Example((Shape.of(3, H, W),), {"axis": "height", "start": 2, "length": 3}, Shape.of(3, 3, W)),
        Example((Shape.of(3, H, W),), {"axis": "width", "start": 1}),
        Example((Shape.of(3, L),), {"axis": "length", "length": 4}),
        Example((Shape.of(9),), {"length": 4}, Shape.of(4)),
        Example((Shape.of(3, H, W),), {"axis": "height", "start": 1, "step": 2}),
        Example((Shape((H, 9, 6), ("height", "width", "channels")),), {"axis": "width", "step": 4}),
    )

    axis: Axis = Field("channels", description="the axis to cut")
    start: NonNegative = Field(0, description="the first index to take")
    length: Positive | None = Field(None, description="how many to take. Default: all from `start` on")
    step: Positive = Field(1, description="every how many one is taken")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.step > 1 and self.length is not None:
            refuse("`length` and `step` cannot both be given", "a second `slice` takes the first of them")
        return self

    def _size(self, shape: Shape) -> Dim:
        return shape.dims[shape.position(self.axis) - 1]

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's shape, with ``length`` as the size of the axis."""
        shape = only(self, inputs)
        size = self._size(shape)
        end = self.start + (self.length or 1)
        if isinstance(size, int) and end > size:
            raise ShapeError(f"the slice of {self.length or 'any'} from {self.start} is outside the {size} {self.axis}")
        found = step(size, 1, self.step - 1 - self.start, self.step) if self.length is None else self.length
        at = shape.position(self.axis) - 1
        return Shape((*shape.dims[:at], found, *shape.dims[at + 1 :]), shape.axes)

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """The slice must lie inside the axis."""
        size = self._size(inputs[0])
        return [] if isinstance(size, int) else [AtLeast(size, self.start + (self.length or 1), author)]

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """A shift by ``start``; with a step, windows of one row."""
        if axis != self.axis:
            return POINTWISE
        return Shifted(self.start) if self.step == 1 else Sliding(1, self.step, -self.start)

    def view(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...] | None:
        """The input's strides, that of the axis times the step."""
        at = inputs[0].position(self.axis)
        return tuple(stride * (self.step if axis == at else 1) for axis, stride in enumerate(strides))

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """A view."""
        return 0

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}[:, :29]``; ``narrow`` for a symbolic size, since a slice beyond the end is silently shorter."""
        dim = inputs[0].position(self.axis)
        if self.length is not None and not isinstance(self._size(inputs[0]), int):
            return Function(f"{{0}}.narrow({dim}, {self.start}, {self.length})")
        stop = "" if self.length is None else self.start + self.length
        each = f":{self.step}" if self.step > 1 else ""
        return Function(f"{{0}}[{':, ' * dim}{self.start or ''}:{stop}{each}]")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``channels 29 to 57``."""
        size = self._size(output)
        if size == 1:
            return f"{self.axis} {self.start}"
        if self.step > 1:
            return f"{self.axis} {self.start}, {self.start + self.step}, …"
        last = f" to {self.start + size - 1}" if isinstance(size, int) else " on"
        return f"{self.axis} {self.start}{last}"
