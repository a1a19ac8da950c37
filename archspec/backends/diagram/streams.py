"""Draws a network by resolution: a column for each, rows from top to bottom, lines slanted where the size changes.

Every mark of a row stands at one height, so that the room between two rows is free of boxes: slanted lines, and lines
that run to a rail beside a column, stay in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from archspec.backends.diagram.levels import Levels, Link
from archspec.backends.diagram.measures import LABEL, RAIL, Settings, height
from archspec.backends.diagram.sketch import Label, Line, Piece, Point, Style

ROOM, STEEPER = 26.0, 7.0
"""Between two rows, and more for each column that a line between them crosses."""
CLOSE = 7.0
"""Between neighbouring rails."""
BEND = 7.0
"""From the foot of a mark to where its line turns."""


@dataclass(slots=True)
class _Tracks:
    """Stretches of rows taken beside a column, or of columns between two rows, each by the lines of one source."""

    taken: list[list[tuple[int, int, int]]] = field(default_factory=list)

    def place(self, source: int, start: int, end: int) -> int:
        """The first track that is free from start to end, or that the source's own lines hold there."""
        for at, spans in enumerate(self.taken):
            if all(owner == source or last <= start or first >= end for owner, first, last in spans):
                spans.append((source, start, end))
                return at
        self.taken.append([(source, start, end)])
        return len(self.taken) - 1


class _Rail(NamedTuple):
    """Where a line passes marks: right of which column, on which track, and its turn below the row it leaves."""

    side: int
    track: int
    turn: int


def streams(levels: Levels, settings: Settings) -> Piece:
    """The whole picture, its first column around x = 0."""
    return _Drawing(levels, settings).draw()


class _Drawing:
    def __init__(self, levels: Levels, settings: Settings) -> None:
        self.levels = levels
        self.settings = settings
        self.at = set(zip(levels.columns, levels.rows, strict=True))
        self.rails = [_Tracks() for _ in range(max(levels.columns) + 1)]
        self.turns = [_Tracks() for _ in range(max(levels.rows) + 1)]
        self.tall = [0.0] * len(self.turns)
        for unit, row in zip(levels.units, levels.rows, strict=True):
            self.tall[row] = max(self.tall[row], height(unit))
        self.routes = [self._route(link) for link in levels.links]
        self.x = self._places_across()
        self.feet = self._places_down()
        lanes = [settings.new_lane() for _ in self.x]
        self.marks = [
            settings.mark(unit, self.x[column], self.feet[row] - self.tall[row] / 2, lanes[column])
            for unit, column, row in zip(levels.units, levels.columns, levels.rows, strict=True)
        ]

    # -- routes -------------------------------------------------------------------------------------------------------

    def _free(self, column: int, above: int, below: int) -> bool:
        """Whether a column has no mark strictly between two rows."""
        return all((column, row) not in self.at for row in range(above + 1, below))

    def _route(self, link: Link) -> _Rail | None:
        """The rail that a line runs by; None for one that is straight, or slanted at its end."""
        levels = self.levels
        column, goal = levels.columns[link.tail], levels.columns[link.head]
        above, below = levels.rows[link.tail], levels.rows[link.head]
        if self._free(column, above, below) and (column == goal or self._lone(link, column, above, below)):
            return None
        side = goal if goal <= column else goal - 1
        turn = self.turns[above].place(link.tail, *sorted((2 * column, 2 * side + 1)))
        return _Rail(side, self.rails[side].place(link.tail, above, below), turn)

    def _lone(self, link: Link, column: int, above: int, below: int) -> bool:
        """Whether no other line runs down the column where this one would before it is slanted."""
        levels = self.levels
        inside = range(above, below - 1)
        return below == above + 1 or not any(
            other is not link
            and levels.columns[other.tail] == column
            and other.tail != link.tail
            and levels.rows[other.tail] in inside
            for other in levels.links
        )

    # -- places -------------------------------------------------------------------------------------------------------

    def _places_across(self) -> list[float]:
        """The middle of each column."""
        found = [0.0]
        for rails in self.rails[:-1]:
            found.append(found[-1] + self.settings.width + 2 * RAIL + CLOSE * max(1, len(rails.taken)))
        return found

    def _places_down(self) -> list[float]:
        """The foot of each row."""
        levels = self.levels
        slant = [0] * len(self.tall)
        for link, rail in zip(levels.links, self.routes, strict=True):
            if rail is None:
                last = levels.rows[link.head] - 1
                slant[last] = max(slant[last], abs(levels.columns[link.head] - levels.columns[link.tail]))
        found = [self.tall[0]]
        for row in range(1, len(self.tall)):
            room = ROOM + STEEPER * slant[row - 1] + CLOSE * max(0, len(self.turns[row - 1].taken) - 1)
            found.append(found[-1] + room + self.tall[row])
        return found

    # -- drawing ------------------------------------------------------------------------------------------------------

    def draw(self) -> Piece:
        whole = Piece(0, 0, 0, marks=list(self.marks))
        whole.lines = [self._line(link, route) for link, route in zip(self.levels.links, self.routes, strict=True)]
        self._tell(whole.lines)
        half = self.settings.width / 2
        points = [point for line in whole.lines for point in line.points]
        whole.left = half
        whole.right = max([self.x[-1] + half, *(x for x, _ in points)])
        whole.height = self.marks[-1].y + self.marks[-1].height / 2
        whole.height = max([whole.height, *(y for _, y in points)])
        return whole

    def _line(self, link: Link, rail: _Rail | None) -> Line:
        levels = self.levels
        tail, head = self.marks[link.tail], self.marks[link.head]
        training = levels.units[link.head].training or levels.units[link.tail].training
        style: Style = "dashed" if training else "solid"
        above, below = levels.rows[link.tail], levels.rows[link.head]
        points: list[Point] = [(tail.x, tail.y + tail.height / 2)]
        if rail is None:
            if tail.x != head.x and below > above + 1:
                points.append((tail.x, self.feet[below - 1]))
            return Line(tail, head, [*points, (head.x, head.y - head.height / 2)], True, style)
        x = self.x[rail.side] + self.settings.width / 2 + RAIL + CLOSE * rail.track
        y = self.feet[above] + BEND + CLOSE * rail.turn
        edge = head.x + (head.width / 2 if x > head.x else -head.width / 2)
        return Line(tail, head, [*points, (tail.x, y), (x, y), (x, head.y), (edge, head.y)], True, style)

    def _tell(self, lines: Iterable[Line]) -> None:
        """Shapes beside the lines of a column, wherever the column's changes."""
        told: dict[float, str] = {}
        for line in sorted(lines, key=lambda line: line.tail.y):
            words = self.settings.words(line.tail.unit.shape)
            column = line.tail.x
            straight = len(line.points) == 2 and line.head.x == column
            if straight and words and told.get(column) != words:
                line.label = Label(words, column + LABEL, (line.points[0][1] + line.points[1][1]) / 2 - 1)
                told[column] = words
