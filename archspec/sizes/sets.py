"""Sets of sizes: a list of intervals up to some number, and a periodic pattern of intervals from there on.

Every answer of the rules for sizes has this form.  Residues are never listed one by one: an interval costs the same for
one number and for 2^39.  A :class:`ValidSet` is always in its canonical form, so ``==`` compares the sets themselves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from math import lcm

from archspec.records import record
from archspec.sizes.intervals import (
    Interval,
    interval_begin,
    interval_end,
    limited,
    merged,
    most_tiled,
    reduced,
    tiled,
)
from archspec.sizes.wording import describe
from archspec.sizes.writing import number


@record
class ValidSet:
    """The numbers of ``intervals``, and from ``start`` on those whose remainder by ``modulus`` is in ``residues``.

    ``least`` is the smallest member (0 if there is none).  Made by :func:`valid_set`, which finds the canonical form.
    """

    least: int
    intervals: tuple[Interval, ...]
    start: int
    modulus: int
    residues: tuple[Interval, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the set is empty."""
        return not self.intervals and not self.residues

    @property
    def is_finite(self) -> bool:
        """Whether the set is finite."""
        return not self.residues

    @property
    def is_everything(self) -> bool:
        """Whether every size, that is every integer from 1, is a member."""
        return self.least <= 1 and not self.intervals and self.residues == ((0, 1),)

    def contains(self, x: int) -> bool:
        """Whether ``x`` is a member."""
        return self.next(x) == x

    def next(self, x: int) -> int | None:
        """Return the least member that is at least ``x``, or None where there is none."""
        if x < self.start:
            position = bisect_right(self.intervals, x, key=interval_end)
            if position < len(self.intervals):
                return max(x, self.intervals[position][0])
        if not self.residues:
            return None
        x = max(x, self.start)
        turn = x - x % self.modulus
        position = bisect_right(self.residues, x - turn, key=interval_end)
        if position < len(self.residues):
            return max(x, turn + self.residues[position][0])
        return turn + self.modulus + self.residues[0][0]

    def previous(self, x: int) -> int | None:
        """Return the greatest member that is at most ``x``, or None where there is none."""
        if x >= self.start and self.residues:
            turn = x - x % self.modulus
            position = bisect_right(self.residues, x - turn, key=interval_begin)
            if position:
                found = min(x, turn + self.residues[position - 1][1] - 1)
            else:
                found = turn - self.modulus + self.residues[-1][1] - 1
            if found >= self.start:
                return found
        position = bisect_right(self.intervals, x, key=interval_begin)
        return min(x, self.intervals[position - 1][1] - 1) if position else None

    def describe(self, symbol: str = "H") -> str:
        """Return the set for people: ``H ≥ 75``, ``H a multiple of 16``, ``H mod 32 ∈ {0, 29, 30, 31}``."""
        return describe(self.intervals, self.next(self.start), self.modulus, self.residues, symbol)

    def to_json(self, symbol: str = "H") -> dict[str, object]:
        """Return the set as JSON data; ranges name their first and last member.

        Integers of more than 1024 bits are written as text: JSON readers do not take them, and Python refuses to write
        some.
        """
        return {
            "text": self.describe(symbol),
            "least": None if self.is_empty else _json_integer(self.least),
            "ranges": [[_json_integer(first), _json_integer(end - 1)] for first, end in self.intervals],
            "from": _json_integer(self.start),
            "modulus": _json_integer(self.modulus),
            "residues": [[_json_integer(first), _json_integer(end - 1)] for first, end in self.residues],
        }

    def pieces(self, begin: int, end: int) -> Iterator[Interval]:
        """Return the set between ``begin`` and ``end`` as intervals in order; adjacent ones may touch."""
        position = bisect_right(self.intervals, begin, key=interval_end)
        while position < len(self.intervals) and self.intervals[position][0] < end:
            first, last = self.intervals[position]
            yield max(first, begin), min(last, end)
            position += 1
        yield from tiled(self.modulus, self.residues, max(begin, self.start), end)

    def most_pieces(self, begin: int, end: int) -> int:
        """Return a bound on how many intervals :meth:`pieces` gives."""
        listed = bisect_right(self.intervals, end, key=interval_begin) - bisect_right(
            self.intervals, begin, key=interval_end
        )
        return max(listed, 0) + most_tiled(self.modulus, self.residues, max(begin, self.start), end)

    def intersection(self, other: ValidSet) -> ValidSet:
        """Return the intersection; raises :class:`TooLarge` if it would exceed the bounds."""
        least = max(self.least, other.least)
        start = max(self.start, other.start, least)
        modulus = lcm(self.modulus, other.modulus)
        few, many = self, other
        if few.most_pieces(least, start) > many.most_pieces(least, start):
            few, many = many, few
        listed = limited(piece for outer in limited(few.pieces(least, start)) for piece in many.pieces(*outer))
        if most_tiled(few.modulus, few.residues, 0, modulus) > most_tiled(many.modulus, many.residues, 0, modulus):
            few, many = many, few
        repeated = limited(
            piece
            for outer in limited(tiled(few.modulus, few.residues, 0, modulus))
            for piece in tiled(many.modulus, many.residues, *outer)
        )
        return valid_set(least, listed, start, modulus, repeated)


