"""What the ops of attention share: their input is tokens, each with channels."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.ops.common.base import Op, Shape, ShapeError, only

TOKENS = ("length", "channels")
"""The axes that `flatten: {start: height}` and a `permute` give."""


def attends(op: Op, inputs: Sequence[Shape], within: bool = False) -> Shape:
    """The only input, which has one axis of tokens and the channels last; raises :class:`ShapeError` otherwise.

    ``within``: other axes may stand before them.
    """
    shape = only(op, inputs)
    if len(shape.axes) < 2 or (len(shape.axes) > 2 and not within) or shape.axes[-1] != "channels":
        raise ShapeError(
            f"{op.title()} needs tokens with channels, not ({', '.join(shape.axes)})",
            "`flatten: {start: height}` and `permute: {axes: [length, channels]}` make tokens of a map",
        )
    return shape
