"""The base of max and average pooling, with sliding windows and adaptive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator, WithJsonSchema

from archspec.ops.common.arguments import Flag, Padding, PerAxis, each, positive
from archspec.ops.common.base import Argument, Function, Kind, Module, Op, Shape, ShapeError, counted
from archspec.ops.common.memory import Layout, Numbers
from archspec.ops.common.spatial import Windows, by_axis, collapse, feature_map, times
from archspec.ops.common.windows import POINTWISE, Adaptive, Everything, Window


class Pool(Op):
    """Base of pooling with sliding windows."""

    kind: ClassVar[Kind] = "pooling"
    layout: ClassVar[Layout] = "channels"
    target: ClassVar[str]
    """The module without the number of axes: ``nn.MaxPool``."""
    expression: ClassVar[str]
    """The function without the number of axes: ``F.max_pool``."""
    fill: ClassVar[str] = ""
    """Arguments of ``F.pad`` for padding that differs between the sides."""

    kernel: PerAxis = Field(description="kernel size, one number or one for each spatial axis")
    stride: PerAxis | None = Field(None, description="step between windows. Default: the kernel size")
    padding: Padding = Field(
        0, description="rows added around the map: a number, one for each axis, [before, after] pairs or `same`"
    )
    ceil: Flag = Field(False, description="whether a last window that extends over the edge counts")

    def _windows(self, shape: Shape) -> Windows:
        return Windows.of(shape.rank, self.kernel, self.stride, self.padding, self._dilation(), self.ceil, pooling=True)

    def _dilation(self) -> int | tuple[int, ...]:
        return 1

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same channels; each size is the number of windows that fit."""
        shape = feature_map(self, inputs)
        windows = self._windows(shape)
        for kernel, sides in zip(windows.kernel, windows.padding, strict=True):
            if max(sides) <= kernel // 2:
                continue
            if not windows.same:
                raise ShapeError(f"padding {max(sides)} is more than half of kernel {kernel}", argument="padding")
            if kernel % 2 == 0:  # an odd window has its middle tap on the row itself
                raise ShapeError(f"a dilated window of {kernel} taps may lie in its padding alone", argument="padding")
        return shape.with_(spatial=windows.sizes(shape))

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The kernel's taps."""
        return self._windows(inputs[0]).along(inputs[0], axis)

    def prepared(self, inputs: Sequence[Shape]) -> tuple[Numbers, ...]:
        """The input with unequal padding."""
        return self._windows(inputs[0]).prepared(inputs[0])

    def _arguments(self, shape: Shape) -> tuple[Argument, ...]:
        windows = self._windows(shape)
        kernel = collapse(windows.kernel)
        return (
            by_axis("kernel", windows.kernel),
            by_axis("stride", windows.stride, "stride", kernel),
            windows.padding_argument(),
            *self._more(windows),
            Argument("ceil", self.ceil, "ceil_mode", False),
        )

    def _more(self, windows: Windows) -> tuple[Argument, ...]:
        return ()

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.MaxPool2d(3, stride=2, padding=1)``."""
        prepare = self._windows(inputs[0]).prepare(self.fill)
        return Module(f"{self.target}{inputs[0].rank}d", self._arguments(inputs[0]), prepare=prepare)

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.max_pool2d({0}, 3, stride=2, padding=1)``."""
        given = [argument.text for argument in self._arguments(inputs[0]) if not argument.needless]
        prepare = self._windows(inputs[0]).prepare(self.fill)
        return Function(f"{self.expression}{inputs[0].rank}d({', '.join(['{0}', *given])})", prepare=prepare)

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``3×3 max pool, /2``."""
        windows = self._windows(inputs[0])
        return f"{times(windows.kernel)} {self.title()}{windows.details()}"


def _target_size(value: object) -> int | tuple[int | None, ...]:
    if isinstance(value, list | tuple):
        return each(value, lambda entry: None if entry is None else positive(entry), 3, "a size for each spatial axis")
    return positive(value)


_COUNT = {"type": "integer", "minimum": 1}
_ENTRY = {"anyOf": [_COUNT, {"type": "null"}]}
TargetSize = Annotated[
    int | tuple[int | None, ...],
    PlainValidator(_target_size),
    WithJsonSchema({"anyOf": [_COUNT, {"type": "array", "items": _ENTRY, "minItems": 1, "maxItems": 3}]}),
]
"""A size for all spatial axes, or one for each; null keeps the input size."""


class AdaptivePool(Op):
    """Base of pooling to a given size."""

    kind: ClassVar[Kind] = "pooling"
    layout: ClassVar[Layout] = "channels"
    target: ClassVar[str]
    expression: ClassVar[str]
    sliding: ClassVar[str]
    """The op that pools in the same way by sliding windows."""

    def _targets(self, rank: int) -> tuple[int | None, ...]:
        raise NotImplementedError

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same channels, with the requested sizes."""
        shape = feature_map(self, inputs)
        kept = zip(shape.spatial, self._targets(shape.rank), strict=True)
        return shape.with_(spatial=[dim if target is None else target for dim, target in kept])

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The part of the axis for a row; the whole axis if there is only one row."""
        shape = inputs[0]
        at = shape.spatial_axes.index(axis)
        target = self._targets(shape.rank)[at]
        if target is None:
            return POINTWISE
        return Everything() if target == 1 else Adaptive(shape.spatial[at], target)

    def _size(self, rank: int) -> Any:
        targets = self._targets(rank)
        return targets[0] if len(set(targets)) == 1 and targets[0] is not None else targets

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.AdaptiveAvgPool2d(7)``."""
        rank = inputs[0].rank
        return Module(f"{self.target}{rank}d", (Argument("size", self._size(rank)),))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.adaptive_avg_pool2d({0}, 7)``."""
        rank = inputs[0].rank
        return Function(f"{self.expression}{rank}d({{0}}, {Argument('size', self._size(rank)).text})")


class SizedPool(AdaptivePool):
    """Base of adaptive pooling to a given size."""

    size: TargetSize = Field(
        description="output size, one number or one for each spatial axis; null keeps the input size"
    )

    def _targets(self, rank: int) -> tuple[int | None, ...]:
        if isinstance(self.size, int):
            return (self.size,) * rank
        if len(self.size) != rank:
            raise ShapeError(f"`size` has {len(self.size)} numbers for {counted(rank)}", argument="size")
        return self.size

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``adaptive avg pool to 7×7``."""
        targets = self._targets(inputs[0].rank)
        shown = [target for target in targets if target is not None]
        sizes = times(shown) if len(shown) == len(targets) else "×".join("·" if t is None else str(t) for t in targets)
        return f"{self.title()} to {sizes}"


class GlobalPool(AdaptivePool):
    """Base of pooling each channel to one number; the spatial axes stay, with size 1."""

    def _targets(self, rank: int) -> tuple[int | None, ...]:
        return (1,) * rank
