"""Flattening of a map into a vector."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Axis
from archspec.ops.common.base import Argument, Drawn, Example, Function, H, Kind, Module, Shape, ShapeError, W, only
from archspec.ops.common.reshaping import Reshaping
from archspec.ops.common.windows import POINTWISE, Everything, Scaled, Window
from archspec.sizes import Dim, product, step, text


class Flatten(Reshaping):
    """Join the axes from ``start`` to ``end`` into one; by default all of them, into a vector of channels."""

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
        Example(
            (Shape((3, H, 2, W), ("channels", "height", "down", "width")),),
            {"start": "height", "end": "down"},
            Shape.of(3, step(H, 2, 0, 1), W),
        ),
        Example(
            (Shape((H, W, 3, 4), ("height", "width", "heads", "channels")),),
            {"end": "width", "axis": "length"},
            Shape((product([H, W]), 3, 4), ("length", "heads", "channels")),
        ),
    )

    start: Axis | None = Field(None, description="the first axis to flatten. Default: the first of all")
    end: Axis | None = Field(None, description="the last axis to flatten. Default: the last of all")
    axis: Axis | None = Field(
        None,
        description="name of the axis that they become. Default: channels, or length beside channels; that of the "
        "first of them where `end` is given",
    )

    def _stretch(self, shape: Shape) -> slice:
        """The axes that are joined; raises :class:`ShapeError` if there is none."""
        start = 0 if self.start is None else shape.position(self.start) - 1
        stop = len(shape.axes) if self.end is None else shape.position(self.end)
        if stop <= start:
            raise ShapeError(f"the axis {self.end} comes before {self.start}", argument="end")
        return slice(start, stop)

    def _name(self, shape: Shape) -> str:
        """The name of the axis that all become; raises :class:`ShapeError` if another has it."""
        stretch = self._stretch(shape)
        kept = (*shape.axes[: stretch.start], *shape.axes[stretch.stop :])
        if self.axis is not None:
            name = self.axis
        elif "channels" not in kept and self.end is None:
            name = "channels"
        elif self.end is not None or "length" in kept:
            name = shape.axes[stretch.start]
        else:
            name = "length"
        if name in kept:
            raise ShapeError(f"there would be two axes `{name}`", "`axis` gives the joined one a name", "axis")
        return name

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The product of the sizes, which must be numbers in an axis of channels, and the other axes."""
        shape = only(self, inputs)
        name, stretch, size = self._name(shape), self._stretch(shape), self._joined(shape)
        if size is None:
            axis, dim = next((axis, dim) for axis, dim in self._flattened(shape) if not isinstance(dim, int))
            raise ShapeError(
                f"flatten needs a number for the {axis}, which is {text(dim)}", "use `global_avg_pool` first"
            )
        return Shape(
            (*shape.dims[: stretch.start], size, *shape.dims[stretch.stop :]),
            (*shape.axes[: stretch.start], name, *shape.axes[stretch.stop :]),
        )

    def _flattened(self, shape: Shape) -> tuple[tuple[str, Dim], ...]:
        return tuple(zip(shape.axes, shape.dims, strict=True))[self._stretch(shape)]

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
        if self._name(shape) == "channels":
            numbers = [dim for _, dim in flattened if isinstance(dim, int)]
            return prod(numbers) if len(numbers) == len(flattened) else None
        try:
            return product([dim for _, dim in flattened])
        except ValueError:
            return None

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The row itself along the other axes; one row for several, if the joined axis has the name of its first."""
        shape = inputs[0]
        if axis != self._name(shape):
            return POINTWISE
        first, *others = self._flattened(shape)
        inner = [dim for _, dim in others if isinstance(dim, int)]
        if axis != first[0] or len(inner) < len(others):
            return Everything()
        return Scaled(prod(inner), 1, 1) if prod(inner) > 1 else POINTWISE

    def _dims(self, shape: Shape) -> tuple[int, int]:
        """torch's first and last dimension."""
        stretch = self._stretch(shape)
        return stretch.start + 1, -1 if stretch.stop == len(shape.axes) else stretch.stop

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.Flatten()``."""
        start, end = self._dims(inputs[0])
        return Module("nn.Flatten", (Argument("start", start, "start_dim", 1), Argument("end", end, "end_dim", -1)))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``torch.flatten({0}, 1)``."""
        start, end = self._dims(inputs[0])
        return Function(f"torch.flatten({{0}}, {start}{'' if end == -1 else f', {end}'})")
