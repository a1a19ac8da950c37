"""The sum of branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from archspec.ops.common.base import Shape
from archspec.ops.common.elementwise import Elementwise
from archspec.ops.common.memory import NOTHING, Saved


class Add(Elementwise):
    """Add branches element by element, in the order written (https://arxiv.org/abs/1512.03385)."""

    keyword: ClassVar[str] = "add"
    switch: ClassVar[str | None] = "residual"
    works_on_any_map: ClassVar[bool] = True
    circle: ClassVar[str | None] = "+"
    sign: ClassVar[str] = "+"

    def passes_gradient(self, inputs: Sequence[Shape], position: int, output: Shape) -> Literal["new", "same"] | None:
        """``same``; ``new`` where the input is broadcast, because its gradient is then a sum."""
        return "same" if inputs[position].dims == output.dims else "new"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING
