"""The base of convolutions and pools: windows that slide over one to three spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from archspec.ops.common.arguments import Sides
from archspec.ops.common.base import Argument, Op, Shape, ShapeError, only, per_axis
from archspec.ops.common.memory import Numbers
from archspec.ops.common.windows import Sliding
from archspec.records import record
from archspec.sizes import Dim, step, window_step


def feature_map(op: Op, inputs: Sequence[Shape]) -> Shape:
    """The only input: channels, then one to three spatial axes; raises :class:`ShapeError` otherwise."""
    shape = only(op, inputs)
    if not 1 <= shape.rank <= 3:
        what = "a vector" if shape.rank == 0 else f"{shape.rank} axes besides the channels"
        raise ShapeError(f"{op.title()} needs a map with one to three spatial axes, not {what}")
    if not shape.channels_first:
        raise ShapeError(
            f"{op.title()} needs channels before the other axes, not ({', '.join(shape.axes)})",
            "`permute` them to the front first",
        )
    _ = shape.channels
    return shape


def pairs(padding: Sides, rank: int, argument: str = "padding") -> tuple[tuple[int, int], ...]:
    """Amounts before and after each spatial axis; ``argument`` is the name of the argument, for messages."""
    entries = (padding,) * rank if isinstance(padding, int) else padding
    if len(entries) != rank:
        hint = "write [[before, after]] for the two sides of one axis" if rank == 1 and len(entries) == 2 else None
        raise ShapeError(f"`{argument}` has {len(entries)} axes, but the map has {rank}", hint, argument)
    return tuple((entry, entry) if isinstance(entry, int) else entry for entry in entries)


def collapse(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """One number if all are the same, since torch accepts that too."""
    return values[0] if len(set(values)) == 1 else values


def by_axis(slot: str, values: tuple[int, ...], keyword: str | None = None, default: Any = ...) -> Argument:
    """An argument with a number for each axis."""
    return Argument(slot, collapse(values), keyword, default, values)


def times(values: Sequence[int]) -> str:
    """``3×3``."""
    return "×".join(str(value) for value in values)


def per(values: Sequence[int]) -> str:
    """``2`` where all are 2, else ``2×1``."""
    return str(values[0]) if len(set(values)) == 1 else times(values)


def pad_text(sides: Sequence[tuple[int, int]]) -> str:
    """The amounts in the order of ``F.pad``, last axis first: ``(0, 1, 0, 1)``."""
    return "(" + ", ".join(str(amount) for pair in reversed(sides) for amount in pair) + ")"


@record
class Windows:
    """Kernel, stride, padding before and after, and dilation, for each spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    same: bool = False
    ceil: bool = False
    pooling: bool = False
    """Whether torch takes no padding of more than half the kernel, whatever the dilation."""

    @staticmethod
    @lru_cache(maxsize=1024)  # a network has only a few different windows
    def of(
        rank: int,
        kernel: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None,
        padding: Sides | Literal["same"],
        dilation: int | tuple[int, ...] = 1,
        ceil: bool = False,
        pooling: bool = False,
    ) -> Windows:
        """Windows from the arguments of an op; without a stride it is the kernel size, as in pooling."""
        kernels = per_axis(kernel, rank, "kernel")
        strides = kernels if stride is None else per_axis(stride, rank, "stride")
        dilations = per_axis(dilation, rank, "dilation")
        if isinstance(padding, str):
            if any(number != 1 for number in strides):
                raise ShapeError(
                    f"padding `same` needs stride 1, not {per(strides)}", "write the padding as numbers", "padding"
                )
            extra = [d * (k - 1) for k, d in zip(kernels, dilations, strict=True)]
            return Windows(kernels, strides, tuple((e // 2, e - e // 2) for e in extra), dilations, True, ceil, pooling)
        found = Windows(kernels, strides, pairs(padding, rank), dilations, False, ceil, pooling)
        if ceil and not found.symmetric:
            raise ShapeError("ceil mode needs the same padding on both sides", argument="padding")
        return found

    @property
    def symmetric(self) -> bool:
        """Whether every axis has the same padding on both sides, as torch's argument requires."""
        return all(before == after for before, after in self.padding)

    @property
    def laid_on(self) -> bool:
        """Whether the padding is laid on beforehand, because torch's own argument cannot say it."""
        too_much = any(max(sides) > kernel // 2 for kernel, sides in zip(self.kernel, self.padding, strict=True))
        return not self.symmetric or (self.pooling and too_much)

    @property
    def spans(self) -> tuple[int, ...]:
        """Rows of a window from its first to its last, along each axis."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def sizes(self, shape: Shape) -> tuple[Dim, ...]:
        """Spatial sizes of the output; raises :class:`ShapeError` if a constant one would be less than 1."""
        found: list[Dim] = []
        for axis, dim in enumerate(shape.spatial):
            k, s, d, (before, after) = self.kernel[axis], self.stride[axis], self.dilation[axis], self.padding[axis]
            size = step(dim, *window_step(k, s, before, after, d, self.ceil))
            if isinstance(size, int) and size < 1:
                name = shape.spatial_axes[axis]
                dilated = f" with dilation {d}" if d > 1 else ""
                padded = ", padding included" if before + after else ""
                raise ShapeError(
                    f"kernel {k}{dilated} needs a {name} of at least {self.spans[axis]}{padded}; "
                    f"it is {dim + before + after if isinstance(dim, int) else dim}"
                )
            found.append(size)
        return tuple(found)

    def along(self, shape: Shape, axis: str) -> Sliding:
        """The window along one spatial axis."""
        at = shape.spatial_axes.index(axis)
        before, after = self.padding[at]
        return Sliding(self.kernel[at], self.stride[at], before, self.dilation[at], after, self.ceil)

    def prepare(self, fill: str = "") -> str:
        """The text of the input, padded with ``F.pad`` if torch's argument cannot express the padding."""
        return f"F.pad({{0}}, {pad_text(self.padding)}{fill})" if self.laid_on else "{0}"

    def prepared(self, shape: Shape) -> tuple[Numbers, ...]:
        """The padded copy of a map, if ``F.pad`` pads it."""
        if not self.laid_on:
            return ()
        rows = zip(shape.spatial, self.padding, strict=True)
        return (Numbers(1, (shape.channels, *(step(dim, 1, before + after, 1) for dim, (before, after) in rows))),)

    def padding_argument(self) -> Argument:
        """torch's ``padding`` argument; 0 for padding that ``F.pad`` adds."""
        equal = (0,) * len(self.padding) if self.laid_on else tuple(before for before, _ in self.padding)
        return by_axis("padding", equal, "padding", 0)

    def details(self, stride: bool = True) -> str:
        """Details that papers add to the kind of layer, if unusual: ``, /2, padding 100, dilation 2``."""
        parts: list[str] = []
        if stride and any(number != 1 for number in self.stride):
            parts.append(f"/{per(self.stride)}")
        plain = all(sum(pair) in (0, span - 1) for pair, span in zip(self.padding, self.spans, strict=True))
        if not plain:
            sides = [str(a) if a == b else f"{a}+{b}" for a, b in self.padding]
            parts.append(f"padding {sides[0] if len(set(sides)) == 1 else '×'.join(sides)}")
        if any(number != 1 for number in self.dilation):
            parts.append(f"dilation {per(self.dilation)}")
        return "".join(f", {part}" for part in parts)
