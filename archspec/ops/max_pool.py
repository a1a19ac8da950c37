"""Max pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from archspec.ops.common.arguments import Flag, PerAxis
from archspec.ops.common.base import Argument, Drawn, Example, Function, H, L, Module, Op, Shape, ShapeError, W
from archspec.ops.common.memory import OUTPUT, Numbers, Saved
from archspec.ops.common.pooling import Pool
from archspec.ops.common.shape import Pooled
from archspec.ops.common.spatial import Windows, by_axis


class MaxPool(Pool):
    """Take the maximum of each window; padding never counts as the maximum."""

    keyword: ClassVar[str] = "max_pool"
    target: ClassVar[str] = "nn.MaxPool"
    expression: ClassVar[str] = "F.max_pool"
    fill: ClassVar[str] = ', value=float("-inf")'
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"kernel": 2, "indices": True}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 2, "padding": 1}),
        Example((Shape.of(3, 112, 112),), {"kernel": 3, "stride": 2, "ceil": True}, Shape.of(3, 56, 56)),
        Example((Shape.of(3, H, W),), {"kernel": 2}),
        Example((Shape.of(3, H, W),), {"kernel": 2, "padding": 1, "ceil": True}),
        Example((Shape.of(3, H, W),), {"kernel": 2, "stride": 3, "padding": [1, 0], "ceil": True}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 2, "padding": [[0, 1], [0, 1]]}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 3, "padding": [[0, 1], [1, 0]]}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 1, "padding": "same"}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 1, "dilation": 2, "padding": "same"}),
        Example((Shape.of(3, H, W),), {"kernel": 3, "stride": 2, "padding": "same"}),
        Example((Shape.of(3, H, W),), {"kernel": [2, 3], "stride": [1, 2], "dilation": 2, "ceil": True}),
        Example((Shape.of(2, L),), {"kernel": 3, "padding": 1, "dilation": 3}),
        Example((Shape.of(2, 4, H, W),), {"kernel": [1, 3, 3], "stride": [1, 2, 2]}),
    )

    dilation: PerAxis = Field(1, description="distance between the taps of a window")
    indices: Flag = Field(False, description="whether the places of the maxima are kept, for `max_unpool`")

    @property
    def second(self) -> Op | None:
        """The places of the maxima."""
        return PoolIndices.model_construct(**dict(self)) if self.indices else None

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same channels; each size is the number of windows that fit."""
        shape = super().infer(inputs)
        if self.indices and self._windows(inputs[0]).laid_on:
            raise ShapeError(
                "indices count in the map before its padding, so both sides need the same", argument="padding"
            )
        return shape

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, and the indices of the maxima as 64-bit integers, unless they are a value of their own."""
        return Saved((0,), extra=() if self.indices else (Numbers(1, output.dims, 8),))

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The indices of the maxima, as 64-bit integers."""
        return (Numbers(1, output.dims, 8),)

    def _dilation(self) -> int | tuple[int, ...]:
        return self.dilation

    def _more(self, windows: Windows) -> tuple[Argument, ...]:
        dilation = by_axis("dilation", windows.dilation, "dilation", 1)
        return (dilation, Argument("indices", self.indices, "return_indices", False))

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.MaxPool2d(3, stride=2, padding=1)``."""
        found = super().module(inputs)
        return replace(found, call=f"{found.call}[0]") if found is not None and self.indices else found

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.max_pool2d({0}, 3, stride=2, padding=1)``."""
        found = super().function(inputs)
        return replace(found, text=f"{found.text}[0]") if found is not None and self.indices else found


class PoolIndices(MaxPool):
    """The places of a max pool's maxima: the second value of its call."""

    keyword: ClassVar[str] = "max_pool_indices"
    drawn: ClassVar[Drawn | None] = "never"
    follows: ClassVar[bool] = True

    @property
    def second(self) -> Op | None:
        """None."""
        return None

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The shape of the pool's output, with the sizes that the indices count in."""
        windows = self._windows(inputs[0])
        padding = tuple(before for before, _ in windows.padding)
        pooled = Pooled(inputs[0].spatial, windows.kernel, windows.stride, padding)
        if any(number != 1 for number in windows.dilation):
            raise ShapeError("indices of a dilated pool cannot be used", argument="dilation")
        return super().infer(inputs).counting(pooled)

    def prepared(self, inputs: Sequence[Shape]) -> tuple[Numbers, ...]:
        """Nothing: the pool has padded its input."""
        return ()

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Nothing: the pool has made them."""
        return ()

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The indices, for the gradient of the pool."""
        return OUTPUT

    def passes_gradient(self, inputs: Sequence[Shape], position: int, output: Shape) -> Literal["new", "same"] | None:
        """None: whole numbers have no gradient."""
        return None

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """None: it is a value of the pool's module."""
        return None

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.max_pool2d({0}, 2, return_indices=True)[1]``."""
        found = super().function(inputs)
        assert found is not None
        return replace(found, text=f"{found.text.removesuffix('[0]')}[1]")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``indices``."""
        return "indices"
