"""Runs of equal steps in a block, of which its uses have different numbers: one step, repeated as often as needed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from archspec.importers.scopes import Group, Item, Leaf, Use, lists

SHORTEST = 2
"""The fewest steps in a run."""


def fold_runs(
    body: Group,
    rows: Mapping[Item, Sequence[Item | None]],
    readings: Counter[int],
    told: Callable[[Item], object],
    counted: Callable[[str, list[int]], str],
) -> None:
    """Replace each run in a block's body by its first step, with ``for`` or ``repeat`` beside it.

    ``rows`` has each step's counterparts in the uses, ``readings`` how often each value of the body is read.  Steps
    belong together if ``told`` says the same of them.  ``counted`` makes a parameter from a word and the number of
    steps in each use, and returns its name.
    """
    groups = [body, *(item for items in lists(body.items) for item in items if isinstance(item, Group))]
    numbered = {id(group.items) for group in groups if group.numbered}
    for items in lists(body.items):
        at = 0
        while at < len(items):
            end = _end(items, at, rows, readings, told, id(items) in numbered)
            present = zip(*([item is not None for item in rows[one]] for one in items[at:end]), strict=True)
            there = [list(use) for use in present]
            counts = [sum(use) for use in there]
            gaps = any(use != sorted(use, reverse=True) for use in there) and id(items) not in numbered
            if end - at < SHORTEST or len(set(counts)) == 1 or gaps:
                at += 1
                continue
            first, last = items[at], items[end - 1]
            assert isinstance(first, Leaf | Use)
            assert isinstance(last, Leaf | Use)
            name = re.fullmatch(r"(.*?)(\d+)", first.name) if id(items) not in numbered else None
            if name is not None:
                word = counted(_plural(name[1]), counts)
                start = int(name[2])
                first.turns = ("for", f"i in range({start}, {start} + {word})" if start > 1 else
                               f"i in range(1, {word} + 1)" if start else f"i in range({word})")  # fmt: skip
                first.name = f"{name[1]}$i"
            else:
                kind = first.block if isinstance(first, Use) else first.layer.op
                first.turns = ("repeat", f"${counted(_plural(kind), counts)}")
            if isinstance(first, Use):
                first.gives = last.gives
            else:
                first.layer.gives = last.gives
            del items[at + 1 : end]
            at += 1


def _end(
    items: Sequence[Item],
    at: int,
    rows: Mapping[Item, Sequence[Item | None]],
    readings: Counter[int],
    told: Callable[[Item], object],
    numbered: bool,
) -> int:
    """Where the run that begins at a position ends."""
    first, end = items[at], at + 1
    if isinstance(first, Group) or (isinstance(first, Leaf) and (first.branches is not None or first.layer.refers)):
        return end
    name = re.fullmatch(r"(.*?)(\d+)", first.name)
    if first.name and not numbered and (name is None or str(int(name[2])) != name[2]):
        return end
    while end < len(items):
        before, item = items[end - 1], items[end]
        wanted = "" if name is None or numbered else f"{name[1]}{int(name[2]) + end - at}"
        own = "" if numbered else item.name
        chained = item.reads() == [before.gives] and readings[before.gives] == 1
        if type(item) is not type(first) or own != wanted or not chained or told(item) != told(first):
            return end
        end += 1
    return end


def _plural(word: str) -> str:
    """The name of a parameter that counts steps."""
    found = re.sub(r"\W", "_", word).strip("_") or "step"
    return found if found.endswith("s") else f"{found}s"
