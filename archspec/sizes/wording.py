"""Sets of sizes in words, for :meth:`archspec.sizes.sets.ValidSet.describe`."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.sizes.writing import number

LISTED_SINGLY = 8
"""Maximum number of members listed one by one; more are listed as ranges."""

RANGES_SHOWN = 12
"""Maximum number of ranges listed; the rest are only counted."""


def describe(
    intervals: Sequence[tuple[int, int]],
    repeating: int | None,
    modulus: int,
    residues: Sequence[tuple[int, int]],
    symbol: str,
) -> str:
    """Return the text of the set of ``intervals``, and of ``residues`` from its member ``repeating`` on."""
    if repeating is None:
        return _listed(intervals, symbol)
    repeated = _repeated(repeating, modulus, residues, symbol)
    return f"{_listed(intervals, symbol)} or {repeated}" if intervals else repeated


def _listed(intervals: Sequence[tuple[int, int]], symbol: str) -> str:
    if not intervals:
        return f"no {symbol}"
    if len(intervals) == 1:
        first, last = intervals[0][0], intervals[0][1] - 1
        if first == last:
            return f"{symbol} = {number(first)}"
        if last - first >= LISTED_SINGLY:
            return f"{number(first)} ≤ {symbol} ≤ {number(last)}"
    return f"{symbol} ∈ {_members(intervals)}"


def _repeated(least: int, modulus: int, residues: Sequence[tuple[int, int]], symbol: str) -> str:
    """The text of the pattern from its member ``least`` on; without the bound if no smaller size has the pattern."""
    if modulus == 1:
        return f"{symbol} ≥ {number(least)}"
    begin, end = residues[0]
    if len(residues) > 1 or end - begin > 1:
        phrase = f"mod {number(modulus)} {_remainders(modulus, residues)}"
        bound_phrase = f"{symbol} {phrase}"
    elif begin and modulus > 2:
        return f"{symbol} = {number(least)} + {number(modulus)}·k"
    else:
        phrase = "odd" if begin else "even" if modulus == 2 else f"a multiple of {number(modulus)}"
        bound_phrase = phrase
    return (
        f"{symbol} ≥ {number(least)} and {bound_phrase}"
        if least > _smallest(modulus, residues)
        else f"{symbol} {phrase}"
    )


def _remainders(modulus: int, residues: Sequence[tuple[int, int]]) -> str:
    """The text of the remainders: a bound for a run from 0 or up to the last, otherwise a list."""
    begin, end = residues[0]
    if len(residues) == 1 and end - begin > 2:
        if begin == 0:
            return f"≤ {number(end - 1)}"
        if end == modulus:
            return f"≥ {number(begin)}"
    return f"∈ {_members(residues)}"


def _smallest(modulus: int, residues: Sequence[tuple[int, int]]) -> int:
    """Return the least positive number that has the pattern."""
    begin, end = residues[0]
    if begin or end > 1:
        return max(begin, 1)
    return residues[1][0] if len(residues) > 1 else modulus


def _members(intervals: Sequence[tuple[int, int]]) -> str:
    if sum(end - first for first, end in intervals) <= LISTED_SINGLY:
        shown = [number(member) for first, end in intervals for member in range(first, end)]
    else:
        shown = [
            number(first) if end - first == 1 else f"{number(first)}–{number(end - 1)}"
            for first, end in intervals[:RANGES_SHOWN]
        ]
        if len(intervals) > RANGES_SHOWN:
            shown.append(f"… {len(intervals) - RANGES_SHOWN} more ranges")
    return "{" + ", ".join(shown) + "}"
