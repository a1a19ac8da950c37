"""A sum with a product, rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Example, Function, H, Shape, ShapeError, W
from archspec.ops.common.elementwise import Elementwise
from archspec.ops.common.memory import Numbers, Saved


class Addcmul(Elementwise):
    """Add the product of the second and third branches to the first, as ``torch.addcmul`` does.

    It may round otherwise than `multiply` and `add`.
    """

    keyword: ClassVar[str] = "addcmul"
    commutes: ClassVar[bool] = False
    circle: ClassVar[str | None] = "+×"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W), Shape.of(3, H, W), Shape.of(3, H, W))),
        Example(
            (Shape((3, 1, 1), ("channels", "height", "width"), batched=False), Shape.of(3, 1, 1), Shape.of(3, H, W))
        ),
        Example((Shape.of(3), Shape.of(3), Shape.of(3))),
    )

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The common shape of all three, after broadcasting."""
        if len(inputs) != 3:
            raise ShapeError(f"addcmul takes three inputs, not {len(inputs)}")
        return super().infer(inputs)

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """None: its output is its own."""
        return None

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Nothing."""
        return ()

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The second and the third."""
        return Saved((1, 2))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``torch.addcmul({0}, {1}, {2})``."""
        return Function("torch.addcmul({0}, {1}, {2})")
