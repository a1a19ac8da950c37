"""Numbers kept within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from archspec.ops.common.arguments import Number, literal, refuse
from archspec.ops.common.base import Example, Function, H, Module, Shape, W
from archspec.ops.common.memory import INPUT, Saved
from archspec.ops.common.pointwise import Pointwise


class Clamp(Pointwise):
    """Each number, or the bound that it lies beyond."""

    keyword: ClassVar[str] = "clamp"
    works_on_any_map: ClassVar[bool] = True
    name: ClassVar[str] = "clamp"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"min": 0, "max": 1}),
        Example((Shape.of(3, H, W),), {"min": -0.5}),
        Example((Shape.of(3),), {"max": 6}),
    )

    min: Number | None = Field(None, description="the lower bound")
    max: Number | None = Field(None, description="the upper bound")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min is None and self.max is None:
            refuse("needs `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            refuse(f"min {self.min:g} is above max {self.max:g}")
        return self

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, to tell what lies within the bounds."""
        return INPUT

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """None: torch has it as a function alone."""
        return None

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.clamp(min=0, max=1)``."""
        given = [(name, getattr(self, name)) for name in ("min", "max")]
        bounds = ", ".join(f"{name}={literal(value)}" for name, value in given if value is not None)
        return Function(f"{{0}}.clamp({bounds})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``clamp to 0 … 1``."""
        if self.min is not None and self.max is not None:
            return f"clamp to {self.min:g} … {self.max:g}"
        return f"at least {self.min:g}" if self.max is None else f"at most {self.max:g}"
