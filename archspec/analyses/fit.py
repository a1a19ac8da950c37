"""The smallest valid sizes that are at least the requested ones: how far an image has to be padded."""

from __future__ import annotations

from collections.abc import Mapping

from archspec.analyses.shapes import coupled_failures
from archspec.sizes import AtMost, Condition, Equal, Evaluation, Several, Size, Solution, failure, inverse, sides

TRIED = 100_000
"""Maximum number of steps for conditions over several symbols."""


def fit(solutions: Mapping[str, Solution], wanted: Mapping[str, int]) -> dict[str, int] | None:
    """For each symbol of ``wanted``, the least valid size that is not smaller; None if there is none, or none near.

    For a condition over two symbols (a height that must equal the width) the side that is too small grows step by step.
    Sizes are monotone in their symbols, so there is a least valid size, and the search ends there.  If a map must not
    have a single value, either side may grow; the one that has to grow least does.
    """
    found: dict[str, int] = {}
    for name, size in wanted.items():
        least = solutions[name].next(size)
        if least is None:
            return None
        found[name] = least
    for _ in range(TRIED):
        failed = coupled_failures(solutions, found)
        if not failed:
            return found
        grown = _grown(failed[0], solutions, found)
        if grown is None:
            return None
        name, found[name] = grown
    return None


def _grown(condition: Condition, solutions: Mapping[str, Solution], sizes: Mapping[str, int]) -> tuple[str, int] | None:
    """The symbol that grows, and its new size."""
    if isinstance(condition, Several):
        ways: list[tuple[int, str, int]] = []
        for term in condition.terms:
            if isinstance(term, Size) and len(term.symbols) == 1:
                (name,) = term.symbols
                size = solutions[name].next(inverse(term, 2))
                ways += [] if size is None else [(size - sizes[name], name, size)]
        if ways:
            _, name, size = min(ways)
            return name, size
    name = _to_grow(condition, sizes)
    larger = None if name is None else solutions[name].next(sizes[name] + 1)
    return None if name is None or larger is None else (name, larger)


def _to_grow(condition: Condition, sizes: Mapping[str, int]) -> str | None:
    """The symbol of the side that is too small."""
    fails = failure(condition, Evaluation(sizes))
    assert fails is not None
    if isinstance(condition, Equal):
        small = condition.left if fails.left < fails.right else condition.right
    else:
        small = condition.right if isinstance(condition, AtMost) else sides(condition)[0]
    return (
        min(small.symbols, key=lambda name: (sizes[name], name)) if isinstance(small, Size) and small.symbols else None
    )
