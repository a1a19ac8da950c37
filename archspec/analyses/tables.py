"""Periodic tables: the source pixels that each output row of an axis reads, on an unbounded axis.

``set(i + period) = set(i) + shift``: networks of windows, transposed windows and resamplings are periodic, so finitely
many rows are enough.  Padding only removes taps, so a table is exact for every row whose taps lie inside, and holds for
all input sizes at once.  For plain windows these are the recurrences of Araujo et al.,
https://distill.pub/2019/computing-receptive-fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import gcd, lcm

MAXIMUM_PERIOD = 4096
"""Maximum number of output phases; for a larger product of upsampling factors the field is unknown."""
MAXIMUM_SPAN = 1_000_000
"""Maximum number of pixels that a field with holes can span."""

Taps = tuple[int, int, int | None]
"""First pixel, last pixel, and a bit mask of the pixels read between them, lowest bit first (None: all)."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The taps of every output row: ``rows[i % period]``, moved by ``shift`` per period; None: no taps."""

    period: int
    shift: int
    rows: tuple[Taps | None, ...]

    def at(self, index: int) -> Taps | None:
        """The taps of one output row, negative ones included."""
        turns, phase = divmod(index, self.period)
        row = self.rows[phase]
        if row is None or turns == 0:
            return row
        return row[0] + turns * self.shift, row[1] + turns * self.shift, row[2]


SOURCE = Table(1, 1, ((0, 0, None),))
"""The table of a step on itself."""


def pixels(taps: Taps | None) -> tuple[int, ...]:
    """The pixels that are read, in order."""
    if taps is None:
        return ()
    first, last, mask = taps
    if mask is None:
        return tuple(range(first, last + 1))
    return tuple(first + bit for bit in range(last - first + 1) if mask >> bit & 1)


def count(taps: Taps | None) -> int:
    """Number of pixels that are read."""
    if taps is None:
        return 0
    return taps[1] - taps[0] + 1 if taps[2] is None else taps[2].bit_count()


def sliding(before: Table, kernel: int, stride: int, padding: int, dilation: int) -> Table | None:
    """A window over a table; a run without holes is handled without looking at each tap."""
    row = before.rows[0]
    if before.period == 1 and row is not None and row[2] is None and dilation * before.shift <= row[1] - row[0] + 1:
        first = row[0] - padding * before.shift
        last = row[1] + (dilation * (kernel - 1) - padding) * before.shift
        return Table(1, before.shift * stride, ((first, last, None),))
    taps = range(-padding, -padding + dilation * kernel, dilation)
    return _moved(before, 1, stride, lambda i: [i * stride + tap for tap in taps])


def transposed(before: Table, kernel: int, stride: int, padding: int, dilation: int) -> Table | None:
    """A transposed window; rows may have no taps if kernel < stride or gcd(stride, dilation) > 1."""
    return _moved(before, stride, 1, lambda i: transposed_taps(i, kernel, stride, padding, dilation))


def scaled(before: Table, numerator: int, denominator: int, neighbours: int) -> Table | None:
    """Resampling by a constant factor."""
    return _moved(before, numerator, denominator, lambda i: resampled_taps(i, numerator, denominator, neighbours))


def shifted(before: Table, offset: int) -> Table | None:
    """A shift: padding, crop, slice."""
    return _moved(before, 1, 1, lambda i: (i + offset,)) if offset else before


def united(tables: Sequence[Table]) -> Table | None:
    """The union of tables; None if their strides differ, which cannot happen at merges valid for all large sizes."""
    period = lcm(*(one.period for one in tables))
    shifts = {one.shift * (period // one.period) for one in tables}
    if len(shifts) != 1 or period > MAXIMUM_PERIOD:
        return None
    rows = [joined([row for row in (one.at(i) for one in tables) if row is not None]) for i in range(period)]
    return _reduced(period, shifts.pop(), rows)


def transposed_taps(i: int, kernel: int, stride: int, padding: int, dilation: int) -> list[int]:
    """The input rows whose kernels reach output row i."""
    reached = range(i + padding, i + padding - dilation * kernel, -dilation)
    return [row // stride for row in reached if row % stride == 0]


def resampled_taps(i: int, numerator: int, denominator: int, neighbours: int) -> range:
    """The row that resampling copies; else the 2 or 4 neighbours of ((2i+1)·Q − P)/(2P), one when it is whole."""
    if neighbours == 1:
        below = i * denominator // numerator
        return range(below, below + 1)
    below, rest = divmod((2 * i + 1) * denominator - numerator, 2 * numerator)
    return around(below, rest, neighbours)


def around(below: int, rest: int, neighbours: int) -> range:
    """The neighbours of a place: half of them up to the row below it; that row alone where nothing is left of it."""
    half = neighbours // 2
    return range(below - half + 1, below + half + 1) if rest else range(below, below + 1)


def joined(rows: Sequence[Taps]) -> Taps | None:
    """The union of sets of pixels."""
    if not rows:
        return None
    if len(rows) == 1:
        return rows[0]
    first = min(row[0] for row in rows)
    last = max(row[1] for row in rows)
    if any(row[2] is None and row[0] == first and row[1] == last for row in rows):
        return first, last, None
    if all(row[2] is None for row in rows):
        reach = first - 1
        for low, high, _ in sorted(rows, key=lambda row: row[0]):
            if low > reach + 1:
                break
            reach = max(reach, high)
        else:
            return first, last, None
    if last - first > MAXIMUM_SPAN:
        raise _TooWide
    mask = 0
    for low, high, inner in rows:
        bits = (1 << (high - low + 1)) - 1 if inner is None else inner
        mask |= bits << (low - first)
    return first, last, None if mask == (1 << (last - first + 1)) - 1 else mask


class _TooWide(Exception):
    """A field with holes spans more pixels than are kept."""


def guarded(operation: Callable[[], Table | None]) -> Table | None:
    """The result of an operation on tables; None if it would be too large to keep."""
    try:
        return operation()
    except _TooWide:
        return None


def _moved(before: Table, after_step: int, before_step: int, taps: Callable[[int], Iterable[int]]) -> Table | None:
    """The table of an op whose output, moved by ``after_step``, reads input moved by ``before_step``."""
    turns = before.period // gcd(before.period, before_step)
    period = after_step * turns
    if period > MAXIMUM_PERIOD:
        return None
    shift = before_step * turns * before.shift // before.period
    rows = [joined([row for row in map(before.at, taps(i)) if row is not None]) for i in range(period)]
    return _reduced(period, shift, rows)


def _reduced(period: int, shift: int, rows: list[Taps | None]) -> Table:
    """The same table with the smallest period."""
    for prime in _primes(period):
        while period % prime == 0 and shift % prime == 0:
            part, move = period // prime, shift // prime
            if any(_by(rows[i], move) != rows[i + part] for i in range(period - part)):
                break
            period, shift, rows = part, move, rows[:part]
    return Table(period, shift, tuple(rows))


def _by(row: Taps | None, offset: int) -> Taps | None:
    return None if row is None else (row[0] + offset, row[1] + offset, row[2])


def _primes(number: int) -> list[int]:
    found, factor = [], 2
    while number > 1:
        if number % factor == 0:
            found.append(factor)
            while number % factor == 0:
                number //= factor
        factor += 1
    return found
