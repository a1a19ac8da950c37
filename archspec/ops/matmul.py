"""The product of two branches as matrices."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from archspec.ops.common.arguments import Axes, Flag
from archspec.ops.common.attending import TOKENS
from archspec.ops.common.base import Example, Function, H, Kind, L, Op, Product, Shape, ShapeError, W
from archspec.ops.common.elementwise import equalities, meet
from archspec.ops.common.memory import Saved, view
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.windows import POINTWISE, Everything, Window
from archspec.sizes import Condition, Dim

_HEADS = ("heads", *TOKENS)


class Matmul(Op):
    """Multiply two branches as matrices, whose rows and columns are their last two axes.

    The axes before these are the same in both; each of their places has a product of its own.  With `transpose` the
    rows of the second are multiplied, not its columns: what queries and keys need.
    """

    keyword: ClassVar[str] = "matmul"
    kind: ClassVar[Kind] = "merge"
    merges: ClassVar[bool] = True
    circle: ClassVar[str | None] = "@"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            (Shape((L, 6), TOKENS), Shape((6, 4), ("channels", "outputs"))), {}, Shape((L, 4), ("length", "outputs"))
        ),
        Example(
            (Shape((2, L, 6), _HEADS), Shape((2, L, 6), _HEADS)),
            {"transpose": True, "axes": ["heads", "length", "keys"]},
            Shape((2, L, L), ("heads", "length", "keys")),
        ),
        Example((Shape((2, L, 5), ("heads", "length", "keys")), Shape((2, 5, 6), ("heads", "keys", "channels")))),
        Example((Shape.of(3, H, W), Shape.of(3, 4, W)), {"transpose": True, "axes": ["channels", "height", "width"]}),
    )

    transpose: Flag = Field(False, description="whether the second branch is transposed: its last axis is multiplied")
    axes: Axes | None = Field(
        None,
        description="names of the axes of the product. Default: rows from the first branch, columns from the second",
    )

    def _pair(self, inputs: Sequence[Shape]) -> tuple[Shape, Shape]:
        """The two matrices; raises :class:`ShapeError` if there are not two, or they have no rows and columns."""
        if len(inputs) != 2:
            raise ShapeError(f"matmul takes two branches, not {len(inputs)}")
        left, right = inputs
        for shape in inputs:
            if not shape.batched:
                raise ShapeError(
                    "matmul cannot take a parameter, which has no batch", "`linear` multiplies by a weight"
                )
            if len(shape.axes) < 2:
                raise ShapeError("matmul needs rows and columns, and this is a vector", "`reshape` names two axes")
        if len(left.axes) != len(right.axes):
            raise ShapeError(f"matmul needs as many axes in both branches, not {len(left.axes)} and {len(right.axes)}")
        return left, right

    def _across(self, right: Shape) -> tuple[Dim, Dim]:
        """The size of the second branch that is multiplied, and the one that stays."""
        rows, columns = right.dims[-2:]
        return (columns, rows) if self.transpose else (rows, columns)

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The rows of the first branch and the columns of the second (its rows if it is transposed)."""
        left, right = self._pair(inputs)
        inner, outer = self._across(right)
        meet(self, left.axes[-1], (left.dims[-1], inner))
        if left.axes[:-2] != right.axes[:-2]:
            raise ShapeError(
                f"the axes before rows and columns differ: {', '.join(left.axes[:-2])} and {', '.join(right.axes[:-2])}"
            )
        before = [meet(self, axis, pair) for axis, *pair in zip(left.axes[:-2], left.dims, right.dims, strict=False)]
        axes = self.axes or (*left.axes[:-1], right.axes[-2 if self.transpose else -1])
        if len(axes) != len(left.axes):
            raise ShapeError(f"`axes` names {len(axes)} axes for {len(left.axes)}", argument="axes")
        if len(set(axes)) < len(axes):
            raise ShapeError(
                f"rows and columns of the product would both be called `{axes[-1]}`", "name them with `axes`", "axes"
            )
        dims = (*before, left.dims[-2], outer)
        for name, dim in zip(axes, dims, strict=True):
            if name == "channels" and not isinstance(dim, int):
                raise ShapeError("the number of channels would not be a constant", "name the axes with `axes`", "axes")
        return Shape(dims, axes)

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """Equal sizes of what is multiplied, and of the axes before."""
        left, right = inputs
        pairs = [*zip(left.dims[:-2], right.dims[:-2], strict=True), (left.dims[-1], self._across(right)[0])]
        return [found for pair in pairs for found in equalities(pair, author)]

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The row itself along the axes before the matrix and its own side of it; everything along the other."""
        output = self.infer(inputs)
        at, own = output.axes.index(axis), inputs[index].axes.index(axis)
        last = len(output.axes) - 1
        if at < last - 1:
            return POINTWISE if at == own else Everything()
        if index == 0:
            return POINTWISE if at == own == last - 1 else Everything()
        kept = last - 1 if self.transpose else last
        return POINTWISE if at == last and own == kept else Everything()

    def multiply_adds(self, inputs: Sequence[Shape], output: Shape) -> tuple[Product, ...]:
        """One for each number of the product and each of what is multiplied."""
        inner = inputs[0].dims[-1]
        return ((1, (*output.dims, inner)),)

    def gathered(
        self, inputs: Sequence[Shape], position: int, sizes: Sequence[int], strides: Sequence[int], training: bool
    ) -> bool:
        """Whether the batch and the axes before the matrix cannot be taken as one."""
        wanted = (prod(sizes[:-2]), *sizes[-2:])
        return view(sizes, strides, wanted) is None

    def passes_gradient(self, inputs: Sequence[Shape], position: int, output: Shape) -> Literal["new", "same"] | None:
        """New memory for both."""
        return "new"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Both branches."""
        return Saved((0, 1))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0} @ {1}``, ``{0} @ {1}.transpose(-2, -1)``."""
        return Function("{0} @ {1}.transpose(-2, -1)" if self.transpose else "{0} @ {1}", atomic=False)

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``matmul``, ``matmul, transposed``."""
        return "matmul, transposed" if self.transpose else "matmul"
