"""Shapes: sizes with named axes, and the error for a shape that does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.records import record
from archspec.sizes import Dim, symbol

D, H, W, L = (symbol(name) for name in "DHWL")
"""Sizes for examples: depth, height and width, length."""

SPATIAL = {0: (), 1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""Names of the spatial axes, by the number of axes."""


class ShapeError(Exception):
    """An op cannot take its inputs; the message is short and is about shapes and arguments only."""

    def __init__(self, message: str, hint: str | None = None, argument: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.argument = argument
        """The argument at fault, if there is one; the diagnostic then points at it."""


@record
class Pooled:
    """What the indices of a max pool count in: the sizes before it, and its windows."""

    sizes: tuple[Dim, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]


@record
class Shape:
    """A tensor's shape without the batch: sizes and axis names, in torch's order.

    A feature map is ``channels`` first, then one to three spatial axes; the channel count is always a number.
    """

    dims: tuple[Dim, ...]
    axes: tuple[str, ...]
    batched: bool = True
    """Whether torch's tensor has a batch axis before these; a parameter has none."""
    pooled: Pooled | None = None
    """For the indices of a max pool, which are 64-bit integers: what they count in."""

    @classmethod
    def of(cls, *dims: Dim) -> Shape:
        """Channels first, then spatial sizes: ``Shape.of(3, H, W)``."""
        if len(dims) - 1 not in SPATIAL:
            raise ShapeError(f"{len(dims)} axes are too many: at most channels and three spatial axes")
        return cls(tuple(dims), ("channels", *SPATIAL[len(dims) - 1]))

    @property
    def channels(self) -> int:
        """Number of channels, at any position of their axis."""
        if "channels" not in self.axes:
            raise ShapeError(f"the input {self.axes} has no channel axis")
        size = self.dims[self.axes.index("channels")]
        if not isinstance(size, int):
            raise ShapeError("the number of channels is not a constant")
        return size

    @property
    def spatial(self) -> tuple[Dim, ...]:
        """Sizes of the spatial axes, in order."""
        return tuple(dim for dim, axis in zip(self.dims, self.axes, strict=True) if axis != "channels")

    @property
    def spatial_axes(self) -> tuple[str, ...]:
        """Names of the spatial axes, in order."""
        return tuple(axis for axis in self.axes if axis != "channels")

    @property
    def rank(self) -> int:
        """Number of spatial axes: 0 for a vector, 2 for an image."""
        return len(self.axes) - ("channels" in self.axes)

    @property
    def channels_first(self) -> bool:
        """Whether the axes are in the order of torch's convolutions: channels first."""
        return bool(self.axes) and self.axes[0] == "channels"

    def with_(self, channels: int | None = None, spatial: Sequence[Dim] | None = None) -> Shape:
        """The same axes with other channels or spatial sizes."""
        sizes = iter(self.spatial if spatial is None else spatial)
        count = self.channels if channels is None else channels
        dims = tuple(count if axis == "channels" else next(sizes) for axis in self.axes)
        return Shape(dims, self.axes, self.batched)

    def counting(self, pooled: Pooled) -> Shape:
        """The shape of indices that count in something."""
        return Shape(self.dims, self.axes, self.batched, pooled)

    def position(self, axis: str) -> int:
        """Index of an axis among torch's dimensions, the batch being 0."""
        if axis not in self.axes:
            raise ShapeError(f"no axis `{axis}` among {', '.join(self.axes)}")
        return self.axes.index(axis) + 1
