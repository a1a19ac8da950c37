"""Alignment of two sequences of steps: which entries correspond, in order.

A pair of equal entries scores most, and a pair of the same kind less.  A pair that continues a run scores a little more
than one that begins a run.  The alignment with the largest sum is found by dynamic programming (Needleman and Wunsch,
https://doi.org/10.1016/0022-2836(70)90057-4).
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

Entry: TypeAlias = tuple[object, str]
"""The value to compare, and its kind."""

EQUAL, KIND, RUN = 6, 3, 1
CELLS = 250_000
"""Maximum number of pairs scored at once (about 0.3 s); longer sequences are first split at their longest common run.
"""


def aligned(left: Sequence[Entry], right: Sequence[Entry]) -> list[tuple[int, int]]:
    """Pairs of indices, both increasing."""
    found: list[tuple[int, int]] = []
    waiting = [(0, len(left), 0, len(right))]
    while waiting:
        low, high, bottom, top = waiting.pop()
        if (high - low) * (top - bottom) <= CELLS:
            pairs = _best(left[low:high], right[bottom:top])
            found += [(low + at, bottom + to) for at, to in pairs]
            continue
        run = SequenceMatcher(None, left, right, autojunk=False).find_longest_match(low, high, bottom, top)
        found += [(run.a + at, run.b + at) for at in range(run.size)]
        if run.size:
            waiting += [(low, run.a, bottom, run.b), (run.a + run.size, high, run.b + run.size, top)]
    return sorted(found)


def _best(left: Sequence[Entry], right: Sequence[Entry]) -> list[tuple[int, int]]:
    """The alignment of the largest sum."""
    width = len(right) + 1
    best = [[0] * width for _ in range(len(left) + 1)]
    """The largest sum for prefixes of both."""
    paired = [[0] * width for _ in range(len(left) + 1)]
    """The same if the last two entries are a pair; 0 if they cannot be."""
    for at, (value, kind) in enumerate(left, 1):
        above, here, runs, mine = best[at - 1], best[at], paired[at - 1], paired[at]
        for to, (other, other_kind) in enumerate(right, 1):
            most = max(above[to], here[to - 1])
            if kind == other_kind:
                gain = EQUAL if value == other else KIND
                run = runs[to - 1]
                mine[to] = gain + max(above[to - 1], run + RUN if run else 0)
                most = max(most, mine[to])
            here[to] = most
    return _traced(best, paired)


def _traced(best: list[list[int]], paired: list[list[int]]) -> list[tuple[int, int]]:
    """The pairs of the largest sum, traced from the end."""
    at, to = len(best) - 1, len(best[0]) - 1
    found: list[tuple[int, int]] = []
    run = False
    while at and to:
        if run or (paired[at][to] and paired[at][to] == best[at][to]):
            found.append((at - 1, to - 1))
            before = paired[at - 1][to - 1]
            run = bool(before) and before + RUN >= best[at - 1][to - 1]
            at, to = at - 1, to - 1
        elif best[at - 1][to] >= best[at][to - 1]:
            at -= 1
        else:
            to -= 1
    return found
