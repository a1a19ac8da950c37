"""Average pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Flag
from archspec.ops.common.base import Argument, Example, H, L, Shape, ShapeError, W
from archspec.ops.common.pooling import Pool
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.spatial import Windows
from archspec.sizes import AtLeast, Condition, Dim


class AvgPool(Pool):
    """Take the mean of each window."""

    keyword: ClassVar[str] = "avg_pool"
    target: ClassVar[str] = "nn.AvgPool"
    expression: ClassVar[str] = "F.avg_pool"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"kernel": 2}),
        Example((Shape.of(3, 8, 8),), {"kernel": 3, "stride": 1, "padding": 1}, Shape.of(3, 8, 8)),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 2, "padding": 1, "ceil": True}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 2, "padding": [[0, 1], [0, 1]]}),
        Example((Shape.of(3, H, W),), {"kernel": 2, "padding": "same", "stride": 1}),
        Example((Shape.of(2, L),), {"kernel": 3, "stride": 2, "padding": 1, "ceil": True}),
        Example((Shape.of(2, 5, H, W),), {"kernel": 3, "stride": 2, "padding": 1}),
        Example((Shape.of(2, 5, H, W),), {"kernel": 3, "stride": 2, "padding": 1, "ceil": True}),
        Example((Shape.of(2, 5, H, W),), {"kernel": 2, "stride": 1, "padding": [[1, 0], [0, 1], [1, 0]]}),
    )

    count_include_pad: Flag = Field(True, description="whether zeros of the padding count in the mean")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same channels; each size is the number of windows that fit."""
        output = super().infer(inputs)
        if not self.count_include_pad and not self._windows(inputs[0]).symmetric:
            raise ShapeError(
                "padding that differs between the two sides is always counted", argument="count_include_pad"
            )
        for dim, kernel in self._unpadded(inputs[0]):
            if isinstance(dim, int) and dim < kernel:
                raise ShapeError(
                    f"in 3 dimensions kernel {kernel} needs a size of at least {kernel} without padding; it is {dim}"
                )
        return output

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """In three dimensions torch needs an unpadded input at least as large as the kernel."""
        return [AtLeast(dim, kernel, author) for dim, kernel in self._unpadded(inputs[0]) if not isinstance(dim, int)]

    def _unpadded(self, shape: Shape) -> list[tuple[Dim, int]]:
        windows = self._windows(shape)
        return list(zip(shape.spatial, windows.kernel, strict=True)) if shape.rank == 3 and windows.symmetric else []

    def _more(self, windows: Windows) -> tuple[Argument, ...]:
        return (Argument("count_include_pad", self.count_include_pad, "count_include_pad", True),)
