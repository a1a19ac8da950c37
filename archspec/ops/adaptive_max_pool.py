"""Adaptive max pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, H, L, Shape, W
from archspec.ops.common.memory import Numbers, Saved
from archspec.ops.common.pooling import SizedPool


class AdaptiveMaxPool(SizedPool):
    """Divide a map of any size into a given number of parts, and take the maximum of each."""

    keyword: ClassVar[str] = "adaptive_max_pool"
    target: ClassVar[str] = "nn.AdaptiveMaxPool"
    expression: ClassVar[str] = "F.adaptive_max_pool"
    sliding: ClassVar[str] = "max_pool"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"size": 7}),
        Example((Shape.of(3, 13, 13),), {"size": 6}, Shape.of(3, 6, 6)),
        Example((Shape.of(3, H, W),), {"size": [2, None]}),
        Example((Shape.of(3, L),), {"size": 4}),
        Example((Shape.of(3, 2, H, W),), {"size": [None, 3, 1]}),
    )

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, and the indices of the maxima as 64-bit integers."""
        return Saved((0,), extra=(Numbers(1, output.dims, 8),))

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The indices of the maxima, as 64-bit integers."""
        return (Numbers(1, output.dims, 8),)
