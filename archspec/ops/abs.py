"""Absolute value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, Function, H, Module, Shape, W
from archspec.ops.common.memory import INPUT, Saved
from archspec.ops.common.pointwise import Pointwise


class Abs(Pointwise):
    """Each number without its sign."""

    keyword: ClassVar[str] = "abs"
    works_on_any_map: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(3),)))
    name: ClassVar[str] = "abs"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, for its signs."""
        return INPUT

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """None: torch has it as a function alone."""
        return None

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.abs()``."""
        return Function("{0}.abs()")
