"""The base of activations: output of the input's shape; a torch module and function with the same arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Axis
from archspec.ops.common.base import Argument, Example, Function, H, Kind, Module, Op, Shape, W, any_one, only
from archspec.ops.common.memory import OUTPUT, Layout, Saved
from archspec.ops.common.windows import POINTWISE, Everything, Window


class Pointwise(Op):
    """Base of the element-wise ops; the fields have the names of torch's arguments."""

    kind: ClassVar[Kind] = "activation"
    layout: ClassVar[Layout] = "kept"
    target: ClassVar[str]
    """The module: ``nn.ReLU``."""
    expression: ClassVar[str]
    """The function: ``F.relu``."""
    name: ClassVar[str]
    """The name used in papers."""

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        return any_one(self, inputs)

    def arguments(self, inputs: Sequence[Shape]) -> tuple[Argument, ...]:
        """The fields as torch's arguments."""
        return tuple(
            Argument(name, getattr(self, name), name, field.default)
            for name, field in type(self).model_fields.items()
            if name != "init"
        )

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.ReLU()``."""
        return Module(self.target, self.arguments(inputs))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.relu({0})``."""
        given = [argument.text for argument in self.arguments(inputs) if not argument.needless]
        return Function(f"{self.expression}({', '.join(['{0}', *given])})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """The activation's name."""
        return self.name


class Normalised(Pointwise):
    """Base of softmax and log-softmax, which normalise along one axis."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape.of(3, H, W),), {"axis": "width"}),
        Example((Shape.of(5),)),
    )

    axis: Axis = Field("channels", description="the axis along which the numbers sum to 1")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        shape = only(self, inputs)
        shape.position(self.axis)
        return shape

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """All of the axis."""
        return Everything() if axis == self.axis else POINTWISE

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The output, from which the derivative is computed."""
        return OUTPUT

    def arguments(self, inputs: Sequence[Shape]) -> tuple[Argument, ...]:
        """``dim=1``."""
        return (Argument("axis", inputs[0].position(self.axis), "dim"),)
