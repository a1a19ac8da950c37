"""Sigmoid-weighted linear activation."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.pointwise import Pointwise


class Silu(Pointwise):
    """x·sigmoid(x), also called swish (https://arxiv.org/abs/1710.05941)."""

    keyword: ClassVar[str] = "silu"
    target: ClassVar[str] = "nn.SiLU"
    expression: ClassVar[str] = "F.silu"
    name: ClassVar[str] = "SiLU"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),)))
