"""The base of convolutions and pools: windows that slide over one to three spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from archspec.ops.common.arguments import Sides, literal
from archspec.ops.common.base import Argument, Op, Shape, ShapeError, only, per_axis
from archspec.ops.common.memory import Numbers
from archspec.ops.common.windows import Fitted, Sliding, fitted
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


PAD_SAME = '''\
def pad_same(
    input: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    value: float = 0,
) -> Tensor:
    """Rows around a map so that windows give ceil(size / stride) rows.

    An odd one goes after the map, as TensorFlow has it.
    """
    amounts: list[int] = []
    for size, k, s, d in zip(
        reversed(input.shape[2:]),
        kernel[::-1],
        stride[::-1],
        dilation[::-1],
        strict=True,
    ):
        extra = (-(-size // s) - 1) * s + d * (k - 1) + 1 - size
        amounts += [extra // 2, extra - extra // 2]
    return F.pad(input, amounts, value=value)
'''


@record
class Windows:
    """Kernel, stride, padding before and after, and dilation, for each spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    same: bool = False
    ceil: bool = False
    by_size: tuple[bool, ...] = ()
    """By axis, whether the padding is worked out from the size when the network runs: strided `same`."""
    pooling: bool = False
    """Whether torch takes no padding of more than half the kernel, whatever the dilation."""

    @staticmethod
    @lru_cache(maxsize=1024)  # a network has only a few different windows
    def of(
        spatial: tuple[Dim, ...],
        kernel: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None,
        padding: Sides | Literal["same"],
        dilation: int | tuple[int, ...] = 1,
        ceil: bool = False,
        pooling: bool = False,
    ) -> Windows:
        """Windows from the sizes and arguments of an op; without a stride it is the kernel size, as in pooling."""
        rank = len(spatial)
        kernels = per_axis(kernel, rank, "kernel")
        strides = kernels if stride is None else per_axis(stride, rank, "stride")
        dilations = per_axis(dilation, rank, "dilation")
        if isinstance(padding, str):
            return _same(spatial, kernels, strides, dilations, ceil, pooling)
        found = Windows(kernels, strides, pairs(padding, rank), dilations, False, ceil, pooling=pooling)
        if ceil and not found.symmetric:
            raise ShapeError("ceil mode needs the same padding on both sides", argument="padding")
        return found

    @property
    def symmetric(self) -> bool:
        """Whether every axis has the same padding on both sides, as torch's argument requires."""
        return not any(self.by_size) and all(before == after for before, after in self.padding)

    @property
    def laid_on(self) -> bool:
        """Whether the padding is laid on beforehand, because torch's own argument cannot say it."""
        too_much = any(max(sides) > kernel // 2 for kernel, sides in zip(self.kernel, self.padding, strict=True))
        return not self.symmetric or (self.pooling and self.same and too_much)

    @property
    def spans(self) -> tuple[int, ...]:
        """Rows of a window from its first to its last, along each axis."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def sizes(self, shape: Shape) -> tuple[Dim, ...]:
        """Spatial sizes of the output; raises :class:`ShapeError` if a constant one would be less than 1."""
        found: list[Dim] = []
        for axis, dim in enumerate(shape.spatial):
            k, s, d, (before, after) = self.kernel[axis], self.stride[axis], self.dilation[axis], self.padding[axis]
            if self.by_size and self.by_size[axis]:
                found.append(step(dim, 1, s - 1, s))
                continue
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

    def along(self, shape: Shape, axis: str) -> Sliding | Fitted:
        """The window along one spatial axis."""
        at = shape.spatial_axes.index(axis)
        before, after = self.padding[at]
        if self.by_size and self.by_size[at]:
            return Fitted(self.kernel[at], self.stride[at], self.dilation[at], shape.spatial[at])
        return Sliding(self.kernel[at], self.stride[at], before, self.dilation[at], after, self.ceil)

    def prepare(self, fill: str = "") -> str:
        """The text of the input, padded beforehand if torch's argument cannot express the padding."""
        if any(self.by_size):
            numbers = ", ".join(map(literal, (self.kernel, self.stride, self.dilation)))
            return f"pad_same({{0}}, {numbers}{fill})"
        return f"F.pad({{0}}, {pad_text(self.padding)}{fill})" if self.laid_on else "{0}"

    def prepared(self, shape: Shape) -> tuple[Numbers, ...]:
        """The padded copy of a map, if torch's argument cannot express the padding."""
        return (self.padded(shape),) if self.laid_on else ()

    def padded(self, shape: Shape) -> Numbers:
        """The padded copy of a map."""
        padded = [step(dim, 1, sum(pair), 1) for dim, pair in zip(shape.spatial, self.padding, strict=True)]
        for axis, open_ in enumerate(self.by_size):
            if open_:
                stride = self.stride[axis]
                rows = step(shape.spatial[axis], 1, stride - 1, stride)
                padded[axis] = step(rows, stride, self.spans[axis] - stride, 1)
        return Numbers(1, (shape.channels, *padded))

    @property
    def helper(self) -> str | None:
        """The function that works the padding out when the network runs, where one has to."""
        return PAD_SAME if any(self.by_size) else None

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
        if any(self.by_size):
            parts.append("same")
        if any(number != 1 for number in self.dilation):
            parts.append(f"dilation {per(self.dilation)}")
        return "".join(f", {part}" for part in parts)


def _same(
    spatial: tuple[Dim, ...],
    kernels: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    ceil: bool,
    pooling: bool,
) -> Windows:
    """Padding that keeps the size at stride 1, and gives ceil(size/stride) at another, an odd row after.

    Where the stride is another and the size is a symbol, the padding depends on it.
    """
    if ceil:
        raise ShapeError("ceil mode needs the padding as numbers", argument="padding")
    padding: list[tuple[int, int]] = []
    by_size: list[bool] = []
    for dim, kernel, stride, dilation in zip(spatial, kernels, strides, dilations, strict=True):
        span = dilation * (kernel - 1) + 1
        by_size.append(stride > 1 and span > 1 and not isinstance(dim, int))
        if by_size[-1] and span < stride:
            raise ShapeError(
                f"padding `same` needs windows that meet, and {span} rows do not at stride {stride}",
                "write the padding as numbers",
                "padding",
            )
        extra = span - 1
        known = fitted(dim, kernel, stride, dilation) if isinstance(dim, int) else (extra // 2, extra - extra // 2)
        padding.append((0, 0) if by_size[-1] else known)
    same = all(number == 1 for number in strides)
    open_ = tuple(by_size) if any(by_size) else ()
    return Windows(kernels, strides, tuple(padding), dilations, same, ceil, open_, pooling)
