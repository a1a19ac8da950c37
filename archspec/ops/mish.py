"""Mish activation."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.pointwise import Pointwise


class Mish(Pointwise):
    """x·tanh(softplus(x)) (https://arxiv.org/abs/1908.08681)."""

    keyword: ClassVar[str] = "mish"
    target: ClassVar[str] = "nn.Mish"
    expression: ClassVar[str] = "F.mish"
    name: ClassVar[str] = "Mish"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),)))
