"""The base of ``add`` and ``multiply``: sizes that must be equal for all H and W."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, Function, H, Kind, Op, Shape, ShapeError, W
from archspec.ops.common.memory import Layout, Numbers, Saved
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.windows import POINTWISE, Everything, Window
from archspec.sizes import Condition, Dim, Equal, simplest


def same_axes(op: Op, inputs: Sequence[Shape]) -> tuple[str, ...]:
    """The axes of all inputs; raises :class:`ShapeError` if there is no input or they differ."""
    if not inputs:
        raise ShapeError(f"{op.title()} has no input")
    axes = inputs[0].axes
    for shape in inputs[1:]:
        if shape.axes != axes:
            one, other = (", ".join(names) for names in (axes, shape.axes))
            raise ShapeError(f"{op.title()} needs inputs with the same axes, not ({one}) and ({other})")
    return axes


def meet(op: Op, axis: str, dims: Sequence[Dim]) -> Dim:
    """The size of an axis that must be equal in all inputs; raises :class:`ShapeError` if two constants differ."""
    numbers = [dim for dim in dims if isinstance(dim, int)]
    for other in numbers[1:]:
        if other != numbers[0]:
            raise ShapeError(f"{op.title()} needs equal {axis}, not {numbers[0]} and {other}")
    return simplest(dims)


def equalities(dims: Sequence[Dim], author: object) -> list[Condition]:
    """The conditions that all sizes equal the first."""
    return [Equal(dims[0], dim, author) for dim in dict.fromkeys(dims[1:]) if dim != dims[0]]


def spread(dims: Sequence[Dim]) -> list[Dim]:
    """The sizes that must be equal: all but the constant 1, which is broadcast along the axis."""
    return [dim for dim in dims if not (isinstance(dim, int) and dim == 1)]


class Elementwise(Op):
    """Base of the element-wise merges.

    An input is broadcast along an axis only if its size is the *constant* 1.  torch also broadcasts a size that happens
    to be 1, so that some networks run at one size by accident.
    """

    kind: ClassVar[Kind] = "merge"
    layout: ClassVar[Layout] = "kept"
    merges: ClassVar[bool] = True
    commutes: ClassVar[bool] = True
    sign: ClassVar[str]
    """The operator between the inputs."""
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W), Shape.of(3, H, W))),
        Example((Shape.of(3, H, W), Shape.of(3, 1, 1))),
        Example((Shape.of(1, H, W), Shape.of(3, 1, W), Shape.of(3, H, 1))),
        Example((Shape((3, 1, 1), ("channels", "height", "width"), batched=False), Shape.of(3, H, W))),
        Example((Shape.of(3), Shape.of(3))),
    )

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The common shape of all inputs, after broadcasting."""
        axes = same_axes(self, inputs)
        columns = [spread(column) for column in zip(*(shape.dims for shape in inputs), strict=True)]
        dims = [meet(self, axis, column) if column else 1 for axis, column in zip(axes, columns, strict=True)]
        return Shape(tuple(dims), axes, any(shape.batched for shape in inputs))

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """Equal sizes on every axis."""
        columns = [spread(column) for column in zip(*(shape.dims for shape in inputs), strict=True)]
        return [condition for column in columns if column for condition in equalities(column, author)]

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The row itself; everything, if the input is broadcast along the axis."""
        at = inputs[0].axes.index(axis)
        repeated = inputs[index].dims[at] == 1 and any(shape.dims[at] != 1 for shape in inputs)
        return Everything() if repeated else POINTWISE

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """The input, if there is only one."""
        return 0 if len(inputs) == 1 else None

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The intermediate result, if there are more than two inputs."""
        return (Numbers(1, output.dims),) if len(inputs) > 2 else ()

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0} + {1}``."""
        count = len(inputs)
        return Function(f" {self.sign} ".join(f"{{{index}}}" for index in range(count)), atomic=count == 1)


class Extreme(Elementwise):
    """Base of maximum and minimum, which torch takes of two tensors at a time."""

    works_on_any_map: ClassVar[bool] = True

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """All inputs, and the extremes of all but the last; where they differ, as bytes, while it runs back."""
        between = (Numbers(len(inputs) - 2, output.dims),) if len(inputs) > 2 else ()
        return Saved(tuple(range(len(inputs))), extra=between, backward=(Numbers(1, output.dims, 1),))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``torch.maximum({0}, {1})``."""
        text = "{0}"
        for index in range(1, len(inputs)):
            text = f"torch.{self.keyword}({text}, {{{index}}})"
        return Function(text)
