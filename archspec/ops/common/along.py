"""The base of ``mean`` and ``sum``: one number of all along some axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Axes, Flag
from archspec.ops.common.base import Example, Function, H, Kind, L, Op, Shape, ShapeError, W, only
from archspec.ops.common.memory import NOTHING, Saved, dense
from archspec.ops.common.windows import POINTWISE, Everything, Window


class Along(Op):
    """Base of ops that take the numbers along some axes together, by the method of torch that has their name."""

    kind: ClassVar[Kind] = "pooling"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"axes": ["channels"], "keepdim": True}),
        Example((Shape.of(512, 7, 7),), {"axes": ["height", "width"]}, Shape.of(512)),
        Example((Shape.of(3, H, W),), {"axes": ["height"], "keepdim": True}),
        Example((Shape((H, W, 6), ("height", "width", "channels")),), {"axes": ["height", "width"]}, Shape.of(6)),
        Example((Shape.of(3, L),), {"axes": ["length"]}, Shape.of(3)),
        Example((Shape.of(3, H, W),), {"axes": ["width"]}, Shape((3, H), ("channels", "height"))),
    )

    axes: Axes = Field(description="the axes that are taken together")
    keepdim: Flag = Field(False, description="whether they stay, with size 1")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The other axes, and those named with size 1 where they stay."""
        shape = only(self, inputs)
        for axis in self.axes:
            shape.position(axis)
        named = list(zip(shape.axes, shape.dims, strict=True))
        if self.keepdim:
            return Shape(tuple(1 if axis in self.axes else dim for axis, dim in named), shape.axes)
        kept = [(axis, dim) for axis, dim in named if axis not in self.axes]
        if not kept:
            raise ShapeError(f"the {self.title()} along all axes leaves none", "add `keepdim: true`", "axes")
        return Shape(tuple(dim for _, dim in kept), tuple(axis for axis, _ in kept))

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """All of an axis named; the others by themselves."""
        return Everything() if axis in self.axes else POINTWISE

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing but sizes."""
        return NOTHING

    def lay(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...]:
        """In the order in which the axes that stay lie in the input."""
        named = {inputs[0].position(axis) for axis in self.axes}
        kept = range(len(sizes)) if self.keepdim else [axis for axis in range(len(sizes)) if axis not in named]
        return dense(output, sorted(range(len(output)), key=lambda at: -strides[kept[at]]))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.mean([2, 3])``, ``{0}.sum(1)``."""
        positions = [inputs[0].position(axis) for axis in self.axes]
        dim = str(positions[0] if len(positions) == 1 else positions)
        keepdim = ", keepdim=True" if self.keepdim else ""
        return Function(f"{{0}}.{self.keyword}({dim}{keepdim})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``mean along height, width``."""
        return f"{self.title()} along {', '.join(self.axes)}"
