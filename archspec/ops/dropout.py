"""Dropout of single numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Probability, literal
from archspec.ops.common.base import Example, Function, H, Kind, Shape, W
from archspec.ops.common.memory import NOTHING, Numbers, Saved
from archspec.ops.common.pointwise import Pointwise


class Dropout(Pointwise):
    """Zero elements with probability p in training, scale up the rest (https://jmlr.org/papers/v15/srivastava14a.html)."""

    keyword: ClassVar[str] = "dropout"
    kind: ClassVar[Kind] = "dropout"
    target: ClassVar[str] = "nn.Dropout"
    expression: ClassVar[str] = "F.dropout"
    name: ClassVar[str] = "dropout"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(4096),)),
        Example((Shape.of(3, H, W),), {"p": 0.2}),
        Example((Shape.of(3),), {"p": 0}),
    )

    p: Probability = Field(0.5, description="probability of zero")

    @property
    def random(self) -> bool:
        """True unless p is 0."""
        return self.p > 0

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """The input itself, if nothing is dropped."""
        return None if training and self.p > 0 else 0

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The factor of each element."""
        return Saved(extra=(Numbers(1, output.dims),)) if self.p > 0 else NOTHING

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.dropout({0}, p=0.2, training=self.training)``."""
        return Function(f"{self.expression}({{0}}, p={literal(self.p)}, training=self.training)")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``dropout, 0.5``."""
        return f"{self.name}, {self.p:g}"
