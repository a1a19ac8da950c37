"""The growth of sizes: slope, period, bounds, and the least input at which a size reaches a value.

A size f of one symbol satisfies ``f(x + P) = f(x) + A`` for *all* integers x, and lies between two lines of slope A/P.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd, lcm

from archspec.records import record
from archspec.sizes.evaluation import Evaluation
from archspec.sizes.terms import Dim, Size, Step, Total, chain

UNIT = 1 << 64
"""Bounds are integers in units of 1/UNIT, rounded outwards: they stay valid, and do not grow with the chain."""


@record
class Growth:
    """``f(x + period) = f(x) + rise``, and ``low/UNIT ≤ f(x) − x·rise/period ≤ high/UNIT``, for all integers x.

    ``thinnest`` is the smallest slope on the way from x to f, at most 1, as numerator and denominator: on n consecutive
    integers f takes at most ``thinnest·n`` values and one.
    """

    period: int = 1
    rise: int = 1
    low: int = 0
    high: int = 0
    thinnest: tuple[int, int] = (1, 1)

    def through(self, steps: Iterable[tuple[int, int, int]]) -> Growth:
        """Return the growth of a chain of steps on top of f."""
        period, rise, low, high = self.period, self.rise, self.low, self.high
        numerator, denominator = self.thinnest
        for a, b, c in steps:
            risen = a * rise
            repeats = c // gcd(c, risen)
            period *= repeats
            rise = risen * repeats // c
            low = (a * low + (b - c + 1) * UNIT) // c
            high = -((-a * high - b * UNIT) // c)
            if c > 1 and rise * denominator < numerator * period:
                numerator, denominator = rise, period
        return Growth(period, rise, low, high, (numerator, denominator))


IDENTITY = Growth()


def growth(size: Size) -> Growth:
    """Return the growth of ``size``, cached in the size; raises ``ValueError`` if it has several symbols."""
    if len(size.symbols) != 1:
        raise ValueError(f"a size over {', '.join(sorted(size.symbols))} has no single growth")
    pending: list[Size] = [size]  # no recursion, since totals can be nested deeply
    while pending:
        top = pending[-1]
        if _known(top) is None:
            bottom, steps = chain(top)
            below = [part for part, _ in bottom.terms] if isinstance(bottom, Total) else []
            missing = [part for part in below if _known(part) is None]
            if missing:
                pending.extend(missing)
                continue
            start = IDENTITY
            if isinstance(bottom, Total):
                start = _known(bottom) or _grow_total(bottom)
                bottom.growth_cache = start
            top.growth_cache = start.through(steps)
        pending.pop()
    found = _known(size)
    assert found is not None
    return found


def period(size: Size) -> int:
    """Return a P for which ``size(x + P) − size(x)`` is the same for all x; raises as :func:`growth` does."""
    return growth(size).period


def slope(size: Size) -> Fraction:
    """Return the rows of ``size`` per row of its symbol, in the long run; raises as :func:`growth` does."""
    found = growth(size)
    return Fraction(found.rise, found.period)


def inverse(size: Size, reached: int) -> int:
    """Return the least x, of all integers, at which ``size`` is at least ``reached``; raises as :func:`growth` does."""
    while isinstance(size, Step):
        reached = step_inverse(size.a, size.b, size.c, reached)
        size = size.base
    return total_inverse(size, reached) if isinstance(size, Total) else reached


def step_inverse(a: int, b: int, c: int, reached: int) -> int:
    """Return the least x with ``floor((a·x + b) / c) ≥ reached``."""
    return -((b - c * reached) // a)


def total_inverse(size: Total, reached: int) -> int:
    """Return :func:`inverse` of a total: bisection between the two lines that bound it."""
    found = growth(size)
    (name,) = size.symbols
    steepness = found.rise * UNIT
    enough = -(-(found.period * (reached * UNIT - found.low)) // steepness)
    too_low = -(-(found.period * (reached * UNIT - found.high)) // steepness) - 1
    while enough - too_low > 1:
        middle = (enough + too_low) // 2
        if Evaluation({name: middle}).of(size) >= reached:
            enough = middle
        else:
            too_low = middle
    return enough


def lowest(dims: Iterable[Dim]) -> tuple[Dim, ...]:
    """Return sizes with the same minimum: of sizes that differ only by a constant, the smallest."""
    kept: dict[object, Dim] = {}
    for dim in dims:
        key: object = None
        if isinstance(dim, Size):
            key = (dim.base, dim.a, dim.c) if isinstance(dim, Step) else (dim, 1, 1)
        other = kept.get(key)
        if other is None or _constant(dim) < _constant(other):
            kept[key] = dim
    return tuple(kept.values())


def _constant(dim: Dim) -> int:
    return dim if isinstance(dim, int) else dim.b if isinstance(dim, Step) else 0


def _known(size: Size) -> Growth | None:
    found = size.growth_cache
    return found if isinstance(found, Growth) else None


def _grow_total(size: Total) -> Growth:
    grown = [(growth(part), coefficient) for part, coefficient in size.terms]
    whole = lcm(*(found.period for found, _ in grown))
    return Growth(
        period=whole,
        rise=sum(coefficient * found.rise * (whole // found.period) for found, coefficient in grown),
        low=sum(coefficient * found.low for found, coefficient in grown),
        high=sum(coefficient * found.high for found, coefficient in grown),
        thinnest=(1, 1),  # a sum changes whenever one of its parts does
    )
