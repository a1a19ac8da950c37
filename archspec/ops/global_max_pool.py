"""Global max pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, H, L, Shape, W
from archspec.ops.common.memory import Numbers, Saved
from archspec.ops.common.pooling import GlobalPool


class GlobalMaxPool(GlobalPool):
    """Take the maximum of each channel; the spatial axes stay, with size 1 (https://arxiv.org/abs/1312.4400)."""

    keyword: ClassVar[str] = "global_max_pool"
    target: ClassVar[str] = "nn.AdaptiveMaxPool"
    expression: ClassVar[str] = "F.adaptive_max_pool"
    sliding: ClassVar[str] = "max_pool"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape.of(512, 7, 7),), {}, Shape.of(512, 1, 1)),
        Example((Shape.of(3, L),)),
        Example((Shape.of(3, 2, H, W),)),
    )

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, and the indices of the maxima as 64-bit integers."""
        return Saved((0,), extra=(Numbers(1, output.dims, 8),))

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The indices of the maxima, as 64-bit integers."""
        return (Numbers(1, output.dims, 8),)
