"""Permutation of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Axes
from archspec.ops.common.base import (
    Argument,
    Drawn,
    Example,
    Function,
    H,
    Kind,
    L,
    Module,
    Op,
    Shape,
    ShapeError,
    W,
    only,
)
from archspec.ops.common.memory import NOTHING, Saved

PERMUTE = '''\
class Permute(nn.Module):
    """Permutation of the axes."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, input: Tensor) -> Tensor:
        return input.permute(self.dims)
'''


class Permute(Op):
    """Permute the axes into the given order; the batch stays first."""

    keyword: ClassVar[str] = "permute"
    kind: ClassVar[Kind] = "reshape"
    drawn: ClassVar[Drawn | None] = "never"
    permutes: ClassVar[bool] = True
    reorders: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"axes": ["height", "width", "channels"]}),
        Example((Shape((H, W, 3), ("height", "width", "channels")),), {"axes": ["channels", "height", "width"]}),
        Example((Shape.of(3, L),), {"axes": ["length", "channels"]}),
    )

    axes: Axes = Field(description="names of all axes, in the new order")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The sizes in the new order."""
        shape = only(self, inputs)
        if sorted(self.axes) != sorted(shape.axes):
            raise ShapeError(
                f"permute needs each of the axes {', '.join(shape.axes)} once, not {', '.join(self.axes)}",
                argument="axes",
            )
        return Shape(tuple(shape.dims[shape.axes.index(axis)] for axis in self.axes), self.axes)

    def _dims(self, shape: Shape) -> tuple[int, ...]:
        return (0, *(shape.position(axis) for axis in self.axes))

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """A view."""
        return 0

    def view(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...] | None:
        """In the new order."""
        return tuple(strides[axis] for axis in self._dims(inputs[0]))

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``Permute((0, 2, 3, 1))``."""
        return Module("Permute", (Argument("axes", self._dims(inputs[0])),), helper=PERMUTE)

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.permute(0, 2, 3, 1)``."""
        return Function(f"{{0}}.permute({', '.join(str(dim) for dim in self._dims(inputs[0]))})")
