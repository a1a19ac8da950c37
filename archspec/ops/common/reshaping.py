"""What ops share whose output is the same numbers in another shape: a view where the input's strides allow it."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.ops.common.base import Op
from archspec.ops.common.memory import NOTHING, Saved, view
from archspec.ops.common.shape import Shape


class Reshaping(Op):
    """An op that torch carries out as a view, or as a copy where no strides give the new shape."""

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """The output is the input's memory; :meth:`view` says where it cannot be."""
        return 0

    def view(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...] | None:
        """A view, if the input's strides allow it."""
        return view(sizes, strides, output)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING
