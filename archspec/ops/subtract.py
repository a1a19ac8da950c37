"""The difference of branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from archspec.ops.common.base import Shape
from archspec.ops.common.elementwise import Elementwise
from archspec.ops.common.memory import NOTHING, Saved


class Subtract(Elementwise):
    """The first branch less each of the others, number by number, in the order written."""

    keyword: ClassVar[str] = "subtract"
    works_on_any_map: ClassVar[bool] = True
    commutes: ClassVar[bool] = False
    circle: ClassVar[str | None] = "−"
    sign: ClassVar[str] = "-"

    def passes_gradient(self, inputs: Sequence[Shape], position: int, output: Shape) -> Literal["new", "same"] | None:
        """Itself for the first, its negative for the others; its sum where the input is repeated."""
        return "same" if position == 0 and inputs[0].dims == output.dims else "new"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING
