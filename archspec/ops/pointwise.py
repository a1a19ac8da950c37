"""What activations share: any shape in, the same out; one torch module and one torch function of the same arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.base import Argument, Function, Kind, Module, Op, Shape, any_one


class Pointwise(Op):
    """Base of the ops that change each number by itself; the fields are named as torch's arguments are."""

    kind: ClassVar[Kind] = "activation"
    target: ClassVar[str]
    """The module: ``nn.ReLU``."""
    expression: ClassVar[str]
    """The function: ``F.relu``."""
    name: ClassVar[str]
    """What papers call it."""

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        return any_one(self, inputs)

    def arguments(self) -> tuple[Argument, ...]:
        """The fields as torch's arguments."""
        return tuple(
            Argument(name, getattr(self, name), name, field.default)
            for name, field in type(self).model_fields.items()
            if name != "init"
        )

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.ReLU()``."""
        return Module(self.target, self.arguments())

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.relu({0})``."""
        given = [argument.text for argument in self.arguments() if not argument.needless]
        return Function(f"{self.expression}({', '.join(['{0}', *given])})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """The activation's name."""
        return self.name
