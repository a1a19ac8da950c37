"""Swish with a piecewise linear sigmoid."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.pointwise import Pointwise


class Hardswish(Pointwise):
    """x·min(max(x + 3, 0), 6)/6 (https://arxiv.org/abs/1905.02244)."""

    keyword: ClassVar[str] = "hardswish"
    target: ClassVar[str] = "nn.Hardswish"
    expression: ClassVar[str] = "F.hardswish"
    name: ClassVar[str] = "hard swish"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),)))
