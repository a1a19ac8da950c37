"""Padding before windowed ops whose amounts depend on the size: TensorFlow's ``same``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.records import record

FILLS = {"conv": 0, "avg_pool": 0, "max_pool": float("-inf")}
"""Windowed ops, and the value that their own padding has."""


@record
class Padded:
    """A padded map: the map before padding, the amounts on each axis for each traced size, and the fill value."""

    source: int
    sizes: tuple[tuple[int, ...], ...]
    """The map's spatial sizes for each traced size."""
    amounts: tuple[tuple[tuple[int, int], ...], ...]
    fill: float

    def is_same(self, op: str, arguments: dict[str, Any]) -> bool:
        """Whether windows on it equal those of ``padding: same`` on the map before padding, at all traced sizes."""
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
    """The rows to pad before and after for an output of ceil(size / stride) rows; an odd row goes after."""
    extra = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return extra // 2, extra - extra // 2
