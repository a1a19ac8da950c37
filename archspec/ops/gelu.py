"""Gaussian error linear activation."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.pointwise import Pointwise


class Gelu(Pointwise):
    """x times the standard normal distribution function of x (https://arxiv.org/abs/1606.08415)."""

    keyword: ClassVar[str] = "gelu"
    target: ClassVar[str] = "nn.GELU"
    expression: ClassVar[str] = "F.gelu"
    name: ClassVar[str] = "GELU"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape.of(5),), {"approximate": "tanh"}),
    )

    approximate: Literal["none", "tanh"] = Field("none", description="none: exact; tanh: the approximation by tanh")
