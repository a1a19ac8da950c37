"""Multiplication by constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from archspec.ops.common.affine import Affine
from archspec.ops.common.arguments import Flag, literal, refuse
from archspec.ops.common.base import Example, Function, H, L, Shape, W


class Scale(Affine):
    """Multiply by a constant, or by one for each channel; it is not learnt.

    With `divide` it divides by the constant, which is rounded in another way than a product with its inverse.
    """

    keyword: ClassVar[str] = "scale"
    acts_per_channel: ClassVar[bool] = True
    sign: ClassVar[str] = "*"
    helper: ClassVar[str] = '''\
def scale_channels(input: Tensor, by: tuple[float, ...]) -> Tensor:
    """Multiply each channel by its own constant."""
    return torch.cat(
        [
            channel * constant
            for channel, constant in zip(input.split(1, dim=1), by, strict=True)
        ],
        dim=1,
    )
'''
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"by": 2}),
        Example((Shape.of(3, H, W),), {"by": [0.458, 0.448, 0.45]}),
        Example((Shape.of(1, L),), {"by": -0.5}),
        Example((Shape.of(2),), {"by": [1, -1]}),
        Example((Shape.of(3, H, W),), {"by": 2.5, "divide": True}),
    )

    divide: Flag = Field(False, description="whether to divide by the constant")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.divide and isinstance(self.by, tuple):
            refuse("divides by one number, not by one for each channel")
        if self.divide and self.by == 0:
            refuse("divides by zero")
        return self

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0} * 0.5``, ``{0} / 2.5``."""
        if self.divide:
            return Function(f"{{0}} / {literal(self.by)}", atomic=False)
        return super().function(inputs)

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``scale, 0.5``, ``scale, 1/2.5``."""
        return f"{self.title()}, 1/{self.by:g}" if self.divide else super().words(inputs, output)
