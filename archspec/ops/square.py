"""The square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, Function, H, Module, Shape, W
from archspec.ops.common.memory import INPUT, Saved
from archspec.ops.common.pointwise import Pointwise


class Square(Pointwise):
    """Each number times itself; after `relu` the activation of https://arxiv.org/abs/2109.08668."""

    keyword: ClassVar[str] = "square"
    works_on_any_map: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(3),)))
    name: ClassVar[str] = "square"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, half of the derivative."""
        return INPUT

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """None: torch has it as a function alone."""
        return None

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.square()``."""
        return Function("{0}.square()")
