"""Adaptive average pooling."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Example, H, L, Shape, W
from archspec.ops.common.pooling import SizedPool


class AdaptiveAvgPool(SizedPool):
    """Divide a map of any size into a given number of parts, and take the mean of each."""

    keyword: ClassVar[str] = "adaptive_avg_pool"
    target: ClassVar[str] = "nn.AdaptiveAvgPool"
    expression: ClassVar[str] = "F.adaptive_avg_pool"
    sliding: ClassVar[str] = "avg_pool"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"size": 7}),
        Example((Shape.of(3, 13, 13),), {"size": 6}, Shape.of(3, 6, 6)),
        Example((Shape.of(3, H, W),), {"size": [2, None]}),
        Example((Shape.of(3, L),), {"size": 4}),
        Example((Shape.of(3, 2, H, W),), {"size": [None, 3, 1]}),
    )
