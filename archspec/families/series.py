"""Detection of steps repeated by ``for`` or ``repeat`` among the items of a scope."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass

from archspec.analyses.structure import positional
from archspec.families.align import align
from archspec.families.bodies import Bodies, copy_of, nested, step_of, turns_from, ways
from archspec.families.items import Item
from archspec.schema import Step

_PLAIN = re.compile(r"[A-Za-z0-9_-]+\Z")
"""Names that need no escapes in an f-string."""
FEWEST = 3
"""The fewest copies for a loop rather than a list, where their number is the same in all uses."""
GROUPED = 5
""":data:`FEWEST` for groups of several members: ``*(layer for _ in range(5) for layer in (…))``."""
OFTEN = 4
""":data:`FEWEST` in a class with a forward."""


@dataclass(slots=True)
class Segment:
    """A part of a chain in each use: single items, or a loop whose body has ``period`` items."""

    looped: bool
    rows: list[list[Item]]
    """The items of each use; of a single item, empty where a use lacks it."""
    period: int
    counts: list[int]
    numbered: bool
    """Whether the members of the whole chain are named by their positions."""

    @property
    def columns(self) -> list[list[Item | None]]:
        """The items of each position, one for each use; None where a use lacks the segment."""
        length = max(map(len, self.rows))
        return [[row[position] if row else None for row in self.rows] for position in range(length)]

    @property
    def step(self) -> Step | None:
        """The step of the loop's first item."""
        return next(row for row in self.rows if row)[0].what.step

    def name(self, column: int, start: int) -> tuple[str, int, str] | None:
        """The rule of a column's names: text before the number, the number in iteration ``start``, text after.

        None where members are named by positions; the number is −1 where the names have no rule.
        """
        if self.numbered:
            return None
        names = [
            (row[turn * self.period + column].name, turn)
            for row, count in zip(self.rows, self.counts, strict=True)
            for turn in range(start, count)
        ]
        if not any(name for name, _ in names):
            return ("", 0, "")
        for name, turn in names[:1] if all(_PLAIN.match(name) for name, _ in names) else ():
            for match in re.finditer(r"\d+", name):
                before, number, after = name[: match.start()], int(match[0]) - turn, name[match.end() :]
                if all(other == f"{before}{number + at}{after}" for other, at in names):
                    return before, number + start, after
        return ("", -1, "")


def turns_of(rows: Sequence[Sequence[Item]]) -> Iterator[list[Segment]]:
    """The segments of a chain, for each way to write its loops in which at least one is worth writing.

    A loop that some uses lack has no iterations there.
    """
    numbered = all(positional([item.name for item in row]) for row in rows)
    outer = nested(rows, _worth) if numbered else None
    for bodies in ways(outer) if outer is not None else ():
        found = _segments(outer or rows, bodies, numbered)
        if all(segment.looped or row[0].kind != "loop" for segment in found for row in segment.rows if row):
            yield found
    for bodies in ways(rows):
        found = _segments(rows, bodies, numbered)
        if any(segment.looped for segment in found):
            yield found


def _worth(counts: Collection[int], period: int) -> bool:
    """Whether a loop with these numbers of iterations is worth writing, with so many members in each."""
    return max(counts) > 1 and (len(set(counts)) > 1 or min(counts) >= (FEWEST if period == 1 else GROUPED))


def _segments(rows: Sequence[Sequence[Item]], bodies: Bodies, numbered: bool) -> list[Segment]:
    found: list[Segment] = []
    for parts in align([[Stretch(*part) for part in _cut(row, bodies)] for row in rows]):
        period = next(part.period for part in parts if part is not None)
        own = [part.items if part is not None else [] for part in parts]
        counts = [len(items) // period for items in own] if period else [1] * len(own)
        looped = max(counts) > 1 and (len(set(counts)) > 1 or counts[0] >= FEWEST)
        found.append(Segment(looped, own, max(period, 1), counts if looped else [1] * len(own), numbered))
    return found


@dataclass(slots=True)
class Stretch:
    """A part of one use: a single item, or a loop with ``period`` items per iteration."""

    key: Hashable
    period: int
    """0 for a single item."""
    items: list[Item]


def stretches(rows: Sequence[Sequence[Item]], bodies: Bodies, without: Collection[Hashable]) -> list[list[Stretch]]:
    """The uses of a class with a forward, split into single items and loops with these bodies.

    A loop is worth writing where the uses differ in its number of iterations, or where that number is large.  Loops
    whose key is in ``without`` are left as items.
    """
    cut = [[Stretch(*part) for part in _cut(row, bodies)] if bodies else [] for row in rows]
    counts: dict[Hashable, list[int]] = {}
    for use, row in enumerate(cut):
        for part in row:
            if part.period and part.key not in without:
                counts.setdefault(part.key, [0] * len(rows))[use] = len(part.items) // part.period
    worth = {key for key, own in counts.items() if max(own) > 1 and (len(set(own)) > 1 or own[0] >= OFTEN)}
    if not worth:
        return [[Stretch(item.key, 0, [item]) for item in row] for row in rows]
    out: list[list[Stretch]] = []
    for row in cut:
        out.append([])
        for part in row:
            out[-1] += [part] if part.key in worth else [Stretch(item.key, 0, [item]) for item in part.items]
    return out


def _cut(row: Sequence[Item], bodies: Bodies) -> list[tuple[Hashable, int, list[Item]]]:
    out: list[tuple[Hashable, int, list[Item]]] = []
    position = 0
    ended: tuple[int, ...] = ()
    """The copy that would have been the next iteration of the last loop."""
    while position < len(row):
        item = row[position]
        copy = copy_of(item)
        body = bodies.get(step_of(item))
        turns = turns_from(row, position, body) if body is not None else 0
        if body is not None and turns:
            length = turns * len(body.members)
            prefix = copy[: body.depth]
            key = ("loop", body.depth, body.members, prefix)
            out.append((key, len(body.members), list(row[position : position + length])))
            ended = (*prefix, turns)
        else:
            length = 1
            # What is left of a last iteration, whose number differs between uses.
            left = bool(ended) and copy[: len(ended)] == ended
            rest = (*copy[: len(ended) - 1], *copy[len(ended) :])
            out.append((("end", step_of(item), rest) if left else item.key, 0, [item]))
        position += length
    return out
