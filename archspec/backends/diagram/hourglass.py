"""Networks that go down and up again, their skips nested: two columns, the skips straight across.

The left column runs down, the right one up; each skip stands in one row between its tap and its merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from archspec.backends.diagram.constructs import CIRCLE, GAP, HEIGHT, LABEL, TALL, Constructs, box_width, value_of
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Side, Unit, units_of
from archspec.backends.diagram.sketch import Inlet, Label, Line, Mark, Outlet, Piece, connect
from archspec.ops import Shape

ROOM = 37.0
"""From a tap or a merge to the boxes above and below it."""
ASIDE = 18.0
"""From a column to the boxes in the middle."""


@dataclass(slots=True)
class Hourglass:
    """What stands where: ``left[i]`` and ``right[i]`` above skip ``i``, the last ones below all skips."""

    left: list[list[Element]] = field(default_factory=list)
    right: list[list[Element]] = field(default_factory=list)
    """In the order they run: upwards."""
    skips: list[list[Unit]] = field(default_factory=list)
    sinks: list[Unit] = field(default_factory=list)
    bottom: Unit | None = None


def find(items: Sequence[Element]) -> Hourglass | None:
    """The hourglass that a path is, or None."""
    glass = Hourglass()
    series: Sequence[Element] = items
    while (at := _skip_at(series)) is not None:
        parallel = series[at]
        assert isinstance(parallel, Parallel)
        long = _long(parallel)
        assert long is not None and parallel.sink is not None
        glass.left.append(list(series[:at]))
        glass.right.append(list(series[at + 1 :]))
        glass.skips.append([unit for unit in parallel.branches[1 - long] if isinstance(unit, Unit)])
        glass.sinks.append(parallel.sink)
        series = parallel.branches[long]
    if not glass.skips:
        return None
    turn = next((at for at, item in enumerate(series) if any(unit.role == "up" for unit in units_of([item]))), len(series))
    left, right = list(series[:turn]), list(series[turn:])
    if left and isinstance(left[-1], Unit) and not left[-1].sign:
        glass.bottom = left.pop()
    glass.left.append(left)
    glass.right.append(right)
    return glass


def _skip_at(series: Sequence[Element]) -> int | None:
    found = [at for at, item in enumerate(series) if isinstance(item, Parallel) and _long(item) is not None]
    return found[0] if len(found) == 1 else None


def _long(item: Parallel) -> int | None:
    """Which branch goes down and up while the other only crosses over."""
    if len(item.branches) != 2 or item.sink is None:
        return None
    for at, branch in enumerate(item.branches):
        other = item.branches[1 - at]
        units = list(units_of(branch))
        crosses = len(other) <= 2 and all(isinstance(unit, Unit) and not unit.sign for unit in other)
        if crosses and len(units) > max(2, len(other)) and any(_grows(unit) for unit in units):
            return at
    return None


def _grows(unit: Unit) -> bool:
    return unit.role == "up" or "↑" in unit.title


class Drawing:
    """Lays an hourglass out."""

    def __init__(self, glass: Hourglass, constructs: Constructs) -> None:
        self.glass = glass
        self.constructs = constructs
        self.whole = Piece(0, 0, 0)
        self.left = constructs.new_lane()
        self.right = constructs.new_lane()

    def draw(self) -> Piece:
        """The picture, its top left corner near the origin."""
        glass, constructs, whole = self.glass, self.constructs, self.whole
        down: list[Piece] = []
        shown: Shape | None = None
        for items in glass.left:
            down.append(constructs.series(items, True, shown, self.left))
            shown = down[-1].shown
        up = self._upward(shown)
        rows = self._rows(down, up)
        middle = max([box_width(unit) for skip in glass.skips for unit in skip] + ([box_width(glass.bottom)] if glass.bottom else [0]))
        middle = max(middle, constructs.width if middle else 60.0)
        boxes_across = max([len(skip) for skip in glass.skips] + [1])
        across = boxes_across * middle + (boxes_across - 1) * ASIDE
        centre = max(piece.right for piece in down) + ASIDE + across / 2
        right = centre + across / 2 + ASIDE + 4 + max(piece.left for piece in up)
        self._place(down, up, rows, right)
        self._lines(down, up, rows, centre, middle, right)
        whole.left = max(piece.left for piece in down)
        whole.right = right + max(piece.right for piece in up)
        tops = [mark.y - mark.height / 2 for mark in whole.marks]
        whole.move(0, -min(tops))
        whole.height = max(mark.y + mark.height / 2 for mark in whole.marks) + 8
        return whole

    def _upward(self, shown: Shape | None) -> list[Piece]:
        """The pieces of the right column, each still running down."""
        pieces: list[Piece] = []
        if self.glass.bottom is not None:
            shown = None
        for items in reversed(self.glass.right):
            pieces.append(self.constructs.series(items, True, shown or _first(items), self.right))
            shown = None
        return pieces[::-1]

    def _rows(self, down: Sequence[Piece], up: Sequence[Piece]) -> list[float]:
        """The heights of the skips' rows, and of the bottom row last; the first is 0."""
        rows = [0.0]
        for at in range(1, len(down)):
            last = at == len(down) - 1
            inner = max(down[at].height, up[at].height)
            rows.append(rows[-1] + max(2 * ROOM + inner, 2 * ROOM + HEIGHT) - (0 if not last or inner else HEIGHT))
        return rows

    def _place(self, down: Sequence[Piece], up: Sequence[Piece], rows: Sequence[float], right: float) -> None:
        """Put the pieces between the rows; the right ones upside down."""
        for at, (falling, rising) in enumerate(zip(down, up, strict=True)):
            rising.flip()
            if at == 0:
                self.whole.add(falling, 0, -ROOM - falling.height)
                self.whole.add(rising, right, -ROOM)
            else:
                room = rows[at] - rows[at - 1]
                self.whole.add(falling, 0, rows[at - 1] + (room - falling.height) / 2)
                self.whole.add(rising, right, rows[at] - (room - rising.height) / 2)

    def _lines(
        self, down: Sequence[Piece], up: Sequence[Piece], rows: Sequence[float], centre: float, middle: float, right: float
    ) -> None:
        glass, whole, words = self.glass, self.whole, self.constructs.words
        sinks = []
        for unit, y in zip(glass.sinks, rows, strict=False):
            sign = bool(unit.sign)
            mark = Mark(unit, right, y, CIRCLE if sign else self.constructs.width, CIRCLE if sign else HEIGHT,
                        "circle" if sign else "box", lane=self.right)  # fmt: skip
            if not sign and unit.detail:
                mark.height = TALL
            sinks.append(mark)
        whole.marks += sinks
        outlets: list[Outlet] = []
        told = ""
        for at, piece in enumerate(down):
            if outlets and piece.marks:
                note, told = self._beside(glass.left[:at], told, 0, outlets)
                whole.lines += connect(outlets, piece.inlets, note)
            outlets = piece.outlets if piece.marks else outlets
            told = words(piece.shown) or told
            if at < len(glass.skips) and outlets:
                self._skip(glass.skips[at], outlets[0], sinks[at], rows[at], centre, middle)
        rising = self._turn(outlets, up[-1], sinks, rows[-1], centre, middle, right, told)
        for at in range(len(glass.skips) - 1, -1, -1):
            before = glass.right[at + 1] or ([glass.bottom] if glass.bottom and at + 1 == len(glass.skips) else [])
            value = value_of(next((item for item in reversed(before) if not isinstance(item, Side)), None))
            sink = sinks[at]
            foot = sink.y + sink.height / 2
            if rising is not None:
                label = words(value)
                note = Label(label, right + LABEL, foot + 22) if label and glass.right[at + 1] else None
                whole.lines += connect(rising, [Inlet(sink, [(right, foot)])], note)
            rising = [Outlet(sink, [(right, sink.y - sink.height / 2)])]
            if up[at].marks:
                label = words(sink.unit.shape)
                note = Label(label, right + LABEL, sink.y - sink.height / 2 - 13) if label else None
                whole.lines += connect(rising, up[at].inlets, note)
                rising = up[at].outlets
        whole.outlets = rising or []

    def _beside(self, before: Sequence[Sequence[Element]], told: str, x: float, outlets: Sequence[Outlet]) -> tuple[Label | None, str]:
        """The label below the last box above a tap, where the shape has changed."""
        items = next((items for items in reversed(before) if items), [])
        value = value_of(next((item for item in reversed(items) if not isinstance(item, Side)), None))
        label = self.constructs.words(value)
        if not label or label == told:
            return None, told
        return Label(label, x + LABEL, outlets[0].points[-1][1] + 13), label

    def _skip(self, boxes: Sequence[Unit], source: Outlet, sink: Mark, y: float, centre: float, middle: float) -> None:
        """One row across: tap, boxes, merge."""
        whole = self.whole
        edge = (sink.x - sink.width / 2, y)
        previous: Mark = source.tail
        start = (source.points[-1][0], y)
        x = centre - (len(boxes) - 1) * (middle + ASIDE) / 2
        for unit in boxes:
            mark = Mark(unit, x, y, middle, TALL if unit.detail else HEIGHT, lane=self.constructs.new_lane())
            whole.marks.append(mark)
            whole.lines.append(Line(previous, mark, [start, (x - middle / 2, y)], True, "solid"))
            previous, start = mark, (x + middle / 2, y)
            x += middle + ASIDE
        whole.lines.append(Line(previous, sink, [start, edge], True, "solid"))

    def _turn(
        self, outlets: list[Outlet], core: Piece, sinks: Sequence[Mark], y: float, centre: float, middle: float, right: float, told: str
    ) -> list[Outlet] | None:
        """The bottom row: from the left column through the lowest box to the right one; what goes up from there."""
        glass, whole = self.glass, self.whole
        note, _ = self._beside(glass.left, told, 0, outlets) if outlets else (None, told)
        head = core.inlets[0] if core.inlets else Inlet(sinks[-1], [(right, sinks[-1].y + sinks[-1].height / 2)])
        if glass.bottom is None:
            for outlet in outlets:
                outlet.points = [*outlet.points, (0, y), (right, y)]
            whole.lines += connect(outlets, core.inlets or [head], note)
            return core.outlets if core.marks else None
        wide = max(middle, box_width(glass.bottom))
        mark = Mark(glass.bottom, centre, y, wide, TALL if glass.bottom.detail else HEIGHT, lane=self.constructs.new_lane())
        whole.marks.append(mark)
        whole.lines += connect(outlets, [Inlet(mark, [(0, y), (centre - wide / 2, y)])], note)
        label = self.constructs.words(glass.bottom.shape)
        leaving = [Outlet(mark, [(centre + wide / 2, y), (right, y)])]
        note = Label(label, right + LABEL, y - 18) if label else None
        whole.lines += connect(leaving, core.inlets or [head], note)
        return core.outlets if core.marks else None


def _first(items: Sequence[Element]) -> Shape | None:
    return None


__all__ = ["GAP", "Drawing", "Group", "Hourglass", "find"]
