"""The bodies of loops: steps that stand in the items of a scope once for each iteration of a ``for`` or ``repeat``.

An item knows the iterations of all loops around its step, outermost first.  A loop may be any of them: of two loops
inside one another, the inner one may have a single iteration, or as many as are better written out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from archspec.families.items import Item
from archspec.records import record

Member: TypeAlias = tuple[Hashable, tuple[int, ...]]
"""A step, and its iterations in the loops inside the one looked at."""


@record
class Body:
    """The members of an iteration; ``depth`` counts the loops around the one that they are repeated by."""

    depth: int
    members: tuple[Member, ...]


Loop: TypeAlias = tuple[Sequence[Item], int, Body]
"""A loop in a use: the use's items, the position of the first, the body."""
Bodies: TypeAlias = Mapping[Hashable, Body]
"""The bodies of loops, by their first step."""


def step_of(item: Item) -> Hashable:
    """The step of an item; None where it has none."""
    return item.key[1] if isinstance(item.key, tuple) and item.key[0] == "step" else None


def copy_of(item: Item) -> tuple[int, ...]:
    """The iterations of the loops around an item, outermost first."""
    return item.key[2] if isinstance(item.key, tuple) and item.key[0] == "step" else ()


def ways(rows: Sequence[Sequence[Item]]) -> list[Bodies]:
    """The ways to write the loops of some uses, the shortest first; empty where there is no loop.

    A loop inside another is written as one loop for each iteration of the outer one, or the outer one with the inner
    one's iterations written out.
    """
    depths = range(max((len(copy_of(item)) for row in rows for item in row), default=0))
    found = {depth: _all(rows, depth) for depth in depths}
    inner, outer = _bodies(found, reversed(depths)), _bodies(found, depths)
    shortest = dict(inner)
    for step, body in outer.items():
        if inner.get(step) == body:
            continue
        there = found[body.depth][step]
        alike = all(other.members == body.members for _, _, other in there)
        if alike and len(body.members) < max(_length(row, start, body, inner) for row, start, _ in there):
            for covered, _ in body.members:
                shortest.pop(covered, None)
            shortest[step] = body
    return [way for way in ([shortest] if shortest == inner else [shortest, inner]) if way]


def nested(rows: Sequence[Sequence[Item]], worth: Callable[[Collection[int], int], bool]) -> list[list[Item]] | None:
    """The uses with each loop that is inside another as one item, whose children are its items; None without any.

    ``worth`` says whether a loop with some numbers of iterations, and so many members in each, is worth writing.
    """
    depths = range(1, max((len(copy_of(item)) for row in rows for item in row), default=0))
    bodies = _bodies({depth: _all(rows, depth) for depth in depths}, depths)
    counts: dict[Hashable, set[int]] = {}
    for row in rows:
        for body, items in _parts(row, bodies):
            if body is not None:
                counts.setdefault(body.members[0][0], set()).add(len(items) // len(body.members))
    bodies = {step: body for step, body in bodies.items() if worth(counts.get(step, {0}), len(body.members))}
    if not bodies:
        return None
    return [[items[0] if body is None else _as_one(body, items) for body, items in _parts(row, bodies)] for row in rows]


def _as_one(body: Body, items: list[Item]) -> Item:
    """A loop as one item of the loop around it."""
    first, last = items[0], items[-1]
    key = ("step", tuple(step for step, _ in body.members), copy_of(first)[: body.depth])
    return Item(key, "loop", first.name, first.what, first.reads, last.gives, children=items)


def _parts(row: Sequence[Item], bodies: Bodies) -> Iterator[tuple[Body | None, list[Item]]]:
    """A use as loops with these bodies and single items."""
    position = 0
    while position < len(row):
        body = bodies.get(step_of(row[position]))
        turns = turns_from(row, position, body) if body is not None else 0
        length = turns * len(body.members) if body is not None and turns else 1
        yield body if turns else None, list(row[position : position + length])
        position += length


def _length(row: Sequence[Item], start: int, body: Body, inner: Bodies) -> int:
    """The members that the loops inside a loop take."""
    end = start + turns_from(row, start, body) * len(body.members)
    return sum(1 if one is None else len(one.members) for one, _ in _parts(row[start:end], inner))


def _bodies(found: Mapping[int, Mapping[Hashable, Sequence[Loop]]], depths: Iterable[int]) -> dict[Hashable, Body]:
    """The bodies of loops; where one is inside another, that whose depth comes first."""
    bodies: dict[Hashable, Body] = {}
    covered: set[Hashable] = set()
    for depth in depths:
        here: dict[Hashable, Body] = {}
        for step, loops in found[depth].items():
            free = (body for _, _, body in loops if covered.isdisjoint(other for other, _ in body.members))
            body = next(free, None)
            if body is not None:
                here[step] = body
        bodies |= here
        covered.update(step for body in here.values() for step, _ in body.members)
    return bodies


def _all(rows: Sequence[Sequence[Item]], depth: int) -> dict[Hashable, list[Loop]]:
    """The loops at a depth, by their first step."""
    found: dict[Hashable, list[Loop]] = {}
    for row in rows:
        for start, body in _loops(row, depth):
            found.setdefault(body.members[0][0], []).append((row, start, body))
    return found


def _loops(row: Sequence[Item], depth: int) -> Iterator[tuple[int, Body]]:
    """The loops at a depth that have at least two iterations: their first position and their body."""
    position = 0
    while position < len(row):
        copy = copy_of(row[position])
        if len(copy) <= depth or copy[depth] != 0:
            position += 1
            continue
        end = position
        while end < len(row) and copy_of(row[end])[: depth + 1] == copy[: depth + 1]:
            end += 1
        again = _member(row[end], depth) if end < len(row) else None
        if again is not None and copy_of(row[end])[: depth + 1] == (*copy[:depth], 1):
            start = next((at for at in range(position, end) if _member(row[at], depth) == again), None)
            if start is not None:
                body = Body(depth, tuple(_member(item, depth) for item in row[start:end]))
                yield start, body
                end = start + turns_from(row, start, body) * len(body.members)
        position = end


def _member(item: Item, depth: int) -> Member:
    return step_of(item), copy_of(item)[depth + 1 :]


def turns_from(row: Sequence[Item], start: int, body: Body) -> int:
    """How often a body is repeated from a position on."""
    length, prefix, turn = len(body.members), copy_of(row[start])[: body.depth], 0
    while True:
        part = row[start + turn * length : start + (turn + 1) * length]
        if tuple(_member(item, body.depth) for item in part) != body.members or any(
            copy_of(item)[: body.depth + 1] != (*prefix, turn) for item in part
        ):
            return turn
        turn += 1
