"""Smooth rectifier."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import AboveZero, Number
from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.pointwise import Pointwise


class Softplus(Pointwise):
    """log(1 + exp(beta·x))/beta."""

    keyword: ClassVar[str] = "softplus"
    target: ClassVar[str] = "nn.Softplus"
    expression: ClassVar[str] = "F.softplus"
    name: ClassVar[str] = "softplus"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape.of(5),), {"beta": 2, "threshold": 10}),
    )

    beta: AboveZero = Field(1.0, description="how sharp the bend is")
    threshold: Number = Field(20.0, description="the output is x where beta·x is greater")
