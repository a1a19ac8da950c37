"""The set of sizes for which all conditions on one symbol hold, and the condition behind each part of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from archspec.records import record
from archspec.sizes.conditions import AtLeast, Condition, Equal, Failure, Residue, Several, failure, names, sides
from archspec.sizes.decide import Budget, decide, path_to, preimage
from archspec.sizes.evaluation import Evaluation
from archspec.sizes.growth import step_inverse, total_inverse
from archspec.sizes.intervals import MAXIMUM_PIECES, TooLarge
from archspec.sizes.sets import NOTHING, ValidSet, at_least, between, periodic
from archspec.sizes.terms import Size, Step, Total

PIECE_WORK = 10
"""Cost of an interval in an intersection, relative to the evaluation of a step."""

SEARCHED = 1000
"""Number of candidates tried for the nearest size if conditions are undecided."""


@record
class Imposed:
    """A part of the answer in words, and the condition that imposes it."""

    text: str
    condition: Condition


@record
class Solution:
    """The result of :func:`solve` for one symbol.

    ``valid`` is the set of valid sizes without regard to ``undecided``: conditions whose set would have been too large
    to compute.  :meth:`contains` and :meth:`check` evaluate these too.  ``imposed`` has the parts of the answer, in
    execution order; ``coupled`` has the conditions that also involve another symbol, which nothing else here takes into
    account.
    """

    symbol: str
    valid: ValidSet
    imposed: tuple[Imposed, ...]
    undecided: tuple[Condition, ...]
    coupled: tuple[Condition, ...]
    conditions: tuple[Condition, ...] = field(repr=False)

    def check(self, x: int) -> list[Failure]:
        """Return the conditions that fail at size ``x``, in their order, with the values of both sides."""
        evaluation = Evaluation({self.symbol: x})
        return [found for condition in self.conditions if (found := failure(condition, evaluation)) is not None]

    def contains(self, x: int) -> bool:
        """Whether ``x`` is a valid size; exact even if conditions are undecided."""
        evaluation = Evaluation({self.symbol: x})
        return self.valid.contains(x) and all(failure(condition, evaluation) is None for condition in self.undecided)

    def next(self, x: int) -> int | None:
        """Return the least valid size that is at least ``x``; None if there is none (or none near, if any is
        undecided).
        """
        return self._nearest(x, 1)

    def previous(self, x: int) -> int | None:
        """Return the greatest valid size that is at most ``x``; None as for :meth:`next`."""
        return self._nearest(x, -1)

    def describe(self) -> str:
        """Return the valid sizes for people, with the number of undecided conditions."""
        text = self.valid.describe(self.symbol)
        if not self.undecided:
            return text
        count = len(self.undecided)
        return f"{text}, and {count} {'condition' if count == 1 else 'conditions'} with no short form"

    def _nearest(self, x: int, direction: int) -> int | None:
        for _ in range(SEARCHED):
            found = self.valid.next(x) if direction > 0 else self.valid.previous(x)
            if found is None or self.contains(found):
                return found
            x = found + direction
        return None


def solve(symbol: str, conditions: Iterable[Condition]) -> Solution:
    """Return the values of ``symbol``, from 1 on, for which all ``conditions`` (in execution order) hold.

    Conditions on other symbols alone are left out.
    """
    own: list[Condition] = []
    coupled: list[Condition] = []
    for condition in conditions:
        involved = names(condition)
        if involved <= {symbol}:
            own.append(condition)
        elif symbol in involved:
            coupled.append(condition)
    thresholds = [threshold for condition in own if (threshold := _threshold(condition)) is not None]
    least, author = _least(symbol, thresholds)
    parts: list[tuple[int, ValidSet]] = []
    undecided: list[int] = []
    budget = Budget()
    met: set[tuple[type[Condition], object, object, object]] = set()
    for index, condition in enumerate(own):
        if _threshold(condition) is not None:
            continue
        key = (type(condition), *sides(condition), condition.allowed if isinstance(condition, Residue) else None)
        if key in met:
            continue
        met.add(key)
        try:
            found = _where(condition, least, budget)
        except TooLarge:
            undecided.append(index)
        else:
            if not found.is_everything:
                parts.append((index, found))
    valid, imposing, too_large = _intersected(at_least(least), parts, budget)
    undecided = sorted((*undecided, *too_large))
    imposed = [Imposed(found.describe(symbol), own[index]) for index, found in imposing]
    if author is not None:
        imposed.insert(0, Imposed(at_least(least).describe(symbol), author))
    return Solution(symbol, valid, tuple(imposed), tuple(own[index] for index in undecided), tuple(coupled), tuple(own))


def _threshold(condition: Condition) -> tuple[Size, int, Condition] | None:
    """For a condition that is only a lower bound, return the size, the bound and the condition."""
    threshold = condition.threshold() if isinstance(condition, Several) else condition
    if not isinstance(threshold, AtLeast) or not isinstance(threshold.term, Size):
        return None
    return threshold.term, threshold.least, condition


def _least(symbol: str, thresholds: Sequence[tuple[Size, int, Condition]]) -> tuple[int, Condition | None]:
    """Return the least size at which all thresholds hold, and the first that fails below it, at which torch fails.

    Terms are visited newest first; each passes its requirement on to the term that it is built on, so one pass is
    enough.
    """
    needed: dict[Size, int] = {}
    levels: dict[int, list[Size]] = {}

    def need(size: Size, reached: int) -> None:
        known = needed.get(size)
        if known is None:
            levels.setdefault(size.depth, []).append(size)
        if known is None or reached > known:
            needed[size] = reached

    for term, wanted, _ in thresholds:
        need(term, wanted)
    least = 1
    reached_at_least = Evaluation({symbol: least})
    for depth in range(max(levels, default=0), -1, -1):
        for size in levels.pop(depth, ()):
            reached = needed[size]
            if isinstance(size, Step):
                need(size.base, step_inverse(size.a, size.b, size.c, reached))
            elif reached_at_least.of(size) < reached:
                least = total_inverse(size, reached) if isinstance(size, Total) else reached
                reached_at_least = Evaluation({symbol: least})
    if least == 1:
        return 1, None
    below = Evaluation({symbol: least - 1})
    return least, next(condition for term, wanted, condition in thresholds if below.of(term) < wanted)


def _where(condition: Condition, least: int, budget: Budget) -> ValidSet:
    """Return the sizes at which one condition holds; below ``least`` the result may be incomplete."""
    left, right = sides(condition)
    if isinstance(left, Size) and isinstance(right, Size):
        return decide(left, "=" if isinstance(condition, Equal) else "≤", right, least, budget)
    dim = left if isinstance(left, Size) else right
    if isinstance(dim, int):
        return at_least(1) if failure(condition, Evaluation({})) is None else NOTHING
    path = path_to(dim)
    lowest = path.value(1)
    if isinstance(condition, Residue):
        wanted = periodic(condition.modulus, [(first, last + 1) for first, last in condition.allowed], lowest)
    elif isinstance(condition, Equal):
        constant = left if isinstance(left, int) else right
        assert isinstance(constant, int)
        wanted = between(constant, constant + 1)
    elif isinstance(right, int):
        wanted = between(lowest, right + 1)
    else:
        assert isinstance(left, int)
        wanted = at_least(left)
    return wanted if wanted.is_empty else preimage(path, wanted, 1, budget)


def _intersected(
    valid: ValidSet, parts: Sequence[tuple[int, ValidSet]], budget: Budget
) -> tuple[ValidSet, list[tuple[int, ValidSet]], list[int]]:
    """Return the intersection of ``valid`` and all ``parts``, the parts that removed something, and those that were too
    large.

    Parts are taken by rising modulus: the pattern is then already sparse, and there are few intervals.
    """
    imposing: list[tuple[int, ValidSet]] = []
    waiting = sorted(parts, key=lambda part: (part[1].modulus, part[0]))
    for last_try in (False, True):
        refused: list[tuple[int, ValidSet]] = []
        for index, part in waiting:
            try:
                budget.spend(PIECE_WORK * (_pieces(valid) + _pieces(part)))
                smaller = valid.intersection(part)
            except TooLarge:
                budget.left = max(0, budget.left - PIECE_WORK * MAXIMUM_PIECES)
                refused.append((index, part))
                continue
            if smaller != valid:
                imposing.append((index, part))
                valid = smaller
        if last_try or not imposing:
            waiting = refused
            break
        waiting = refused  # a part that was too large for a dense pattern may work for the sparser one
    return valid, sorted(imposing, key=lambda part: part[0]), [index for index, _ in waiting]


def _pieces(found: ValidSet) -> int:
    return len(found.intervals) + len(found.residues)
