"""One of several parts of an axis, with given sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from archspec.ops.common.arguments import Axis, NonNegative, each, positive, refuse
from archspec.ops.common.base import Example, Function, H, Kind, L, Op, Shape, ShapeError, W, only
from archspec.ops.common.memory import NOTHING, Saved
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.windows import POINTWISE, Shifted, Window
from archspec.sizes import Condition, Equal

Parts = Annotated[
    tuple[int, ...],
    PlainValidator(lambda value: each(value, positive, 1000, "a list of sizes")),
    WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "maxItems": 1000}),
]


class Split(Op):
    """Take part ``index`` (from 0) of an axis that is cut into ``sizes``, which must add up to its size."""

    keyword: ClassVar[str] = "split"
    kind: ClassVar[Kind] = "reshape"
    permutes: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(64, H, W),), {"sizes": [16, 48], "index": 1}, Shape.of(48, H, W)),
        Example((Shape.of(6, L),), {"sizes": [1, 2, 3], "index": 0}, Shape.of(1, L)),
        Example((Shape.of(6, L),), {"sizes": [3, 5], "index": 1, "axis": "length"}, Shape.of(6, 5)),
        Example((Shape.of(5),), {"sizes": [2, 3], "index": 1}, Shape.of(3)),
    )

    sizes: Parts = Field(description="sizes of the parts")
    index: NonNegative = Field(description="the part to take, counted from 0")
    axis: Axis = Field("channels", description="the axis to cut")

    @model_validator(mode="after")
    def _part_exists(self) -> Self:
        if self.index >= len(self.sizes):
            refuse(f"there is no part {self.index} of {len(self.sizes)}, counted from 0")
        return self

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's shape; the axis has the length of the part."""
        shape = only(self, inputs)
        at = shape.position(self.axis) - 1
        size = shape.dims[at]
        if isinstance(size, int) and size != sum(self.sizes):
            raise ShapeError(f"the parts add up to {sum(self.sizes)}, not to {size} {self.axis}", argument="sizes")
        return Shape((*shape.dims[:at], self.sizes[self.index], *shape.dims[at + 1 :]), shape.axes)

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """The sizes must add up to the axis."""
        size = inputs[0].dims[inputs[0].position(self.axis) - 1]
        return [] if isinstance(size, int) else [Equal(size, sum(self.sizes), author)]

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """A shift by the length of the parts before."""
        return Shifted(sum(self.sizes[: self.index])) if axis == self.axis else POINTWISE

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """A view."""
        return 0

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.split((16, 48), dim=1)[0]``."""
        sizes = ", ".join(str(size) for size in self.sizes)
        return Function(f"{{0}}.split([{sizes}], dim={inputs[0].position(self.axis)})[{self.index}]")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``part 1 of 2``."""
        return f"part {self.index + 1} of {len(self.sizes)}"