def valid_set(
    least: int, intervals: Iterable[Interval], start: int, modulus: int, residues: Iterable[Interval]
) -> ValidSet:
    """Return the canonical set of ``intervals`` from ``least``, and of ``residues`` by ``modulus`` from ``start`` on.

    ``intervals`` lie below ``start`` and ``residues`` within the modulus; both in any order, and they may touch.
    """
    modulus, repeated = reduced(modulus, merged(residues))
    listed = merged((max(first, least), end) for first, end in intervals)
    start = _lowered(max(start, least), least, listed, modulus, repeated)
    listed = merged((first, min(end, start)) for first, end in listed)
    found = ValidSet(least, tuple(listed), start, modulus, tuple(repeated))
    smallest = found.next(least)
    if smallest is None:
        return NOTHING
    return ValidSet(smallest, found.intervals, start if listed else smallest, modulus, found.residues)


NOTHING = ValidSet(0, (), 0, 1, ())
"""The empty set."""


def at_least(least: int) -> ValidSet:
    """Return all integers from ``least`` on."""
    return ValidSet(least, (), least, 1, ((0, 1),))


def between(first: int, end: int) -> ValidSet:
    """Return the integers from ``first`` up to, not including, ``end``."""
    return valid_set(first, [(first, end)], end, 1, ())


def periodic(modulus: int, residues: Iterable[Interval], least: int = 1) -> ValidSet:
    """Return the integers from ``least`` on whose remainder by ``modulus`` lies in ``residues``."""
    return valid_set(least, (), least, modulus, residues)


def _json_integer(value: int) -> int | str:
    return value if value.bit_length() <= 1024 else number(value)


def _lowered(start: int, least: int, listed: Sequence[Interval], modulus: int, residues: Sequence[Interval]) -> int:
    """Move the start of the pattern down as far as the listed intervals agree with it."""
    position = len(listed)
    while start > least:
        while position and listed[position - 1][0] >= start:
            position -= 1
        begin, end = listed[position - 1] if position else (least, least)
        turn = (start - 1) - (start - 1) % modulus
        place = bisect_right(residues, start - 1 - turn, key=interval_begin)
        if place:
            pattern_begin, pattern_end = (turn + edge for edge in residues[place - 1])
        elif residues:
            pattern_begin, pattern_end = (turn - modulus + edge for edge in residues[-1])
        else:
            pattern_begin, pattern_end = least, least
        if modulus == 1 and residues:
            pattern_begin = least
        listed_here, repeated_here = end >= start, pattern_end >= start
        if listed_here != repeated_here:
            break
        start = max(begin, pattern_begin, least) if listed_here else max(end, pattern_end, least)
    return start
