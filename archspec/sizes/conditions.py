"""Conditions on sizes: thresholds, equalities, orders, remainders; each with its author.

An author is opaque here (a node of a graph, a line of a file), and is returned with every part of the answer.
"""

from __future__ import annotations

from typing import TypeAlias

from archspec.records import record
from archspec.sizes.evaluation import Evaluation
from archspec.sizes.terms import Dim, Step, Symbol, step, symbols, total
from archspec.sizes.windows import rows_kept
from archspec.sizes.writing import factor, text


@record
class AtLeast:
    """``term ≥ least``: an output of at least one row, a map at least as large as a window."""

    term: Dim
    least: int
    author: object = None


@record
class Several:
    """The product of ``terms``, each at least 1, is at least 2: a map of more than one value."""

    terms: tuple[Dim, ...]
    author: object = None

    def threshold(self) -> AtLeast:
        """The same condition on the sum: each term is at least 1, so one is larger if the sum exceeds their number."""
        return AtLeast(total(self.terms) if self.terms else 1, max(len(self.terms), 1) + 1, self.author)


@record
class AtMost:
    """``left ≤ right``: a crop or a pad to the size of another node."""

    left: Dim
    right: Dim
    author: object = None


@record
class Equal:
    """``left = right``: a merge, or a size that is fixed to a constant."""

    left: Dim
    right: Dim
    author: object = None


@record
class Residue:
    """``term mod modulus`` lies in one of the ``allowed`` ranges, each its first and last remainder."""

    term: Dim
    modulus: int
    allowed: tuple[tuple[int, int], ...]
    author: object = None

    def __post_init__(self) -> None:
        if any(not 0 <= first <= last < self.modulus for first, last in self.allowed):
            raise ValueError(f"ranges of remainders by {self.modulus} cannot be {self.allowed}")


Condition: TypeAlias = AtLeast | AtMost | Equal | Residue | Several


@record
class Failure:
    """A condition that does not hold at a size, with the values of its sides there.

    ``right`` is the bound of an :class:`AtLeast`, or the remainder found for a :class:`Residue`.  For a
    :class:`Several` both are those of its threshold.
    """

    condition: Condition
    left: int
    right: int


def sides(condition: Condition) -> tuple[Dim, Dim]:
    """Return the two sizes that a condition compares; the second is a constant for some."""
    if isinstance(condition, Several):
        condition = condition.threshold()
    if isinstance(condition, AtLeast):
        return condition.term, condition.least
    if isinstance(condition, Residue):
        return condition.term, condition.modulus
    return condition.left, condition.right


def names(condition: Condition) -> frozenset[str]:
    """Return the symbols that a condition depends on."""
    left, right = sides(condition)
    return symbols(left) | symbols(right)


def failure(condition: Condition, evaluation: Evaluation) -> Failure | None:
    """Return the failure of ``condition`` at the symbols of ``evaluation``, or None if it holds."""
    left, right = (evaluation.of(side) for side in sides(condition))
    if isinstance(condition, AtLeast | Several):
        holds = left >= right
    elif isinstance(condition, AtMost):
        holds = left <= right
    elif isinstance(condition, Equal):
        holds = left == right
    else:
        right = left % condition.modulus
        holds = any(first <= right <= last for first, last in condition.allowed)
    return None if holds else Failure(condition, left, right)


def fails(condition: Condition, evaluation: Evaluation) -> bool:
    """Return whether ``condition`` is known not to hold; False if a symbol has no value."""
    return names(condition) <= evaluation.values.keys() and failure(condition, evaluation) is not None


def complaint(condition: Condition, evaluation: Evaluation) -> str:
    """Return why ``condition`` fails, for people: its sides, with their values if known."""

    def side(dim: Dim) -> str:
        number = evaluation.known(dim)
        return text(dim) if isinstance(dim, int) or number is None else f"{text(dim)} = {number}"

    match condition:
        case AtLeast(term, least):
            return f"{side(term)} is too small: it must be {least} or more"
        case Equal(left, right):
            return f"sizes differ, {side(left)} and {side(right)}"
        case AtMost(left, right):
            return f"{side(left)} does not fit into {side(right)}"
        case Several():
            return f"each channel has a single value: {statement(condition)} must hold"
        case Residue(term, modulus, ((0, 0),)):
            return f"{side(term)} is not divisible by {modulus}"
        case Residue(term):
            return f"{side(term)}, but {statement(condition)} must hold"


def statement(condition: Condition) -> str:
    """Return a condition for people, in terms of its sizes: ``2·⌊H/16⌋ = ⌊H/8⌋``."""
    if isinstance(condition, Several):
        return f"{'·'.join(map(factor, condition.terms)) or '1'} ≥ 2"
    left, right = sides(condition)
    if isinstance(condition, Residue):
        ranges = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in condition.allowed)
        one_word = isinstance(left, int | Symbol) or (isinstance(left, Step) and left.c > 1)
        term = text(left) if one_word else f"({text(left)})"
        return f"{term} mod {text(right)} ∈ {{{ranges}}}"
    sign = "≥" if isinstance(condition, AtLeast) else "≤" if isinstance(condition, AtMost) else "="
    return f"{text(left)} {sign} {text(right)}"


def every_row_used(
    rows: Dim, kernel: int, stride: int, padding_left: int, padding_right: int, dilation: int = 1, author: object = None
) -> Residue | None:
    """Return the condition that a floor window drops no real row of a map of ``rows``; None if it never does.

    Rows that a stride larger than the window skips by design are not dropped, and ceil mode never drops any.
    """
    shift, most = rows_kept(kernel, stride, padding_left, padding_right, dilation)
    return None if most >= stride - 1 else Residue(step(rows, 1, shift, 1), stride, ((0, most),), author)
