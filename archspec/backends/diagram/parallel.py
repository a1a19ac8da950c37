"""What runs beside something else: shortcuts past a path, and branches side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from archspec.backends.diagram.folding import grows
from archspec.backends.diagram.measures import (
    BESIDE,
    DROP,
    GAP,
    LABEL,
    RAIL,
    REACH,
    Settings,
    box_width,
    height,
    value_of,
)
from archspec.backends.diagram.series_parallel import Element, Parallel, Unit, units_of
from archspec.backends.diagram.sketch import Inlet, Label, Line, Mark, Outlet, Passing, Piece, Point, Style, connect

SeriesOf = Callable[[Sequence[Element], bool, int | None], Piece]
"""Lays out a series: its elements, whether its lines are labelled, and its lane (None: one of its own)."""

CLOSER = 0.7
"""How much closer boxes in a side line stand."""
MUCH_SHORTER = 2.0
"""A branch is much shorter than the longest if this many of it are less high."""


def shortcut(item: Parallel, side: int, lane: int, settings: Settings, series: SeriesOf) -> Piece:
    """A path with a line past it at the right; a projection stands in that line, or only dots it."""
    path = series(item.branches[1 - side], settings.focused, lane)
    boxes = [unit for unit in item.branches[side] if isinstance(unit, Unit)]
    style = _style(item, boxes, settings)
    whole = Piece(0, path.left, path.right, entry="tap")
    whole.add(path, 0, REACH)
    below = REACH + path.height
    sink = _sink(whole, item.sink, below, lane, settings)
    at = sink.y if sink is not None else below + RAIL
    edge = (sink.width / 2 if sink is not None else 0.0, at)
    if boxes and not _hides(item, boxes, side, style, settings):
        _rail(whole, boxes, (path.right, at), style, sink, edge, settings)
    else:
        rail = whole.right = path.right + RAIL
        line: list[Point] = [(0, 0), (rail, 0), (rail, at), edge]
        if sink is not None:
            whole.inlets.append(Inlet(sink, line, style=style, own=True))
        else:
            whole.passing.append(Passing(line, style))
    if path.inlets:
        path.inlets[0].points = [(0, 0), *path.inlets[0].points]
        whole.inlets = [*path.inlets, *whole.inlets]
    for one in path.passing:
        one.points = [(0, 0), *one.points]
        _through(whole, one, sink, edge)
    if sink is None:
        for outlet in path.outlets:
            if not outlet.done:
                outlet.points = [*outlet.points, (0, at)]
        whole.outlets, whole.height = [*path.outlets, *whole.outlets], at + 4
    else:
        whole.lines += connect(path.outlets, [Inlet(sink, [(0, sink.y - sink.height / 2)])])
    return whole


def _style(item: Parallel, boxes: Sequence[Unit], settings: Settings) -> Style:
    """Dotted where the shortcut must change the size or the channels to fit."""
    if not boxes or item.source is None:
        return "solid"
    before, after = item.source.shape, boxes[-1].shape
    if settings.words(before) == settings.words(after):
        return "solid"
    resized = before is not None and after is not None and before.spatial != after.spatial
    settings.dotted.add("size" if resized else "channels")
    return "dotted"


def _hides(item: Parallel, boxes: Sequence[Unit], side: int, style: Style, settings: Settings) -> bool:
    """Whether dots alone tell of the projection: beside a path of several boxes, as papers draw residual blocks."""
    long = len(list(units_of(item.branches[1 - side]))) > 1
    hides = not settings.focused and style == "dotted" and len(boxes) == 1 and long and boxes[0].role == "conv"
    settings.hidden = settings.hidden or hides
    return hides


def _rail(
    whole: Piece,
    boxes: Sequence[Unit],
    corner: Point,
    style: Style,
    sink: Mark | None,
    edge: Point,
    settings: Settings,
) -> None:
    """A side line with boxes in it, halfway down; ``corner`` is the right edge of the path and the row of the merge."""
    width = max(box_width(unit) for unit in boxes)
    rail, at = corner[0] + BESIDE * CLOSER + width / 2, corner[1]
    lane = settings.new_lane()
    y = max(REACH, (at - sum(map(height, boxes)) - GAP * CLOSER * (len(boxes) - 1)) / 2)
    previous: Mark | None = None
    for unit in boxes:
        mark = settings.mark(unit, rail, y + height(unit) / 2, lane, width)
        whole.marks.append(mark)
        if previous is None:
            whole.inlets.append(Inlet(mark, [(0, 0), (rail, 0), (rail, y)], style=style, own=True))
        else:
            points = [(rail, previous.y + previous.height / 2), (rail, y)]
            whole.lines.append(Line(previous, mark, points, True, style))
        y += mark.height + GAP * CLOSER
        previous = mark
    whole.right = rail + width / 2
    if previous is None:
        return
    points = [(rail, previous.y + previous.height / 2), (rail, at), edge]
    if sink is not None:
        whole.lines.append(Line(previous, sink, points, True, style))
    else:
        whole.outlets.append(Outlet(previous, points, style, True))


def _sink(whole: Piece, unit: Unit | None, below: float, lane: int, settings: Settings) -> Mark | None:
    """The mark where branches meet, placed on the axis; the piece ends with it."""
    whole.height = below
    if unit is None:
        return None
    mark = settings.mark(unit, 0, 0, lane)
    mark.y = below + (DROP if unit.sign else GAP) + mark.height / 2
    whole.marks.append(mark)
    whole.height = mark.y + mark.height / 2
    whole.outlets = [Outlet(mark, [(0, whole.height)])]
    return mark


def branches(item: Parallel, lane: int, settings: Settings, series: SeriesOf) -> Piece:
    """Branches side by side, in the order written, their last boxes in one row.

    A branch that makes the map smaller and is much shorter than another stands at the top, where the map is still
    large: BiSeNet's spatial path beside its context path.
    """
    count = len(item.branches)
    middle = count // 2 if count % 2 else -1
    labelled = settings.focused or item.source is None
    pieces = [series(branch, labelled, lane if at == middle else None) for at, branch in enumerate(item.branches)]
    places = _side_by_side(pieces)
    below = max(piece.height for piece in pieces)
    below += REACH if item.source is not None or item.sink is None else 0.0
    whole = Piece(0, 0, 0, entry="tap")
    for piece, x, branch in zip(pieces, places, item.branches, strict=True):
        whole.left, whole.right = max(whole.left, piece.left - x), max(whole.right, piece.right + x)
        high = MUCH_SHORTER * piece.height < below and _shrinks(branch)
        whole.add(piece, x, REACH if high else below - piece.height)
    room = 4.0 if settings.focused else 0.0
    sink = _sink(whole, item.sink, below + room, lane, settings)
    level = sink.y if sink is not None and sink.form == "circle" else below + DROP / 2 + room
    if sink is None:
        whole.height = level
    for at, (piece, x, branch) in enumerate(zip(pieces, places, item.branches, strict=True)):
        words = settings.words(value_of(branch[-1])) if settings.focused and branch else ""
        note = Label(words, x + LABEL, below + 11) if words else None
        outer = x == 0 or at in (0, count - 1)
        _fan(whole, piece, (x, level), outer, sink, note)
    whole.inlets.sort(key=lambda inlet: inlet.own)
    return whole


def _shrinks(branch: Sequence[Element]) -> bool:
    """Whether a branch of several boxes makes the map smaller and not larger again."""
    units = list(units_of(branch))
    return len(units) > 1 and any(", /" in unit.title for unit in units) and not any(map(grows, units))


def _fan(whole: Piece, piece: Piece, foot: Point, outer: bool, sink: Mark | None, note: Label | None) -> None:
    """One branch's lines from the tap above and to the meeting point below; inner ones join those of the outer."""
    x, level = foot
    start: list[Point] = [(0.0, 0.0), (x, 0.0)] if outer else [(x, 0.0)]
    end: list[Point] = [foot]
    if outer and sink is None:
        end.append((0.0, level))
    elif outer and sink is not None and sink.form == "circle" and x != 0:
        end.append((sink.width / 2 * (1 if x > 0 else -1), level))
    elif outer and sink is not None:
        end += [(0.0, level), (0.0, sink.y - sink.height / 2)]
    through = x == 0 or (not whole.inlets and outer)
    if not piece.marks:
        if sink is not None:
            whole.inlets.append(Inlet(sink, [*start, *end], outer, own=not through))
        else:
            whole.passing.append(Passing([*start, *end]))
        return
    for one in piece.passing:
        one.points = [*start, *one.points]
        _through(whole, one, sink, end[-1])
    for inlet in piece.inlets:
        if not inlet.own:
            inlet.points = [*start, *inlet.points]
            inlet.own, through = not through, False
        whole.inlets.append(inlet)
    if sink is not None:
        whole.lines += connect(piece.outlets, [Inlet(sink, end, outer)], note)
        return
    for outlet in piece.outlets:
        outlet.points = [*outlet.points, *end]
        outlet.done = outlet.done or any(not other.done for other in whole.outlets)
        whole.outlets.append(outlet)


def _through(whole: Piece, one: Passing, sink: Mark | None, foot: Point) -> None:
    """What passes a branch goes on to the merge, or past this piece too."""
    one.points = [*one.points, foot]
    if sink is None:
        whole.passing.append(one)
    else:
        whole.inlets.append(Inlet(sink, one.points, False, one.style, own=True))


def _side_by_side(pieces: Sequence[Piece]) -> list[float]:
    """The axes of branches, the middle one (or the middle between the two middle ones) at 0."""
    places = [0.0]
    for left, right in pairwise(pieces):
        places.append(places[-1] + left.right + BESIDE + right.left)
    half = len(pieces) // 2
    centre = places[half] if len(pieces) % 2 else (places[half - 1] + places[half]) / 2
    return [round(place - centre, 2) for place in places]
