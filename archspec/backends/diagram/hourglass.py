"""Networks that go down and up again, their skips nested: two columns, the skips straight across.

The left column runs down, the right one up; each skip stands in one row between its tap and its merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from archspec.backends.diagram.constructs import Constructs
from archspec.backends.diagram.folding import grows, long_way
from archspec.backends.diagram.measures import HEIGHT, LABEL, box_width, height, value_of
from archspec.backends.diagram.series_parallel import Element, Parallel, Side, Unit, units_of
from archspec.backends.diagram.sketch import Inlet, Label, Line, Mark, Outlet, Piece, connect, enter
from archspec.ops import Shape

ROOM = 37.0
"""From a tap or a merge to the boxes above and below it."""
ASIDE = 18.0
"""From a column to the boxes in the middle, and between these."""


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
    while (found := _skip(series)) is not None:
        at, long, parallel = found
        if parallel.sink is None:
            return None
        glass.left.append(list(series[:at]))
        glass.right.append(list(series[at + 1 :]))
        glass.skips.append([unit for unit in parallel.branches[1 - long] if isinstance(unit, Unit)])
        glass.sinks.append(parallel.sink)
        series = parallel.branches[long]
    if not glass.skips:
        return None
    turn = next((at for at, item in enumerate(series) if any(map(grows, units_of([item])))), len(series))
    left, right = list(series[:turn]), list(series[turn:])
    if left and isinstance(left[-1], Unit) and not left[-1].sign:
        glass.bottom = left[-1]
        left.pop()
    glass.left.append(left)
    glass.right.append(right)
    # What hangs on a merge has no room between the columns.
    return None if any(isinstance(item, Side) for items in glass.right for item in items[:1]) else glass


def _skip(series: Sequence[Element]) -> tuple[int, int, Parallel] | None:
    """The one skip of a series: its place and its long branch."""
    found = [
        (at, long, item)
        for at, item in enumerate(series)
        if isinstance(item, Parallel) and item.source is not None and (long := long_way(item)) is not None
    ]
    return found[0] if len(found) == 1 else None


class Drawing:
    """Lays an hourglass out: the left column on x = 0, the first skip's row on y = 0 until all is placed."""

    def __init__(self, glass: Hourglass, constructs: Constructs) -> None:
        self.glass = glass
        self.settings = constructs.settings
        self.whole = Piece(0, 0, 0)
        lanes = self.settings.new_lane(), self.settings.new_lane()
        self.down: list[Piece] = []
        shown: Shape | None = None
        for items in glass.left:
            self.down.append(constructs.series(items, True, lanes[0], shown))
            shown = self.down[-1].shown
        self.up = [constructs.series(items, True, lanes[1]) for items in glass.right]
        self.rows = self._rows()
        widths = [box_width(unit) for skip in glass.skips for unit in skip]
        widths += [box_width(glass.bottom)] if glass.bottom else []
        self.middle = max([*widths, self.settings.width if widths else 60.0])
        count = max(1, *map(len, glass.skips))
        across = count * self.middle + (count - 1) * ASIDE
        self.centre = max(piece.right for piece in self.down) + ASIDE + across / 2
        self.right = self.centre + across / 2 + ASIDE + 4 + max(piece.left for piece in self.up)
        self.sinks = [
            self.settings.mark(unit, self.right, y, lanes[1]) for unit, y in zip(glass.sinks, self.rows, strict=False)
        ]

    def draw(self) -> Piece:
        """The picture, its first mark near y = 0."""
        whole = self.whole
        self._place()
        whole.marks += self.sinks
        self._rise(self._turn(*self._fall()))
        whole.left = max(piece.left for piece in self.down)
        whole.right = self.right + max(piece.right for piece in self.up)
        whole.move(0, -min(mark.y - mark.height / 2 for mark in whole.marks))
        whole.height = max(mark.y + mark.height / 2 for mark in whole.marks) + 8
        return whole

    def _rows(self) -> list[float]:
        """The heights of the skips' rows, and of the bottom row last; the first is 0."""
        rows = [0.0]
        for falling, rising in zip(self.down[1:], self.up[1:], strict=True):
            inner = max(falling.height, rising.height)
            last = len(rows) == len(self.down) - 1
            rows.append(rows[-1] + 2 * ROOM + (inner if inner or last else HEIGHT))
        return rows

    def _place(self) -> None:
        """Put the pieces between the rows; the right ones upside down."""
        for at, (falling, rising) in enumerate(zip(self.down, self.up, strict=True)):
            rising.flip()
            if at == 0:
                self.whole.add(falling, 0, -ROOM - falling.height)
                self.whole.add(rising, self.right, -ROOM)
            else:
                room = self.rows[at] - self.rows[at - 1]
                self.whole.add(falling, 0, self.rows[at - 1] + (room - falling.height) / 2)
                self.whole.add(rising, self.right, self.rows[at] - (room - rising.height) / 2)

    def _fall(self) -> tuple[list[Outlet], Label | None]:
        """The left column's lines and the skips; gives what leaves the column's foot, and its label."""
        outlets: list[Outlet] = []
        told = ""
        note: Label | None = None
        for at, piece in enumerate(self.down):
            if piece.marks:
                self.whole.lines += enter(outlets, piece, note) if outlets else []
                outlets = piece.outlets
                value = _value(self.glass.left[at])
                told, before = self.settings.words(value), self.settings.words(piece.shown) or told
                note = Label(told, LABEL, outlets[0].points[-1][1] + 13) if told and told != before else None
            if at < len(self.glass.skips) and outlets:
                self._across(at, outlets[0])
        return outlets, note

    def _across(self, at: int, source: Outlet) -> None:
        """One row: tap, boxes, merge."""
        boxes, sink, y = self.glass.skips[at], self.sinks[at], self.rows[at]
        previous, start = source.tail, (source.points[-1][0], y)
        x = self.centre - (len(boxes) - 1) * (self.middle + ASIDE) / 2
        for unit in boxes:
            mark = self._middle(unit, x, y)
            self.whole.lines.append(Line(previous, mark, [start, (x - self.middle / 2, y)], True, "solid"))
            previous, start = mark, (x + self.middle / 2, y)
            x += self.middle + ASIDE
        self.whole.lines.append(Line(previous, sink, [start, (sink.x - sink.width / 2, y)], True, "solid"))

    def _middle(self, unit: Unit, x: float, y: float) -> Mark:
        mark = Mark(unit, x, y, self.middle, height(unit), lane=self.settings.new_lane())
        self.whole.marks.append(mark)
        return mark

    def _turn(self, outlets: list[Outlet], note: Label | None) -> list[Outlet]:
        """The bottom row: from the left column through the lowest box to the right one; what goes up from there."""
        core, sink, y, bottom = self.up[-1], self.sinks[-1], self.rows[-1], self.glass.bottom
        if bottom is not None:
            mark = self._middle(bottom, self.centre, y)
            left = self.centre - self.middle / 2
            self.whole.lines += connect(outlets, [Inlet(mark, [(0, y), (left, y)])], note)
            words = self.settings.words(bottom.shape)
            note = Label(words, self.right + LABEL, y - 18) if words else None
            outlets = [Outlet(mark, [(self.centre + self.middle / 2, y), (self.right, y)])]
        else:
            for outlet in outlets:
                if not outlet.done:
                    outlet.points = [*outlet.points, (0, y), (self.right, y)]
        foot = Inlet(sink, [(self.right, sink.y + sink.height / 2)])
        if core.inlets:
            self.whole.lines += enter(outlets, core, note)
        else:
            self.whole.lines += connect(outlets, [foot], note)
        return core.outlets

    def _rise(self, outlets: list[Outlet]) -> None:
        """The right column's lines, from the lowest merge up."""
        words = self.settings.words
        lower: Shape | None = None
        for sink, below, above in reversed(list(zip(self.sinks, self.glass.right[1:], self.up[:-1], strict=True))):
            foot, head = sink.y + sink.height / 2, sink.y - sink.height / 2
            if outlets:
                value = words(_value(below) if below else lower)
                note = Label(value, self.right + LABEL, (foot + outlets[0].points[-1][1]) / 2) if value else None
                self.whole.lines += connect(outlets, [Inlet(sink, [(self.right, foot)])], note)
            lower = sink.unit.shape
            outlets = [Outlet(sink, [(self.right, head)])]
            if above.marks:
                value = words(sink.unit.shape)
                middle = (head + above.inlets[0].points[0][1]) / 2
                note = Label(value, self.right + LABEL, middle) if value else None
                self.whole.lines += enter(outlets, above, note)
                outlets = above.outlets
        self.whole.outlets = outlets


def _value(items: Sequence[Element]) -> Shape | None:
    """What a series gives, side boxes apart."""
    return value_of(next((item for item in reversed(items) if not isinstance(item, Side)), None))
