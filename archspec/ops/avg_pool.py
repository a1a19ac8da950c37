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
    """The mean of the numbers under each window."""

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
        Example((Shape.of(3, H, W),), {"kernel": 2, "padding": "same"}),
        Example((Shape.of(2, L),), {"kernel": 3, "stride": 2, "padding": 1, "ceil": True}),
        Example((Shape.of(2, 5, H, W),), {"kernel": 3, "stride": 2, "padding": 1}),
        Example((Shape.of(2, 5, H, W),), {"kernel": 3, "stride": 2, "padding": 1, "ceil": True}),
        Example((Shape.of(2, 5, H, W),), {"kernel": 2, "stride": 1, "padding": [[1, 0], [0, 1], [1, 0]]}),
    )

    count_include_pad: Flag = Field(True, description="whether padding counts as zeros in the mean")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same channels, sizes by the windows that fit."""
        output = super().infer(inputs)
        if not self.count_include_pad and not self._windows(inputs[0]).symmetric:
            raise ShapeError("padding that is not the same on both sides always counts", argument="count_include_pad")
        for dim, kernel in self._unpadded(inputs[0]):
            if isinstance(dim, int) and dim < kernel:
                raise ShapeError(
                    f"kernel {kernel} wants a size of {kernel} without padding in 3 dimensions; it is {dim}"
                )
        return output

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """In three dimensions torch wants the input itself, without padding, as large as the kernel."""
        return [AtLeast(dim, kernel, author) for dim, kernel in self._unpadded(inputs[0]) if not isinstance(dim, int)]

    def _unpadded(self, shape: Shape) -> list[tuple[Dim, int]]:
        windows = self._windows(shape)
        return list(zip(shape.spatial, windows.kernel, strict=True)) if shape.rank == 3 and windows.symmetric else []

    def _more(self, windows: Windows) -> tuple[Argument, ...]:
        return (Argument("count_include_pad", self.count_include_pad, "count_include_pad", True),)
