"""Concatenation of branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from archspec.ops.common.arguments import Axis
from archspec.ops.common.attending import TOKENS
from archspec.ops.common.base import Example, Function, H, Kind, L, Op, Shape, ShapeError, W
from archspec.ops.common.elementwise import equalities, meet, same_axes
from archspec.ops.common.memory import NOTHING, Saved
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.windows import POINTWISE, Joined, Window
from archspec.sizes import Condition, total


class Concat(Op):
    """Concatenate branches along one axis, in the order written (https://arxiv.org/abs/1409.4842)."""

    keyword: ClassVar[str] = "concat"
    switch: ClassVar[str | None] = "joined"
    kind: ClassVar[Kind] = "merge"
    works_on_any_map: ClassVar[bool] = True
    circle: ClassVar[str | None] = "||"
    merges: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(64, H, W), Shape.of(128, H, W), Shape.of(32, H, W)), {}, Shape.of(224, H, W)),
        Example((Shape.of(3, H, W), Shape.of(3, 4, W)), {"axis": "height"}),
        Example((Shape.of(3, L), Shape.of(2, L))),
        Example((Shape.of(3), Shape.of(2)), {}, Shape.of(5)),
        Example((Shape.of(3, H, W),)),
        Example((Shape((2, 6), TOKENS, batched=False), Shape((5, 6), TOKENS)), {"axis": "length"}),
    )

    axis: Axis = Field("channels", description="the axis along which the branches are concatenated")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The common shape, with the sum of the sizes along the axis."""
        axes = same_axes(self, inputs)
        if not any(shape.batched for shape in inputs):
            raise ShapeError("concat needs a map beside parameters, which have no batch")
        position = inputs[0].position(self.axis) - 1
        columns = list(zip(*(shape.dims for shape in inputs), strict=True))
        dims = [total(column) if at == position else meet(self, axes[at], column) for at, column in enumerate(columns)]
        return Shape(tuple(dims), axes)

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """Equal sizes on every other axis."""
        columns = zip(inputs[0].axes, zip(*(shape.dims for shape in inputs), strict=True), strict=True)
        return [found for axis, column in columns if axis != self.axis for found in equalities(column, author)]

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The row itself; along the concatenated axis, the rows of this input from its start."""
        if axis != self.axis:
            return POINTWISE
        dims = [shape.dims[shape.position(axis) - 1] for shape in inputs]
        return Joined(total(dims[:index]) if index else 0, dims[index])

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """The input, if there is only one."""
        return 0 if len(inputs) == 1 else None

    def passes_gradient(self, inputs: Sequence[Shape], position: int, output: Shape) -> Literal["new", "same"] | None:
        """``same``: the gradient is a slice of the output's gradient."""
        return "same"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``torch.cat([{0}, {1}], dim=1)``."""
        if len(inputs) == 1:
            return Function("{0}")
        map_ = next(index for index, shape in enumerate(inputs) if shape.batched)
        kept = ", -1" * len(inputs[0].axes)
        whole = f".expand({{{map_}}}.shape[0]{kept})"  # a parameter, once for each sample
        listed = ", ".join(f"{{{index}}}{'' if shape.batched else whole}" for index, shape in enumerate(inputs))
        return Function(f"torch.cat([{listed}], dim={inputs[0].position(self.axis)})")
