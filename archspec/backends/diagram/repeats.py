"""Where a sequence repeats with a period of several elements: 1×1, 3×3, 1×1, 3×3 is a pair ×2."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from archspec.records import record

LONGEST_PERIOD = 6
"""The most elements that repeat together."""


@record
class Repeat:
    """``count`` times the same ``period`` elements, from ``start`` on."""

    start: int
    period: int
    count: int

    @property
    def second(self) -> int:
        """The place of the second copy."""
        return self.start + self.period

    @property
    def end(self) -> int:
        """The place after the last copy."""
        return self.start + self.period * self.count


def repeats(signatures: Sequence[Hashable]) -> list[Repeat]:
    """The repeats of a sequence in order, without overlap; None is equal to nothing.

    At each place the repeat that covers most elements is taken, and of those the one with the shortest period.  Equal
    neighbours alone are no repeat here: A, A, A, A is not a pair ×2.
    """
    found: list[Repeat] = []
    at = 0
    while at < len(signatures):
        candidates = [Repeat(at, period, _copies(signatures, at, period)) for period in range(2, LONGEST_PERIOD + 1)]
        best = max(candidates, key=lambda each: (each.end, -each.period) if each.count > 1 else (at, 0))
        if best.count > 1:
            found.append(best)
            at = best.end
        else:
            at += 1
    return found


def _copies(signatures: Sequence[Hashable], start: int, period: int) -> int:
    """How often the ``period`` elements at ``start`` stand there in a row; 1 where one is None, or all are equal."""
    pattern = signatures[start : start + period]
    if len(pattern) < period or None in pattern or len(set(pattern)) == 1:
        return 1
    count = 1
    while signatures[start + count * period : start + (count + 1) * period] == pattern:
        count += 1
    return count
