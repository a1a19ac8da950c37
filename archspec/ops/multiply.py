"""The product of branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Shape
from archspec.ops.common.elementwise import Elementwise
from archspec.ops.common.memory import Saved


class Multiply(Elementwise):
    """Multiply branches element by element, in the order written, as for a gate (https://arxiv.org/abs/1709.01507)."""

    keyword: ClassVar[str] = "multiply"
    switch: ClassVar[str | None] = "gated"
    works_on_any_map: ClassVar[bool] = True
    circle: ClassVar[str | None] = "×"
    sign: ClassVar[str] = "*"

    saves_for_others: ClassVar[bool] = True

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """All inputs: each is needed for the gradients of the others."""
        return Saved(tuple(range(len(inputs))))
