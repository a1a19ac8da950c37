"""Receptive fields row by row at one given size: exact for every output row, the borders and dropped rows included.

A row's field is an integer; bit j is set if source row j is read.  Taps outside a map do not count.  Ops that depend on
the size (adaptive pooling, resampling by any ratio, crops, concatenation along the axis, ``align_corners``) are exact
here too.  torch computes interpolation in floating point, and may read a neighbour with a weight near 1e-8, or copy a
neighbouring row (631 of 39,601 pairs of sizes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archspec.analyses.tables import around, resampled_taps, transposed_taps
from archspec.analyses.walk import Walk
from archspec.graph import Graph
from archspec.ops.common.windows import (
    Adaptive,
    Centred,
    Fitted,
    Joined,
    Resized,
    Scaled,
    Shifted,
    Sliding,
    Surrounded,
    Transposed,
    Window,
)
from archspec.sizes import Dim, Evaluation

Rows = tuple[int, ...]
"""For each row of a map, the source rows that it reads, as bits."""


def extent(bits: int) -> tuple[int, int]:
    """The first row of a field, and how many rows it spans; nothing of an empty one."""
    first = max(0, (bits & -bits).bit_length() - 1)
    return first, bits.bit_length() - first


class RowAlgebra:
    """Carries the field of every row."""

    sized = True

    def __init__(self, sizes: Mapping[str, int], whole_image: bool) -> None:
        self.whole_image = whole_image
        self._evaluation = Evaluation(dict(sizes))

    def source(self, size: Dim) -> Rows:
        """Each row sees itself."""
        return tuple(1 << row for row in range(self._evaluation.of(size)))

    def everything(self, value: Rows, before: Dim, after: Dim) -> Rows:
        """All rows, for every row of the output; by the convolution-like convention only if there is one row."""
        rows = self._evaluation.of(after)
        if not self.whole_image and rows == len(value):
            return value
        return (_union(value),) * rows

    def union(self, values: Sequence[Rows]) -> Rows:
        """The union, row by row; a single row is repeated."""
        rows = max(map(len, values))
        full = [value * rows if len(value) == 1 else value for value in values]
        return tuple(_union(fields) for fields in zip(*full, strict=True))

    def window(self, value: Rows, window: Window, before: Dim, after: Dim) -> Rows:
        """The field of every output row: the union over its taps inside the map."""
        have, rows = len(value), self._evaluation.of(after)
        taps = [self.taps(window, row, have, rows) for row in range(rows)]
        return tuple(_union(value[tap] for tap in some if 0 <= tap < have) for some in taps)

    def taps(self, window: Window, row: int, have: int, rows: int) -> Iterable[int]:
        """The rows that an output row reads, with ``have`` input rows and ``rows`` output rows; some may be outside."""
        match window:
            case Sliding(kernel, stride, padding, dilation, _, _, fill):
                begin = row * stride - padding
                taps = range(begin, begin + dilation * kernel, dilation)
                return taps if fill == "constant" else [_filled(tap, have, fill) for tap in taps]
            case Fitted():
                return self.taps(window.at(have), row, have, rows)
            case Transposed(kernel, stride, padding, dilation):
                return transposed_taps(row, kernel, stride, padding, dilation)
            case Scaled(numerator, denominator, neighbours):
                return _resampled(row, numerator, denominator, neighbours, have)
            case Shifted(offset, fill):
                return (_filled(row + offset, have, fill),)
            case Centred(outer, inner):
                return (row + (self._evaluation.of(outer) - self._evaluation.of(inner)) // 2,)
            case Surrounded(outer, inner):
                return (row - (self._evaluation.of(outer) - self._evaluation.of(inner)) // 2,)
            case Joined(start, _):
                return (row - self._evaluation.of(start),)
            case Adaptive(_, target):
                return range(row * have // target, -(-(row + 1) * have // target))
            case Resized(_, _, neighbours, False):
                return _resampled(row, rows, have, neighbours, have)
            case Resized(_, _, neighbours):
                below, rest = divmod(row * (have - 1), max(rows - 1, 1))
                return [min(max(tap, 0), have - 1) for tap in around(below, rest, neighbours)]
        return range(have)


def rows_read(
    graph: Graph, sizes: Mapping[str, int], of: int, source: int, whole_image: bool = True
) -> dict[str, Rows]:
    """For each spatial axis of the source, the source rows that every row of a node reads, as bits.

    An axis that the node no longer has (after a flatten) has one row.  With ``whole_image`` global operations read
    everything, as gradients do; without it they pass the field on, by the convolution-like convention.
    """
    walk = Walk(graph, RowAlgebra(sizes, whole_image), source)
    state = walk.run(of).get(of, ())
    return {axis: along.value for axis, along in zip(walk.axes, state, strict=False)}


def _union(fields: Iterable[int]) -> int:
    found = 0
    for one in fields:
        found |= one
    return found


def _resampled(row: int, numerator: int, denominator: int, neighbours: int, have: int) -> Iterable[int]:
    taps = resampled_taps(row, numerator, denominator, neighbours)
    if neighbours == 2 and taps[0] < 0:
        return (0,)  # torch moves a place before the first row onto it
    return [min(max(tap, 0), have - 1) for tap in taps]


def _filled(row: int, have: int, fill: str) -> int:
    """The row that padding copies for a row outside; for a constant, the row outside itself."""
    if fill == "reflect":
        return -row if row < 0 else 2 * (have - 1) - row if row >= have else row
    if fill == "replicate":
        return min(max(row, 0), have - 1)
    if fill == "circular":
        return row % have
    return row
