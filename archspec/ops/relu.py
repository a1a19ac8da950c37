"""Rectified linear activation."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.base import Example, H, Shape, W
from archspec.ops.pointwise import Pointwise


class Relu(Pointwise):
    """max(x, 0) (Nair and Hinton, 2010)."""

    keyword: ClassVar[str] = "relu"
    target: ClassVar[str] = "nn.ReLU"
    expression: ClassVar[str] = "F.relu"
    name: ClassVar[str] = "ReLU"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),)))
