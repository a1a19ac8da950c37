"""Interior rows: output rows for which every tap, at every step from the source on, lies inside the map that it reads.

They are the rows ``first`` … ``last``.  ``last`` is the least of several exact sizes, so the smallest input size with
an interior row is known.  On interior rows the periodic field is exact; the other rows are border rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archspec.analyses.walk import Walk
from archspec.graph import Graph
from archspec.ops.common.windows import (
    Adaptive,
    Centred,
    Fitted,
    Resized,
    Scaled,
    Shifted,
    Sliding,
    Surrounded,
    Transposed,
    Window,
)
from archspec.records import record
from archspec.sizes import Dim, Evaluation, Size, inverse, lowest, step, symbols, text


@record
class Interior:
    """Rows ``first`` to the least of ``lasts``; none if that is less than ``first``."""

    first: int
    lasts: tuple[Dim, ...]

    def last(self, evaluation: Evaluation) -> int:
        """The last interior row at given sizes."""
        return min(evaluation.of(dim) for dim in self.lasts)

    def least_size(self) -> int | None:
        """The least input size with an interior row; None if there never is one, or if it depends on two symbols."""
        least = 1
        for dim in self.lasts:
            if not isinstance(dim, Size):
                if dim < self.first:
                    return None
            elif len(symbols(dim)) != 1:
                return None
            else:
                least = max(least, inverse(dim, self.first))
        return least

    def __str__(self) -> str:
        shown = ", ".join(text(dim) for dim in self.lasts)
        return f"{self.first} … {f'min({shown})' if len(self.lasts) > 1 else shown}"


class InteriorAlgebra:
    """Carries interior rows; None if they are not one run of rows, or if they depend on sizes that are not given."""

    whole_image = False
    sized = True

    def __init__(self, sizes: Mapping[str, int] | None) -> None:
        self._evaluation = None if sizes is None else Evaluation(dict(sizes))

    def source(self, size: Dim) -> Interior | None:
        """Every row of the source is itself."""
        return Interior(0, (step(self._dim(size), 1, -1, 1),))

    def everything(self, value: Interior | None, before: Dim, after: Dim) -> Interior | None:
        """Normalisation over the map keeps the rows; a single row that sees everything has no interior rows."""
        return value if before is after or before == after else None

    def union(self, values: Sequence[Interior | None]) -> Interior | None:
        """Rows that are interior on all paths."""
        known = [value for value in values if value is not None]
        if len(known) != len(values):
            return None
        return Interior(max(value.first for value in known), lowest(dim for value in known for dim in value.lasts))

    def window(self, value: Interior | None, window: Window, before: Dim, after: Dim) -> Interior | None:
        """Rows whose taps are all interior rows of the input."""
        if value is None:
            return None
        before, after, first = self._dim(before), self._dim(after), value.first
        match window:
            case Sliding(kernel, stride, padding, dilation):
                covered = dilation * (kernel - 1)
                return _moved(value, -(-(first + padding) // stride), (1, padding - covered, stride), None)
            case Transposed(kernel, stride, padding, dilation):
                begin = stride * (first - 1) + dilation * (kernel - 1) + 1 - padding
                return _moved(value, begin, (stride, stride - 1 - padding, 1), after)
            case Scaled(numerator, denominator, neighbours):
                return _scaled(value, numerator, denominator, neighbours, after)
            case Shifted(offset):
                return _moved(value, first - offset, (1, -offset, 1), after)
        return self._at_a_size(value, window, before, after)

    def _at_a_size(self, value: Interior, window: Window, before: Dim, after: Dim) -> Interior | None:
        if any(isinstance(dim, int) and dim < 1 for dim in (before, after)):
            return None
        match window:
            case Centred(outer, inner):
                outer, inner = self._dim(outer), self._dim(inner)
                if isinstance(outer, int) and isinstance(inner, int):
                    offset = (outer - inner) // 2
                    return _moved(value, value.first - offset, (1, -offset, 1), after)
                if value == Interior(0, (step(before, 1, -1, 1),)):
                    return Interior(0, (step(after, 1, -1, 1),))
            case Surrounded(outer, inner):
                outer, inner = self._dim(outer), self._dim(inner)
                if isinstance(outer, int) and isinstance(inner, int):
                    offset = -((outer - inner) // 2)
                    return _moved(value, value.first - offset, (1, -offset, 1), after)
            case Fitted() if isinstance(before, int):
                return self.window(value, window.at(before), before, after)
            case Adaptive(_, target) if isinstance(before, int):
                return _moved(value, -(-value.first * target // before), (target, target - before, before), after)
            case Resized(_, _, neighbours, align_corners) if isinstance(before, int) and isinstance(after, int):
                if not align_corners:
                    return _scaled(value, after, before, neighbours, after)
                if before > 1 and after > 1:
                    beyond = _beyond(after, before, neighbours)
                    begin = -(-(value.first + beyond) * (after - 1) // (before - 1))
                    return _moved(value, begin, (after - 1, -beyond * (after - 1), before - 1), after)
        return None

    def _dim(self, dim: Dim) -> Dim:
        if self._evaluation is None or not isinstance(dim, Size):
            return dim
        try:
            return self._evaluation.of(dim)
        except ValueError:
            return dim


def interior_rows(
    graph: Graph, source: int, last: int | None = None, sizes: Mapping[str, int] | None = None
) -> dict[int, dict[str, Interior | None]]:
    """Interior rows of the nodes that depend on a source node, by index and axis: for all sizes, or at given sizes."""
    walk = Walk(graph, InteriorAlgebra(sizes), source)
    states = walk.run(last)
    return {
        index: {axis: along.value for axis, along in zip(walk.axes, state, strict=True)}
        for index, state in states.items()
    }


def _moved(value: Interior, first: int, by: tuple[int, int, int], after: Dim | None) -> Interior:
    """The last rows after a step, limited to a map of ``after`` rows if the step may lead outside."""
    lasts = [step(dim, *by) for dim in value.lasts]
    if after is not None:
        lasts.append(step(after, 1, -1, 1))
    return Interior(max(first, 0), lowest(lasts))


def _scaled(value: Interior, numerator: int, denominator: int, neighbours: int, after: Dim) -> Interior:
    if neighbours == 1:
        begin = -(-numerator * value.first // denominator)
        return _moved(value, begin, (numerator, numerator - 1, denominator), after)
    beyond = _beyond(numerator, denominator, neighbours)
    first, move = value.first + beyond, numerator - denominator
    begin = -(-(2 * numerator * first + move) // (2 * denominator))
    return _moved(value, begin, (2 * numerator, move - 2 * numerator * beyond, 2 * denominator), after)


def _beyond(numerator: int, denominator: int, neighbours: int) -> int:
    """How many rows are read beyond the two that a place lies between, if it lies between any."""
    return neighbours // 2 - 1 if numerator != denominator else 0
