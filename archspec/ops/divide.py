"""The quotient of branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Shape
from archspec.ops.common.elementwise import Elementwise
from archspec.ops.common.memory import Saved


class Divide(Elementwise):
    """The first branch divided by each of the others, number by number, in the order written."""

    keyword: ClassVar[str] = "divide"
    works_on_any_map: ClassVar[bool] = True
    commutes: ClassVar[bool] = False
    circle: ClassVar[str | None] = "÷"
    sign: ClassVar[str] = "/"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """All inputs: what is divided is needed for the gradient of what divides."""
        return Saved(tuple(range(len(inputs))))
