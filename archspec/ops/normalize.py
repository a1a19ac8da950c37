"""Normalisation to unit length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import AboveZero, Axis, literal
from archspec.ops.common.base import Example, Function, H, Kind, L, Op, Shape, W, only
from archspec.ops.common.memory import Layout, Numbers, Saved
from archspec.ops.common.windows import POINTWISE, Everything, Window
from archspec.sizes import Dim


class Normalize(Op):
    """Divide by the Euclidean norm along an axis, or by ``eps`` where that is smaller.

    Cross-covariance attention compares channels so (https://arxiv.org/abs/2106.09681).
    """

    keyword: ClassVar[str] = "normalize"
    kind: ClassVar[Kind] = "normalisation"
    layout: ClassVar[Layout] = "kept"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape((2, 3, L), ("heads", "channels", "length")),), {"axis": "length"}),
        Example((Shape.of(5),), {"eps": 1e-6}),
    )

    axis: Axis = Field("channels", description="the axis along which the squares sum to 1")
    eps: AboveZero = Field(1e-12, description="the least number to divide by")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        shape = only(self, inputs)
        shape.position(self.axis)
        return shape

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """All of the axis."""
        return Everything() if axis == self.axis else POINTWISE

    def _others(self, shape: Shape) -> tuple[Dim, ...]:
        return tuple(dim for axis, dim in zip(shape.axes, shape.dims, strict=True) if axis != self.axis)

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """What is divided by."""
        return (Numbers(1, self._others(inputs[0])),)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, the norms, and what is divided by."""
        return Saved((0,), extra=(Numbers(2, self._others(inputs[0])),))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.normalize({0}, dim=1)``."""
        eps = "" if self.eps == 1e-12 else f", eps={literal(self.eps)}"
        return Function(f"F.normalize({{0}}, dim={inputs[0].position(self.axis)}{eps})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``unit length``."""
        return "unit length" if self.axis == "channels" else f"unit length along {self.axis}"
