"""Where two sizes of one symbol are equal, or one is at most the other, for all inputs at once.

Sizes are monotone and ``f(x + P) = f(x) + A``.  So the common inner part of both chains can be removed, and the answer
mapped back as a preimage.  If the slopes are equal, the answer is periodic; if they differ, it is constant outside a
finite window.  Inside, it is enough to look at each *piece*, a maximal run on which one of the two sizes is constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import gcd, lcm
from typing import Literal

from archspec.sizes.evaluation import Evaluation
from archspec.sizes.growth import IDENTITY, UNIT, Growth, growth, step_inverse, total_inverse
from archspec.sizes.intervals import MAXIMUM_PIECES, Interval, TooLarge, wrapped
from archspec.sizes.sets import NOTHING, ValidSet, at_least, periodic, valid_set
from archspec.sizes.terms import Size, Step, Total, chain, symbol

MAXIMUM_WORK = 10_000_000
"""Maximum number of steps that all decisions of one axis can evaluate: some seconds; a network needs a few thousand."""

Relation = Literal["=", "≤"]


@dataclass(slots=True)
class Budget:
    """The remaining work; raises :class:`~archspec.sizes.intervals.TooLarge` when it is used up."""

    left: int = MAXIMUM_WORK

    def spend(self, work: int) -> None:
        """Subtract ``work`` from the remaining work; raises if there is not enough."""
        if work > self.left:
            raise TooLarge
        self.left -= work


@dataclass(slots=True)
class Path:
    """A size as a function of an inner size: steps on the inner size, or on a total that depends on it."""

    steps: list[tuple[int, int, int]]
    bottom: Total | None = None
    cost: int = field(init=False)

    def __post_init__(self) -> None:
        self.cost = len(self.steps) + 1 + (0 if self.bottom is None else 8 * _weight(self.bottom))

    def value(self, y: int) -> int:
        """Return the size for the inner size ``y``."""
        if self.bottom is not None:
            (name,) = self.bottom.symbols
            y = Evaluation({name: y}).of(self.bottom)
        for a, b, c in self.steps:
            y = (a * y + b) // c
        return y

    def inverse(self, reached: int) -> int:
        """Return the least value of the inner size at which this one is at least ``reached``."""
        for a, b, c in reversed(self.steps):
            reached = step_inverse(a, b, c, reached)
        return reached if self.bottom is None else total_inverse(self.bottom, reached)

    def growth(self) -> Growth:
        """Return the growth of the size with the inner one."""
        return (IDENTITY if self.bottom is None else growth(self.bottom)).through(self.steps)


def path_to(size: Size) -> Path:
    """Return ``size`` as a function of its symbol."""
    bottom, steps = chain(size)
    return Path(steps, bottom if isinstance(bottom, Total) else None)


def decide(left: Size, relation: Relation, right: Size, least: int, budget: Budget) -> ValidSet:
    """Return the values of the symbol, from ``least`` on, for which ``left = right`` or ``left ≤ right``.

    Periodic answers start at 1.  Raises :class:`TooLarge` if the answer would exceed the bounds.
    """
    if left is right:
        return at_least(1)
    inner, left_path, right_path = _stripped(left, right, budget)
    budget.spend(left_path.cost + right_path.cost)
    left_growth, right_growth = left_path.growth(), right_path.growth()
    tilt = left_growth.rise * right_growth.period - right_growth.rise * left_growth.period
    if tilt:
        sides = _Sides(left_path, left_growth, relation, right_path, right_growth, budget)
        inner_path = path_to(inner)
        found = _decide_crossing(sides, tilt, inner_path.value(least))
        return found if found.is_empty else preimage(inner_path, found, least, budget)
    lowest = -((right_growth.high - left_growth.low) // UNIT)
    highest = (left_growth.high - right_growth.low) // UNIT
    if highest <= 0 and (relation == "≤" or lowest == 0):
        return at_least(1)
    if lowest > 0 or (relation == "=" and highest < 0):
        return NOTHING
    sides = _Sides(left_path, left_growth, relation, right_path, right_growth, budget)
    inner_path = path_to(inner)
    found = _decide_parallel(sides, inner_path.value(1))
    return found if found.is_empty else preimage(inner_path, found, 1, budget)


def preimage(path: Path, wanted: ValidSet, least: int, budget: Budget) -> ValidSet:
    """Return the x, from ``least`` on, for which the size is in ``wanted``."""
    budget.spend(4 * path.cost)
    grown = path.growth()
    repeats = wanted.modulus // gcd(wanted.modulus, grown.rise)
    modulus = grown.period * repeats
    listed = _pulled(path, wanted.intervals, budget)
    if not wanted.residues:
        return valid_set(least, listed, max((end for _, end in listed), default=least), 1, ())
    start = max(path.inverse(wanted.start), least)
    listed = [(first, min(end, start)) for first, end in listed]
    lowest, highest = path.value(start), path.value(start + modulus)
    budget.spend(min(modulus, wanted.most_pieces(lowest, highest + 1)) * path.cost)
    if modulus <= MAXIMUM_PIECES and modulus < wanted.most_pieces(lowest, highest + 1):
        repeated = [(x, x + 1) for x in range(start, start + modulus) if wanted.contains(path.value(x))]
    else:
        pulled = _pulled(path, wanted.pieces(lowest, highest + 1), budget)
        repeated = [(max(first, start), min(end, start + modulus)) for first, end in pulled]
    kept = [interval for interval in repeated if interval[0] < interval[1]]
    return valid_set(least, listed, start, modulus, wrapped(kept, modulus))


@dataclass(slots=True)
class _Sides:
    """The two sides of a relation over their common inner size."""

    left: Path
    left_growth: Growth
    relation: Relation
    right: Path
    right_growth: Growth
    budget: Budget

    def holding(self, begin: int, end: int) -> Iterator[Interval]:
        """Return the intervals between ``begin`` and ``end`` where the relation holds."""
        left_rise, left_run = self.left_growth.thinnest
        right_rise, right_run = self.right_growth.thinnest
        by_left = left_rise * right_run < right_rise * left_run or (
            left_rise * right_run == right_rise * left_run and self.left.cost <= self.right.cost
        )
        rise, run = (left_rise, left_run) if by_left else (right_rise, right_run)
        pieces = (end - begin) * rise // run + 2
        if pieces > MAXIMUM_PIECES:
            raise TooLarge
        self.budget.spend(pieces * (2 * self.left.cost + 2 * self.right.cost))
        walked, other = (self.left, self.right) if by_left else (self.right, self.left)
        x = begin
        while x < end:
            level = walked.value(x)
            following = min(walked.inverse(level + 1), end)
            first, last = x, following
            if self.relation == "=" or by_left:  # the other side is at least the level …
                first = max(first, other.inverse(level))
            if self.relation == "=" or not by_left:  # … and at most the level
                last = min(last, other.inverse(level + 1))
            if first < last:
                yield first, last
            x = following


def _decide_parallel(sides: _Sides, least: int) -> ValidSet:
    """Decide over the inner size for sides of the same slope: their difference is periodic."""
    modulus = lcm(sides.left_growth.period, sides.right_growth.period)
    return periodic(modulus, sides.holding(0, modulus), least)


def _decide_crossing(sides: _Sides, tilt: int, least: int) -> ValidSet:
    """Decide over the inner size, from ``least`` on, if one side is steeper: bounds leave only a finite window."""
    left, right = sides.left_growth, sides.right_growth
    # left − right lies between tilt·x/run + low and tilt·x/run + high, in units of 1/UNIT for low and high.
    run, rise = left.period * right.period, abs(tilt) * UNIT
    low, high = left.low - right.high, left.high - right.low
    if tilt < 0:
        low, high = -high, -low
    begin = max(-(high * run // rise), least)
    end = max(-(low * run) // rise + 1, begin)
    listed = list(sides.holding(begin, end))
    if sides.relation == "≤" and tilt > 0:
        listed.insert(0, (least, begin))
    return valid_set(least, listed, end, 1, [(0, 1)] if sides.relation == "≤" and tilt < 0 else [])


def _stripped(left: Size, right: Size, budget: Budget) -> tuple[Size, Path, Path]:
    """Return the largest common inner part of two chains, and both as functions of it."""
    left_steps: list[tuple[int, int, int]] = []
    right_steps: list[tuple[int, int, int]] = []
    one, other = left, right
    while one is not other:
        steps, deeper = (left_steps, one) if one.depth >= other.depth else (right_steps, other)
        if not isinstance(deeper, Step):  # a total that is not part of the other side
            (name,) = left.symbols
            return symbol(name), path_to(left), path_to(right)
        budget.spend(1)
        steps.append((deeper.a, deeper.b, deeper.c))
        if deeper is one:
            one = deeper.base
        else:
            other = deeper.base
    left_steps.reverse()
    right_steps.reverse()
    return one, Path(left_steps), Path(right_steps)


def _pulled(path: Path, intervals: Iterable[Interval], budget: Budget) -> list[Interval]:
    pulled: list[Interval] = []
    for first, end in intervals:
        budget.spend(2 * path.cost)
        pulled.append((path.inverse(first), path.inverse(end)))
        if len(pulled) > MAXIMUM_PIECES:
            raise TooLarge
    return pulled


def _weight(size: Total) -> int:
    """Return the number of sizes needed for the value of a total."""
    seen: set[Size] = {size}
    pending: list[Size] = [size]
    while pending:
        top = pending.pop()
        below = (
            [top.base] if isinstance(top, Step) else [part for part, _ in top.terms] if isinstance(top, Total) else []
        )
        for part in below:
            if part not in seen:
                seen.add(part)
                pending.append(part)
    return len(seen)
