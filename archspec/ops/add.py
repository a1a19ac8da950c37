"""The sum of branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.base import Shape
from archspec.ops.elementwise import Elementwise
from archspec.ops.memory import NOTHING, Saved


class Add(Elementwise):
    """Branches added number by number, in the order written (https://arxiv.org/abs/1512.03385)."""

    keyword: ClassVar[str] = "add"
    sign: ClassVar[str] = "+"

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING
