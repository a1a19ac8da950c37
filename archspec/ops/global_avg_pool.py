"""Global average pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, H, L, Shape, W
from archspec.ops.common.memory import NOTHING, Saved
from archspec.ops.common.pooling import GlobalPool


class GlobalAvgPool(GlobalPool):
    """Take the mean of each channel; the spatial axes stay, with size 1 (https://arxiv.org/abs/1312.4400)."""

    keyword: ClassVar[str] = "global_avg_pool"
    target: ClassVar[str] = "nn.AdaptiveAvgPool"
    expression: ClassVar[str] = "F.adaptive_avg_pool"
    sliding: ClassVar[str] = "avg_pool"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape.of(512, 7, 7),), {}, Shape.of(512, 1, 1)),
        Example((Shape.of(3, L),)),
        Example((Shape.of(3, 2, H, W),)),
    )

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing but sizes."""
        return NOTHING
