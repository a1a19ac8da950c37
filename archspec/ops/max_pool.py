"""Max pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import PerAxis
from archspec.ops.common.base import Argument, Example, H, L, Shape, W
from archspec.ops.common.memory import Numbers, Saved
from archspec.ops.common.pooling import Pool
from archspec.ops.common.spatial import Windows, by_axis


class MaxPool(Pool):
    """Take the maximum of each window; padding never counts as the maximum."""

    keyword: ClassVar[str] = "max_pool"
    target: ClassVar[str] = "nn.MaxPool"
    expression: ClassVar[str] = "F.max_pool"
    fill: ClassVar[str] = ', value=float("-inf")'
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 2, "padding": 1}),
        Example((Shape.of(3, 112, 112),), {"kernel": 3, "stride": 2, "ceil": True}, Shape.of(3, 56, 56)),
        Example((Shape.of(3, H, W),), {"kernel": 2}),
        Example((Shape.of(3, H, W),), {"kernel": 2, "padding": 1, "ceil": True}),
        Example((Shape.of(3, H, W),), {"kernel": 2, "stride": 3, "padding": [1, 0], "ceil": True}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 2, "padding": [[0, 1], [0, 1]]}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 3, "padding": [[0, 1], [1, 0]]}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 1, "padding": "same"}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 1, "dilation": 2, "padding": "same"}),
        Example((Shape.of(3, H, W),), {"kernel": [2, 3], "stride": [1, 2], "dilation": 2, "ceil": True}),
        Example((Shape.of(2, L),), {"kernel": 3, "padding": 1, "dilation": 3}),
        Example((Shape.of(2, 4, H, W),), {"kernel": [1, 3, 3], "stride": [1, 2, 2]}),
    )

    dilation: PerAxis = Field(1, description="distance between the taps of a window")

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, and the indices of the maxima as 64-bit integers."""
        return Saved((0,), extra=(Numbers(1, output.dims, 8),))

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The indices of the maxima, as 64-bit integers."""
        return (Numbers(1, output.dims, 8),)

    def _dilation(self) -> int | tuple[int, ...]:
        return self.dilation

    def _more(self, windows: Windows) -> tuple[Argument, ...]:
        return (by_axis("dilation", windows.dilation, "dilation", 1),)
