"""Leaky rectified linear activation."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Number
from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.pointwise import Pointwise


class LeakyRelu(Pointwise):
    """x if x is positive, else a small multiple of x (Maas et al., 2013)."""

    keyword: ClassVar[str] = "leaky_relu"
    target: ClassVar[str] = "nn.LeakyReLU"
    expression: ClassVar[str] = "F.leaky_relu"
    name: ClassVar[str] = "leaky ReLU"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape.of(5),), {"negative_slope": 0.2}),
    )

    negative_slope: Number = Field(0.01, description="slope where x is negative")
