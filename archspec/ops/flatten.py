"""Flattening of a map into a vector."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Axis
from archspec.ops.common.base import Argument, Drawn, Example, Function, H, Kind, Module, Op, Shape, ShapeError, W, only
from archspec.ops.common.memory import NOTHING, Saved, view
from archspec.ops.common.windows import POINTWISE, Everything, Window
from archspec.sizes import Dim, product, text


class Flatten(Op):
    """Join all axes from ``start`` on into one; by default all of them, into a vector of channels."""

    keyword: ClassVar[str] = "flatten"
    kind: ClassVar[Kind] = "reshape"
    works_on_any_map: ClassVar[bool] = True
    drawn: ClassVar[Drawn | None] = "never"
    regroups: ClassVar[bool] = True
    pins: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(512, 7, 7),), {}, Shape.of(25088)),
        Example((Shape.of(512, 1, 1),), {}, Shape.of(512)),
        Example((Shape((H, 3, 4), ("height", "width", "channels")),), {"start": "width"}),
        Example((Shape.of(6, 3, 4),), {"start": "height"}, Shape.of(6, 12)),
        Example((Shape.of(6, H, W),), {"start": "height"}, Shape.of(6, product([H, W]))),
        Example((Shape.of(6),), {}, Shape.of(6)),
    )

    start: Axis | None = Field(None, description="the first axis to flatten. Default: the first of all")

    def _position(self, shape: Shape) -> int:
        return 1 if self.start is None else shape.position(self.start)

    def _flattened(self, shape: Shape) -> tuple[tuple[str, Dim], ...]:
        return tuple(zip(shape.axes, shape.dims, strict=True))[self._position(shape) - 1 :]

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The axes before ``start`` and the product of the others, which must be numbers in a vector of channels."""
        shape = only(self, inputs)
        kept = self._position(shape) - 1
        size = self._joined(shape)
        if size is None:
            axis, dim = next((axis, dim) for axis, dim in self._flattened(shape) if not isinstance(dim, int))
            raise ShapeError(
                f"flatten needs a number for the {axis}, which is {text(dim)}", "use `global_avg_pool` first"
            )
        axis = "length" if "length" not in shape.axes[:kept] else shape.axes[kept]
        if "channels" not in shape.axes[:kept]:
            axis = "channels"
        return Shape((*shape.dims[:kept], size), (*shape.axes[:kept], axis))

    def pinned(self, inputs: Sequence[Shape]) -> tuple[tuple[int, str], ...]:
        """The symbolic axes that are flattened."""
        if self._joined(inputs[0]) is not None:
            return ()
        return tuple((0, axis) for axis, dim in self._flattened(inputs[0]) if not isinstance(dim, int))

    def _joined(self, shape: Shape) -> Dim | None:
        """The size of the axis that all become; None where that would have to be a number and is none.

        Places in a row, beside the channels, are as many as the product of the sizes says.
        """
        flattened = self._flattened(shape)
        if any(axis == "channels" and len(flattened) > 1 for axis, _ in flattened) or self._position(shape) == 1:
            numbers = [dim for _, dim in flattened if isinstance(dim, int)]
            return prod(numbers) if len(numbers) == len(flattened) else None
        try:
            return product([dim for _, dim in flattened])
        except ValueError:
            return None

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """Everything along a flattened axis; the row itself along the others."""
        return POINTWISE if axis in inputs[0].axes[: self._position(inputs[0]) - 1] else Everything()

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """A view."""
        return 0

    def view(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...] | None:
        """A view, if the input's strides allow it."""
        return view(sizes, strides, output)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.Flatten()``."""
        return Module("nn.Flatten", (Argument("start", self._position(inputs[0]), "start_dim", 1),))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``torch.flatten({0}, 1)``."""
        return Function(f"torch.flatten({{0}}, {self._position(inputs[0])})")
