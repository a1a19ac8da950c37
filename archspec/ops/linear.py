"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Flag, Positive
from archspec.ops.common.base import (
    SPATIAL,
    Argument,
    Example,
    H,
    Kind,
    Module,
    Op,
    Product,
    Shape,
    ShapeError,
    W,
    Weight,
    only,
)
from archspec.ops.common.memory import view
from archspec.ops.common.windows import POINTWISE, Everything, Window


class Linear(Op):
    """Multiply the last axis by a weight matrix and add a bias."""

    keyword: ClassVar[str] = "linear"
    kind: ClassVar[Kind] = "dense"
    output_axis: ClassVar[int | None] = 0
    pins: ClassVar[bool] = True
    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    reads_parameter: ClassVar[bool] = True
    """Whether the matrix is a parameter itself, and not made of one."""
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(512),), {"features": 1000}, Shape.of(1000)),
        Example((Shape.of(8),), {"features": 4, "bias": False}),
        Example((Shape.of(8),), {"features": 4, "init": {"weight": {"normal": {"std": 0.01}}, "bias": "zeros"}}),
        Example((Shape((H, W, 6), ("height", "width", "channels")),), {"features": 4}),
        Example((Shape((6, 9), ("channels", "tokens")),), {"features": 4}),
    )

    features: Positive = Field(description="number of outputs")
    bias: Flag = Field(True, description="whether a bias is added")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's shape, with ``features`` as the size of the last axis."""
        shape = only(self, inputs)
        if shape.channels_first and shape.axes[-1] in SPATIAL[min(shape.rank, 3)]:
            raise ShapeError(
                f"linear acts on the last axis, which here is the {shape.axes[-1]} of a map",
                "`flatten` first, or `global_avg_pool` and `flatten`, or `permute` the channels to the end",
            )
        self._width(shape)
        return Shape((*shape.dims[:-1], self.features), shape.axes)

    def _width(self, shape: Shape) -> int:
        width = shape.dims[-1]
        if not isinstance(width, int):
            raise ShapeError(f"linear needs a constant number of {shape.axes[-1]}")
        return width

    def pinned(self, inputs: Sequence[Shape]) -> tuple[tuple[int, str], ...]:
        """The last axis, when it is symbolic."""
        return () if isinstance(inputs[0].dims[-1], int) else ((0, inputs[0].axes[-1]),)

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """Everything along the last axis; the row itself along the others."""
        return Everything() if axis == inputs[0].axes[-1] else POINTWISE

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight``: outputs, inputs; ``bias``."""
        weight = Weight("weight", (self.features, self._width(inputs[0])))
        return (weight, Weight("bias", (self.features,))) if self.bias else (weight,)

    def multiply_adds(self, inputs: Sequence[Shape], output: Shape) -> tuple[Product, ...]:
        """One for each weight, at each position of the other axes."""
        return ((self.features * self._width(inputs[0]), inputs[0].dims[:-1]),)

    def gathered(
        self, inputs: Sequence[Shape], position: int, sizes: Sequence[int], strides: Sequence[int], training: bool
    ) -> bool:
        """Whether the axes before the last cannot be taken as one.

        torch leaves the last two as they are where the matrix needs no gradient.
        """
        if len(sizes) < 3 or view(sizes, strides, (prod(sizes[:-1]), sizes[-1])) is not None:
            return False
        if training or self.reads_parameter:
            return True
        return view(sizes, strides, (prod(sizes[:-2]), *sizes[-2:])) is None

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``nn.Linear(512, 1000)``."""
        return Module(
            "nn.Linear",
            (
                Argument("in_features", self._width(inputs[0])),
                Argument("features", self.features),
                Argument("bias", self.bias, "bias", True),
            ),
        )

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``fc, 1000``; on a map, where it is applied at every position, ``pointwise linear, 384``."""
        return f"{'fc' if len(output.dims) == 1 else 'pointwise linear'}, {self.features}"
