"""A copy in the order of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Drawn, Example, Function, H, Kind, L, Shape, W, only
from archspec.ops.common.memory import is_contiguous
from archspec.ops.common.reshaping import Reshaping


class Contiguous(Reshaping):
    """Lay permuted values out in the order of their axes, as torch's `contiguous` does; the values stay the same.

    Steps after it may be quicker or slower, and round in another way.
    """

    keyword: ClassVar[str] = "contiguous"
    kind: ClassVar[Kind] = "reshape"
    drawn: ClassVar[Drawn | None] = "never"
    prelude: ClassVar[str] = "- permute: {axes: [width, channels, height]}\n"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {}, Shape.of(3, H, W)),
        Example((Shape((L, 3), ("length", "channels")),)),
    )

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        return only(self, inputs)

    def view(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...] | None:
        """The input itself if it lies so; otherwise a copy."""
        return tuple(strides) if is_contiguous(sizes, strides) else None

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.contiguous()``."""
        return Function("{0}.contiguous()")
