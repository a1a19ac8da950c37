"""The inverse of a max pool, as far as it has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from archspec.ops.common.arguments import Text
from archspec.ops.common.base import Argument, Example, Function, H, Kind, L, Module, Op, Shape, ShapeError, W
from archspec.ops.common.memory import Layout, Saved
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.shape import Pooled
from archspec.ops.common.spatial import by_axis, collapse, feature_map, times
from archspec.ops.common.windows import Nothing, Transposed, Window
from archspec.sizes import Condition, Dim, Equal, step


def _example(before: tuple[Dim, ...], kernel: int, padding: int = 0) -> tuple[Shape, Shape]:
    """A map, and the indices of a pool that gives its size."""
    rank = len(before)
    pooled = Pooled(before, (kernel,) * rank, (kernel,) * rank, (padding,) * rank)
    after = Shape.of(3, *(step(dim, 1, 2 * padding, kernel) for dim in before))
    return after, after.counting(pooled)


class MaxUnpool(Op):
    """Put each number back where a `max_pool` with `indices` took it from, zeros elsewhere (arXiv:1511.00561).

    Windows, strides and the restored size are those of the pool.  torch finds the size from the windows alone, so it
    must be a whole number of them, unless `to` names a step of the size that the pool had before it.
    """

    keyword: ClassVar[str] = "max_unpool"
    kind: ClassVar[Kind] = "upsampling"
    layout: ClassVar[Layout] = "channels"
    references: ClassVar[tuple[str, ...]] = ("indices", "to")
    prelude: ClassVar[str] = "- max_pool as pool: {kernel: 2, indices: true}\n"
    wants_second: ClassVar[tuple[str, ...]] = ("indices",)
    examples: ClassVar[tuple[Example, ...]] = (
        Example(_example((7, 4), 2), {"indices": "pool"}, Shape.of(3, 7, 4)),
        Example((*_example((H, W), 2, 1), Shape.of(5, H, W)), {"indices": "pool", "to": "skip"}),
        Example(_example((9,), 3), {"indices": "pool"}, Shape.of(3, 9)),
        Example((*_example((L,), 3, 1), Shape.of(1, L)), {"indices": "pool", "to": "skip"}),
        Example(_example((4, 2, 6), 2), {"indices": "pool"}, Shape.of(3, 4, 2, 6)),
    )

    indices: Text = Field(description="the pool whose maxima say where each number goes")
    to: Text | None = Field(None, description="a step with the size before the pool. Default: what the windows give")

    @property
    def borrows(self) -> int:
        """The step of ``to``; the indices are read."""
        return int(self.to is not None)

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same channels, with the size before the pool."""
        shape = feature_map(self, inputs[:1])
        pooled = self._pooled(inputs)
        if shape.axes != inputs[1].axes or shape.channels != inputs[1].channels:
            raise ShapeError(f"the pool had {inputs[1].channels} channels, not {shape.channels}")
        for name, dim, other in zip(shape.spatial_axes, shape.spatial, inputs[1].spatial, strict=True):
            if isinstance(dim, int) and isinstance(other, int) and dim != other:
                raise ShapeError(f"the pool gave a {name} of {other}, not {dim}")
        if self.to is not None and inputs[2].rank != shape.rank:
            raise ShapeError("`to` needs a step with the same axes", argument="to")
        return shape.with_(spatial=pooled.sizes)

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """The sizes that the pool gave, and the one that it had."""
        pairs = list(zip(inputs[0].spatial, inputs[1].spatial, strict=True))
        sizes = self._pooled(inputs).sizes
        if self.to is not None:
            pairs += zip(inputs[2].spatial, sizes, strict=True)
        elif not self._constant(sizes):
            pairs += zip(self._windows(inputs), sizes, strict=True)
        return [Equal(left, right, author) for left, right in pairs if left != right]

    @staticmethod
    def _pooled(inputs: Sequence[Shape]) -> Pooled:
        if len(inputs) < 2 or inputs[1].pooled is None:
            raise ShapeError("`indices` needs a pool that keeps them", "write `max_pool: {indices: true}`", "indices")
        return inputs[1].pooled

    @staticmethod
    def _constant(sizes: Sequence[Dim]) -> bool:
        return all(isinstance(size, int) for size in sizes)

    def _windows(self, inputs: Sequence[Shape]) -> tuple[Dim, ...]:
        """The size that torch finds from the windows."""
        pooled = self._pooled(inputs)
        each = zip(inputs[1].spatial, pooled.kernel, pooled.stride, pooled.padding, strict=True)
        return tuple(step(dim, stride, kernel - stride - 2 * padding, 1) for dim, kernel, stride, padding in each)

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The windows that a row lies in; which of them gave it is not asked, and indices pass no gradient."""
        if index:
            return Nothing()
        pooled, at = self._pooled(inputs), inputs[0].spatial_axes.index(axis)
        return Transposed(pooled.kernel[at], pooled.stride[at], pooled.padding[at])

    def passes_gradient(self, inputs: Sequence[Shape], position: int, output: Shape) -> Literal["new", "same"] | None:
        """New memory for the map alone."""
        return None if position else "new"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The indices."""
        return Saved((1,))

    def _size(self, inputs: Sequence[Shape]) -> str:
        sizes = self._pooled(inputs).sizes
        if self.to is not None:
            return ", output_size={2}.shape[2:]"
        if not self._constant(sizes) or sizes == self._windows(inputs):
            return ""
        return f", output_size=({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"

    def _arguments(self, inputs: Sequence[Shape]) -> tuple[Argument, ...]:
        pooled = self._pooled(inputs)
        kernel = collapse(pooled.kernel)
        return (
            by_axis("kernel", pooled.kernel),
            by_axis("stride", pooled.stride, "stride", kernel),
            by_axis("padding", pooled.padding, "padding", 0),
        )

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.MaxUnpool2d(2)``."""
        call = f"{{module}}({{0}}, {{1}}{self._size(inputs)})"
        return Module(f"nn.MaxUnpool{inputs[0].rank}d", self._arguments(inputs), call)

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.max_unpool2d({0}, {1}, 2)``."""
        given = [argument.text for argument in self._arguments(inputs) if not argument.needless]
        text = ", ".join(["{0}", "{1}", *given])
        return Function(f"F.max_unpool{inputs[0].rank}d({text}{self._size(inputs)})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``2×2 max unpool``."""
        return f"{times(self._pooled(inputs).kernel)} {self.title()}"
