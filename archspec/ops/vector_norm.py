"""The Euclidean norm along axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.along import Along
from archspec.ops.common.base import Function, Shape
from archspec.ops.common.memory import Saved


class VectorNorm(Along):
    """The root of the sum of squares along the axes named, which go, or stay with size 1 (`keepdim`); of a map, what
    global response normalisation compares channels by (https://arxiv.org/abs/2301.00808).
    """

    keyword: ClassVar[str] = "vector_norm"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input and the output."""
        return Saved((0,), output=True)

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``torch.linalg.vector_norm({0}, dim=(2, 3))``."""
        positions = [inputs[0].position(axis) for axis in self.axes]
        dim = positions[0] if len(positions) == 1 else tuple(positions)
        keepdim = ", keepdim=True" if self.keepdim else ""
        return Function(f"torch.linalg.vector_norm({{0}}, dim={dim}{keepdim})")
