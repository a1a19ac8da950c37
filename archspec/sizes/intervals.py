"""Arithmetic of intervals and periodic patterns of intervals, for :mod:`archspec.sizes.sets`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

MAXIMUM_PIECES = 50_000
"""Maximum number of intervals of a set: nobody could read more."""

Interval: TypeAlias = tuple[int, int]
"""From the first up to the second, exclusive."""


class TooLarge(Exception):
    """A set needs more intervals, or a decision more work, than allowed."""


def wrapped(intervals: Iterable[Interval], modulus: int) -> Iterator[Interval]:
    """Return intervals as remainders by ``modulus``, cut where they wrap around; none is longer than the modulus."""
    for first, end in intervals:
        shift = first - first % modulus
        if end - shift <= modulus:
            yield first - shift, end - shift
        else:
            yield first - shift, modulus
            yield 0, end - shift - modulus


def interval_begin(interval: Interval) -> int:
    """Return the start of an interval: a key for bisection."""
    return interval[0]


def interval_end(interval: Interval) -> int:
    """Return the end of an interval: a key for bisection."""
    return interval[1]


def limited(pieces: Iterable[Interval]) -> list[Interval]:
    """Return the pieces as a list; raises :class:`TooLarge` if there are too many."""
    kept: list[Interval] = []
    for piece in pieces:
        kept.append(piece)
        if len(kept) > MAXIMUM_PIECES:
            raise TooLarge
    return kept


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Sort, drop the empty ones and join those that touch."""
    joined: list[Interval] = []
    for first, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((first, end))
    return joined


def tiled(modulus: int, residues: Sequence[Interval], begin: int, end: int) -> Iterator[Interval]:
    """Return the pattern between ``begin`` and ``end``."""
    if begin >= end or not residues:
        return
    if len(residues) == 1 and residues[0] == (0, modulus):
        yield begin, end
        return
    turn = begin - begin % modulus
    position = bisect_right(residues, begin - turn, key=interval_end)
    while True:
        if position == len(residues):
            turn += modulus
            position = 0
        first, last = residues[position]
        if turn + first >= end:
            return
        yield max(turn + first, begin), min(turn + last, end)
        position += 1


def most_tiled(modulus: int, residues: Sequence[Interval], begin: int, end: int) -> int:
    """Return an upper bound for the number of intervals of :func:`tiled`."""
    if begin >= end:
        return 0
    return 1 if len(residues) == 1 and residues[0] == (0, modulus) else len(residues) * ((end - begin) // modulus + 2)


def reduced(modulus: int, residues: list[Interval]) -> tuple[int, list[Interval]]:
    """Return the pattern with its smallest modulus."""
    if not residues or residues == [(0, modulus)]:
        return 1, [(0, 1)] if residues else []
    for prime in _prime_candidates(modulus):
        while modulus % prime == 0:
            shorter = modulus // prime
            part = [(first, min(end, shorter)) for first, end in residues if first < shorter]
            if part == [(0, shorter)]:
                break
            # Copies of a part that touches both ends join where they meet; any other part stays as many intervals.
            joins = prime - 1 if part and part[0][0] == 0 and part[-1][1] == shorter else 0
            if len(part) * prime - joins != len(residues):
                break
            copies = ((first + turn * shorter, end + turn * shorter) for turn in range(prime) for first, end in part)
            if merged(copies) != residues:
                break
            modulus, residues = shorter, part
    return modulus, residues


def _prime_candidates(modulus: int) -> Iterator[int]:
    """Return the primes of ``modulus`` up to 1000, and the remaining factor: at worst the text of a set is longer."""
    for candidate in range(2, 1000):
        if candidate * candidate > modulus:
            break
        if modulus % candidate == 0:
            yield candidate
            while modulus % candidate == 0:
                modulus //= candidate
    if modulus > 1:
        yield modulus
