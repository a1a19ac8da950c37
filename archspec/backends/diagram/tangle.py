"""What no construct tells: units above one another in running order, and rails at the right for what passes others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archspec.backends.diagram.measures import GAP, RAIL, REACH, Settings, height
from archspec.backends.diagram.series_parallel import Tangle
from archspec.backends.diagram.sketch import Inlet, Line, Mark, Outlet, Piece, Point

CLOSE = 9.0
"""Between neighbouring rails."""
ENTRY = -1
"""Stands for what comes in from above, as the source of a rail."""


def tangle(item: Tangle, lane: int, settings: Settings) -> Piece:
    """Units in one column; each has one rail to all that it reaches beyond its neighbour."""
    whole = Piece(0, settings.width / 2, settings.width / 2, entry="tap")
    y = REACH
    for unit in item.units:
        whole.marks.append(settings.mark(unit, 0, y + height(unit) / 2, lane))
        y += height(unit) + GAP
    marks = list(whole.marks)
    whole.height = _foot(marks[-1])
    targets: dict[int, list[int]] = {ENTRY: [place for place in item.entries if place]}
    for source, target in item.edges:
        if target == source + 1:
            points = [(0.0, _foot(marks[source])), (0.0, _head(marks[target]))]
            whole.lines.append(Line(marks[source], marks[target], points, True, "solid"))
        else:
            targets.setdefault(source, []).append(target)
    if 0 in item.entries:
        whole.inlets.append(Inlet(marks[0], [(0.0, 0.0), (0.0, _head(marks[0]))]))
    _rails(whole, marks, targets)
    _exits(whole, [marks[place] for place in item.exits], marks[-1])
    return whole


def _head(mark: Mark) -> float:
    return mark.y - mark.height / 2


def _foot(mark: Mark) -> float:
    return mark.y + mark.height / 2


def _rails(whole: Piece, marks: Sequence[Mark], targets: Mapping[int, list[int]]) -> None:
    """One rail for each source, the short ones nearest; rails that do not meet share a place."""
    edge = whole.right
    taken: list[list[tuple[int, int]]] = []
    for source, heads in sorted(targets.items(), key=lambda entry: (max(entry[1], default=0) - entry[0], entry[0])):
        if not heads:
            continue
        last = max(heads)
        free = [at for at, spans in enumerate(taken) if all(b <= source or a >= last for a, b in spans)]
        if not free:
            taken.append([])
        slot = free[0] if free else len(taken) - 1
        taken[slot].append((source, last))
        rail = edge + RAIL + slot * CLOSE
        whole.right = max(whole.right, rail)
        for head in sorted(set(heads), reverse=True):
            mark = marks[head]
            points: list[Point] = [(rail, mark.y), (mark.width / 2, mark.y)]
            if head == last:
                points = [*_leaving(marks, source, rail), *points]
            if source == ENTRY:
                whole.inlets.append(Inlet(mark, points, own=True))
            else:
                whole.lines.append(Line(marks[source], mark, points, True, "solid"))


def _leaving(marks: Sequence[Mark], source: int, rail: float) -> list[Point]:
    """From a source's foot, or from the tap above all, to its rail."""
    if source == ENTRY:
        return [(0.0, 0.0), (rail, 0.0)]
    foot = _foot(marks[source])
    return [(0.0, foot), (0.0, foot + 7), (rail, foot + 7)]


def _exits(whole: Piece, leaving: Sequence[Mark], lowest: Mark) -> None:
    """What goes on below: the line of one unit; those of the others, and of any that others stand below, go around."""
    floor = whole.height + 8
    for mark in reversed(leaving):
        foot = _foot(mark)
        points: list[Point] = [(0.0, foot)]
        if mark is not lowest:
            whole.right += RAIL
            points += [(0.0, foot + 8), (whole.right, foot + 8), (whole.right, floor), (0.0, floor)]
        elif len(leaving) > 1:
            points.append((0.0, floor))
        whole.outlets.append(Outlet(mark, points, done=bool(whole.outlets)))
        whole.height = max(whole.height, points[-1][1])
