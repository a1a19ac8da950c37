"""The op that does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Drawn, Example, Function, H, Kind, Shape, W
from archspec.ops.common.memory import NOTHING, Saved
from archspec.ops.common.pointwise import Pointwise


class Identity(Pointwise):
    """The input, unchanged: to give it a name, or to take a number in a sequence."""

    keyword: ClassVar[str] = "identity"
    kind: ClassVar[Kind] = "reshape"
    transparent: ClassVar[bool] = True
    works_on_any_map: ClassVar[bool] = True
    drawn: ClassVar[Drawn | None] = "never"
    target: ClassVar[str] = "nn.Identity"
    expression: ClassVar[str] = ""
    name: ClassVar[str] = "identity"
    examples: ClassVar[tuple[Example, ...]] = (Example((Shape.of(3, H, W),)), Example((Shape.of(3),)))

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """The input itself."""
        return 0

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """The input itself."""
        return Function("{0}")
