"""The shape of a network: what follows what, what runs beside what.

Cut points (units that every path passes) divide a region into steps of a series; what lies between two cut points falls
apart into branches, each again a series.  Nearly every published network is built so; a region that is not (a ladder of
cross links) is kept as it is, a :class:`Tangle`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from archspec.backends.diagram.units import Net, Unit
from archspec.graph import Scope

DEEPEST = 40
"""Levels of branches in branches; what is nested deeper is drawn as a tangle."""


@dataclass(slots=True, eq=False)
class Parallel:
    """Branches from where the series stands; ``sink`` joins them, or is None when an enclosing sink does."""

    branches: list[list[Element]]
    sink: Unit | None
    source: Unit | None = None


@dataclass(slots=True, eq=False)
class Tangle:
    """Units in running order with the edges between them that no series and branches can tell.

    ``entries`` are the places of units that read what comes in; the last unit is the sink if there is one.
    """

    units: list[Unit]
    edges: list[tuple[int, int]]
    entries: list[int]
    exits: list[int]


@dataclass(slots=True, eq=False)
class Side:
    """What hangs on the unit before it and joins nothing: an auxiliary classifier, or a second output."""

    chain: list[Unit]
    tap: Unit


@dataclass(slots=True, eq=False)
class Group:
    """What lies in one open scope; with a ``count``, that many equal ones in a row."""

    scope: Scope
    items: list[Element]
    count: int = 1
    title: str = ""
    copies: list[Unit] = field(default_factory=list)
    """What the copies that are not drawn hold."""


Element: TypeAlias = "Unit | Parallel | Tangle | Side | Group"


@dataclass(slots=True)
class _Region:
    net: Net
    after: list[list[int]]
    sides: dict[int, list[Side]] = field(default_factory=dict)


def decompose(net: Net, order: Sequence[int], sides: dict[int, list[Side]]) -> list[Element]:
    """A series of elements for the units of ``order``, which run in that order; ``sides`` hang on units by index."""
    drawn = set(order)
    after = [[reader for reader in readers if reader in drawn] for readers in net.after()]
    region = _Region(net, after, sides)
    return _series(region, list(order), None, None, 0)


def _series(region: _Region, order: list[int], source: int | None, sink: int | None, level: int) -> list[Element]:
    """The elements strictly between source and sink; None stands for before the first and after the last unit."""
    place = {unit: at for at, unit in enumerate(order, 1)}
    end = len(order) + 1
    reach = _reach(region, order, place, source, end)
    cuts = [at for at in range(1, end) if reach[at] <= at]
    found: list[Element] = []
    previous, first = source, 1
    for at in (*cuts, end):
        inner = order[first - 1 : at - 1]
        target = order[at - 1] if at < end else sink
        outer = at == end and previous is source
        straight = previous is not None and target is not None and not outer and previous in region.net.before[target]
        found += _between(region, inner, previous, target, straight, at == end, level)
        if at < end:
            if not inner:
                found.append(region.net.units[order[at - 1]])
            found += region.sides.get(order[at - 1], [])
        previous, first = target, at + 1
    return found


def _reach(region: _Region, order: list[int], place: dict[int, int], source: int | None, end: int) -> list[int]:
    """For each place, the furthest place that an edge from before it goes to."""
    furthest = [0] * (end + 1)
    for at, unit in enumerate(order, 1):
        targets = [place.get(reader, end) for reader in region.after[unit]]
        furthest[at] = max(targets, default=end)
    starts = [at for at, unit in enumerate(order, 1) if _enters(region, unit, place, source)]
    furthest[0] = max(starts, default=end)
    reach = [0] * (end + 1)
    for at in range(1, end + 1):
        reach[at] = max(reach[at - 1], furthest[at - 1])
    return reach


def _enters(region: _Region, unit: int, place: dict[int, int], source: int | None) -> bool:
    before = region.net.before[unit]
    return not before or any(origin not in place for origin in before) or (source is not None and source in before)


def _between(
    region: _Region, inner: list[int], source: int | None, sink: int | None, straight: bool, joined: bool, level: int
) -> list[Element]:
    """What lies between neighbouring cut points, the later one included unless it belongs to the enclosing series."""
    if not inner:
        return []
    own = None if joined or sink is None else region.net.units[sink]
    parts = _components(region, inner)
    if len(parts) + straight < 2 or level >= DEEPEST:
        return [_tangle(region, inner, sink if own else None)]
    reads = region.net.before[sink] if sink is not None else []
    members = {unit: number for number, part in enumerate(parts) for unit in part}
    ranks = {number: (len(reads), parts[number][0]) for number in range(len(parts))}
    for at, origin in reversed(list(enumerate(reads))):
        if origin in members:
            ranks[members[origin]] = (at, 0)
    branches: list[tuple[tuple[int, int], list[Element]]] = [
        (ranks[number], _series(region, part, source, sink, level + 1)) for number, part in enumerate(parts)
    ]
    if straight:
        branches.append(((reads.index(source) if source in reads else len(reads), 0), []))
    branches.sort(key=lambda branch: branch[0])
    origin_unit = None if source is None else region.net.units[source]
    return [Parallel([items for _, items in branches], own, origin_unit)]


def _components(region: _Region, inner: list[int]) -> list[list[int]]:
    """The parts of a region that no edge joins, each in running order."""
    leader = {unit: unit for unit in inner}

    def lead(unit: int) -> int:
        while leader[unit] != unit:
            leader[unit] = leader[leader[unit]]
            unit = leader[unit]
        return unit

    for unit in inner:
        for origin in region.net.before[unit]:
            if origin in leader:
                leader[lead(unit)] = lead(origin)
    parts: dict[int, list[int]] = {}
    for unit in inner:
        parts.setdefault(lead(unit), []).append(unit)
    return list(parts.values())


def _tangle(region: _Region, inner: list[int], sink: int | None) -> Tangle:
    units, edges = region.net.units, list[tuple[int, int]]()
    order: list[Unit] = []
    place: dict[int, int] = {}
    for at in inner if sink is None else [*inner, sink]:
        place[at] = len(order)
        order.append(units[at])
        for side in region.sides.get(at, []) if at != sink else []:
            starts = [place[at], *range(len(order), len(order) + len(side.chain))]
            edges += pairwise(starts)
            order += side.chain
    reads = region.net.before
    edges += [(place[origin], place[at]) for at in place for origin in reads[at] if origin in place]
    entries = [place[at] for at in place if not reads[at] or any(origin not in place for origin in reads[at])]
    leaving = [place[at] for at in inner if any(reader not in place for reader in region.after[at])]
    exits = [place[sink]] if sink is not None else leaving or [len(order) - 1]
    return Tangle(order, sorted(set(edges)), entries, exits)


def mark_differing(items: Sequence[Element], nodes: Set[int]) -> None:
    """Set ``differs`` of every unit that stands for one of the nodes, given by index, itself or by a copy not drawn."""
    for item in items:
        for unit in units_of([item]):
            unit.differs = unit.differs or any(node.index in nodes for node in unit.nodes)
        if isinstance(item, Parallel):
            for branch in item.branches:
                mark_differing(branch, nodes)
        elif isinstance(item, Group):
            mark_differing(item.items, nodes)
            if any(node.index in nodes for unit in item.copies for node in unit.nodes):
                for unit in units_of(item.items):
                    unit.differs = True


def units_of(items: Sequence[Element]) -> Iterator[Unit]:
    """Every unit of a series, however deep, sides included."""
    for item in items:
        if isinstance(item, Unit):
            yield item
        elif isinstance(item, Parallel):
            for branch in item.branches:
                yield from units_of(branch)
            if item.sink is not None:
                yield item.sink
        elif isinstance(item, Tangle):
            yield from item.units
        elif isinstance(item, Side):
            yield from item.chain
        else:
            yield from units_of(item.items)
