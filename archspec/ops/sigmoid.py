"""Logistic activation."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.base import Example, H, Shape, W
from archspec.ops.pointwise import Pointwise


class Sigmoid(Pointwise):
    """1/(1 + exp(−x))."""

    keyword: ClassVar[str] = "sigmoid"
    target: ClassVar[str] = "nn.Sigmoid"
    expression: ClassVar[str] = "torch.sigmoid"
    name: ClassVar[str] = "sigmoid"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),)))
