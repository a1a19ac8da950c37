"""Self-normalising activation."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Example, H, Shape, W
from archspec.ops.common.pointwise import Pointwise


class Selu(Pointwise):
    """The ELU that keeps mean 0 and variance 1 (https://arxiv.org/abs/1706.02515)."""

    keyword: ClassVar[str] = "selu"
    target: ClassVar[str] = "nn.SELU"
    expression: ClassVar[str] = "F.selu"
    name: ClassVar[str] = "SELU"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(5),)))
