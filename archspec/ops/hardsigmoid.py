"""Piecewise linear sigmoid."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.pointwise import Pointwise


class Hardsigmoid(Pointwise):
    """min(max(x + 3, 0), 6)/6 (https://arxiv.org/abs/1905.02244)."""

    keyword: ClassVar[str] = "hardsigmoid"
    target: ClassVar[str] = "nn.Hardsigmoid"
    expression: ClassVar[str] = "F.hardsigmoid"
    name: ClassVar[str] = "hard sigmoid"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),)))
