"""Padding laid on before windows, whose amounts follow from the size: TensorFlow's ``same``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.records import record

FILLS = {"conv": 0, "avg_pool": 0, "max_pool": float("-inf")}
"""Ops with windows, and what they pad with themselves."""


@record
class Padded:
    """What is known of a padded map: the map itself, the amounts on each axis at each of the sizes, and the filling."""

    source: int
    sizes: tuple[tuple[int, ...], ...]
    """The map's spatial sizes, run by run."""
    amounts: tuple[tuple[tuple[int, int], ...], ...]
    fill: float

    def is_same(self, op: str, arguments: dict[str, Any]) -> bool:
        """Whether windows on it are those of ``padding: same`` on the map itself, at all sizes."""
        if FILLS.get(op) != self.fill or arguments.get("padding", 0) != 0 or arguments.get("ceil", False):
            return False
        rank = len(self.sizes[0])
        kernel = each(arguments["kernel"], rank)
        stride = each(arguments.get("stride", kernel if op.endswith("_pool") else 1), rank)
        dilation = each(arguments.get("dilation", 1), rank)
        windows = list(zip(kernel, stride, dilation, strict=True))
        if any(d * (k - 1) + 1 < s for k, s, d in windows):
            return False
        return all(
            pair == fitting(size, *window)
            for sizes, amounts in zip(self.sizes, self.amounts, strict=True)
            for size, pair, window in zip(sizes, amounts, windows, strict=True)
        )


def each(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One number for each axis."""
    return (value,) * rank if isinstance(value, int) else tuple(value)


def fitting(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Rows before and after, with which windows give ceil(size / stride) rows, an odd one after."""
    extra = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return extra // 2, extra - extra // 2
