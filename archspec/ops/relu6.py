"""Rectified linear activation, clipped at 6."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.pointwise import Pointwise


class Relu6(Pointwise):
    """min(max(x, 0), 6) (https://arxiv.org/abs/1704.04861)."""

    keyword: ClassVar[str] = "relu6"
    target: ClassVar[str] = "nn.ReLU6"
    expression: ClassVar[str] = "F.relu6"
    name: ClassVar[str] = "ReLU6"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),)))
