"""Strides replaced by dilation: the same receptive fields on denser maps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Positive
from archspec.ops.common.base import per_axis
from archspec.ops.common.pooling import AdaptivePool, Pool
from archspec.ops.common.spatial import collapse, pairs
from archspec.ops.common.windows import POINTWISE, Everything, Sliding
from archspec.ops.conv import Conv
from archspec.ops.conv_transpose import ConvTranspose
from archspec.ops.crop import Crop
from archspec.ops.max_pool import MaxPool
from archspec.ops.pad import Pad
from archspec.ops.upsample import Upsample
from archspec.records import record
from archspec.rewrites.engine.base import Rewrite
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode


@record
class Grid:
    """The rows of a map: ``stride`` input rows apart, ``denser`` times as dense as before."""

    stride: Fraction = Fraction(1)
    denser: int = 1


Grids = tuple[Grid, ...]
"""One for each spatial axis."""


class StrideToDilation(Rewrite):
    """Remove strides beyond an output stride, and dilate later layers instead (https://arxiv.org/abs/1511.07122).

    Without its stride s a window also computes the rows that it skipped before: row s·m is the old row m.  A later
    window must then skip the new rows.  With s times the dilation and padding, its row s·m reads the rows s·(m − p +
    d·j), which are the old rows m − p + d·j, including the zeros of the padding.  So every s-th row of a map is a row
    of the old map; receptive fields and weights do not change.  The window that loses its stride keeps its own
    dilation, as in torchvision's ``replace_stride_with_dilation``.

    Layers after global pooling still work (on a mean over denser rows), but a dense layer on a flattened map no longer
    fits.
    """

    keyword: ClassVar[str] = "stride_to_dilation"
    main: ClassVar[str | None] = "output_stride"

    output_stride: Positive = Field(description="the largest stride to keep, in input rows, such as 16 or 8")

    def apply(self, draft: Draft) -> None:
        """Rewrite every window; raises RewriteError if one cannot be dilated."""
        grids: dict[DraftNode, Grids | None] = {}
        for node in draft.inputs:
            grids[node] = (Grid(),) * node.shape.rank
        changed = False
        for node in draft.nodes():
            step = _Step(node, grids, self.output_stride)
            grids[node] = step.grids()
            if step.changes:
                changed = True
                draft.change(node, **step.changes)
        if not changed:
            strides = [grid.stride for known in grids.values() if known is not None for grid in known]
            largest = max(strides, default=Fraction(1))
            raise RewriteError(f"the output stride is {largest}, which is already at most {self.output_stride}")


class _Step:
    """One node: the grid of its output, and its new arguments."""

    def __init__(self, node: DraftNode, known: dict[DraftNode, Grids | None], output_stride: int) -> None:
        self.node = node
        assert node.op is not None  # never called for inputs of the network
        self.op = node.op
        self.known = [known[source] for source in node.inputs]
        self.output_stride = output_stride
        self.changes: dict[str, Any] = {}

    def grids(self) -> Grids | None:
        """The grid of the node's output; None if its rows are not rows of the input any more."""
        node, op = self.node, self.op
        source = self._meet()
        if source is None:
            return None
        axes = node.shape.spatial_axes
        windows = [op.window(node.shapes_in, 0, axis) if self._follows(axis) else Everything() for axis in axes]
        if not axes or (all(isinstance(window, Everything) for window in windows) and not self._keeps_size()):
            return self._gathered(source)
        sliding = [window for window in windows if isinstance(window, Sliding)]
        if isinstance(op, Conv | Pool) and len(sliding) == len(windows):
            return self._slide(op, source, sliding)
        if all(window == POINTWISE or isinstance(window, Everything) for window in windows):
            return source if self._keeps_size() else self._other(source)
        return self._other(source)

    def _follows(self, axis: str) -> bool:
        return bool(self.node.inputs) and axis in self.node.shapes_in[0].axes

    def _meet(self) -> Grids | None:
        """The common grid of all inputs."""
        there = [one for one in self.known if one is not None]
        for other in there[1:]:
            if other != there[0]:
                raise RewriteError(f"maps with different strides would meet at `{self.node.path}`", self.node)
        return there[0] if there else None

    def _keeps_size(self) -> bool:
        shape = self.node.shape
        return any(
            shape.spatial == one.spatial for one, grid in zip(self.node.shapes_in, self.known, strict=True) if grid
        )

    def _gathered(self, source: Grids) -> None:
        """A map that becomes a vector or one pixel: a mean can have more rows, the elements of a vector are fixed."""
        if self.op.kind != "pooling" and any(grid.denser > 1 for grid in source):
            hint = "`cut` before it, or use `dense_to_conv` first"
            raise RewriteError(f"`{self.node.path}` needs the map at its old size", self.node, hint)

    def _other(self, source: Grids) -> Grids | None:
        """Ops without windows: padding and cropping by amounts are scaled; others must come before the dilated part."""
        op, node = self.op, self.node
        denser = [grid.denser for grid in source]
        if isinstance(op, Pad | Crop) and op.amount is not None:
            sides = pairs(op.amount, len(source), "amount")
            if any(size > 1 for size in denser):
                more = [[before * size, after * size] for (before, after), size in zip(sides, denser, strict=True)]
                self.changes["amount"] = more
            return source
        if isinstance(op, AdaptivePool):
            return None
        if any(size > 1 for size in denser):
            raise RewriteError(f"`{op.keyword}` at `{node.path}` cannot be dilated", node, "`cut` before it")
        if op.kind != "upsampling":
            return source
        factors: Sequence[int | Fraction] = (1,) * len(source)
        if isinstance(op, ConvTranspose):
            factors = per_axis(op.stride, len(source), "stride")
        elif isinstance(op, Upsample):
            if op.to is not None:
                return self.known[-1]
            if op.scale is None:  # for a fixed size, the distance of the rows depends on the input size
                return None
            factors = op.factors(len(source))
        return tuple(Grid(grid.stride / factor) for grid, factor in zip(source, factors, strict=True))

    def _slide(self, op: Conv | Pool, source: Grids, windows: Sequence[Sliding]) -> Grids:
        """A convolution or pool: scale dilation and padding with the input's density, keep the stride as far as
        allowed.
        """
        node = self.node
        rank = len(source)
        strides = [window.stride for window in windows]
        kept = [self._stride(grid, stride) for grid, stride in zip(source, strides, strict=True)]
        denser = [grid.denser for grid in source]
        found = tuple(
            Grid(grid.stride * new, grid.denser * (old // new))
            for grid, old, new in zip(source, strides, kept, strict=True)
        )
        if kept == strides and all(size == 1 for size in denser):
            return found
        kernels = [window.kernel for window in windows]
        if kept != strides:
            self.changes["stride"] = collapse(tuple(kept))
        stretched = any(size > 1 and kernel > 1 for size, kernel in zip(denser, kernels, strict=True))
        if stretched:
            if "dilation" not in type(op).model_fields:
                raise RewriteError(f"`{op.keyword}` at `{node.path}` has no dilation", node, "`cut` before it")
            dilations = [window.dilation * size for window, size in zip(windows, denser, strict=True)]
            self.changes["dilation"] = collapse(tuple(dilations))
        sides = [_sides(op, window, at, rank) for at, window in enumerate(windows)]
        padding = [(before * size, after * size) for (before, after), size in zip(sides, denser, strict=True)]
        if isinstance(op, Pool) and op.ceil:
            padding = [self._hanging(*each) for each in zip(windows, padding, denser, kept, strict=True)]
            self.changes["ceil"] = False
        if (padding != sides and op.padding != "same") or _uneven(op, windows):
            self.changes["padding"] = [list(each) if each[0] != each[1] else each[0] for each in padding]
            numbers = {one for pair in padding for one in pair}
            if len(numbers) == 1:
                self.changes["padding"] = numbers.pop()
        return found

    def _hanging(self, window: Sliding, padding: tuple[int, int], denser: int, stride: int) -> tuple[int, int]:
        """The padding with which a last window of ceil mode still counts, when no rows are left over."""
        node = self.node
        if stride != 1 or not isinstance(self.op, MaxPool) or padding[0] // denser + window.stride > window.kernel:
            raise RewriteError(f"`{self.op.keyword}` at `{node.path}` in ceil mode cannot be made denser", node)
        return padding[0], padding[1] + denser * (window.stride - 1)

    def _stride(self, grid: Grid, stride: int) -> int:
        """The remaining stride."""
        if grid.stride * stride <= self.output_stride or stride == 1:
            return stride
        left = max(1, int(self.output_stride // grid.stride))
        if stride % left:
            raise RewriteError(
                f"`{self.node.path}` strides by {stride} from stride {grid.stride}, past {self.output_stride}",
                self.node,
            )
        return left


def _sides(op: Conv | Pool, window: Sliding, at: int, rank: int) -> tuple[int, int]:
    """The padding before and after one axis."""
    if op.padding == "same":
        extra = window.dilation * (window.kernel - 1)
        return extra // 2, extra - extra // 2
    return pairs(op.padding, rank)[at]


def _uneven(op: Conv | Pool, windows: Sequence[Sliding]) -> bool:
    """Whether `same` pads one row more after than before, which a dilated window would distribute differently."""
    return op.padding == "same" and any(window.dilation * (window.kernel - 1) % 2 for window in windows)
