"""Exponential linear activation."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Number
from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.pointwise import Pointwise


class Elu(Pointwise):
    """x if x is positive, else alpha·(exp(x) − 1) (https://arxiv.org/abs/1511.07289)."""

    keyword: ClassVar[str] = "elu"
    target: ClassVar[str] = "nn.ELU"
    expression: ClassVar[str] = "F.elu"
    name: ClassVar[str] = "ELU"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),), {"alpha": 0.5}))

    alpha: Number = Field(1.0, description="the limit for large negative x is -alpha")
