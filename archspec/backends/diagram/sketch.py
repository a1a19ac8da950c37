"""Geometry: marks, lines and frames with places, and pieces of a picture that fit onto one another.

Everything is placed here, in points, y downwards, so that the drawing program decides nothing: a picture is the same
wherever it is drawn, and columns, branches and shortcuts are straight by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from archspec.backends.diagram.units import Unit
from archspec.ops import Shape

Point = tuple[float, float]
Style = Literal["solid", "dotted", "dashed"]


@dataclass(slots=True, eq=False)
class Frame:
    """A rounded rectangle behind what repeats or what a title names."""

    left: float
    top: float
    right: float
    bottom: float
    title: str = ""
    parent: Frame | None = None


@dataclass(slots=True, eq=False)
class Mark:
    """A box, circle or bare word; x and y are its centre."""

    unit: Unit
    x: float
    y: float
    width: float
    height: float
    form: Literal["box", "circle", "text"] = "box"
    frame: Frame | None = None
    lane: int = 0
    """Marks of one lane stand exactly above one another."""


@dataclass(slots=True, eq=False)
class Label:
    """Words beside a line: left edge and vertical centre."""

    words: str
    x: float
    y: float


@dataclass(slots=True, eq=False)
class Line:
    """A line of right angles from one mark to another; its first and last point need not touch them."""

    tail: Mark
    head: Mark
    points: list[Point]
    arrow: bool
    style: Style
    label: Label | None = None


@dataclass(slots=True, eq=False)
class Inlet:
    """Where a piece takes a line in; ``own`` lines begin at their first point, others go on from what comes."""

    head: Mark
    points: list[Point]
    arrow: bool = True
    style: Style = "solid"
    own: bool = False


@dataclass(slots=True, eq=False)
class Outlet:
    """Where a line leaves a piece; one that is ``done`` has met another and ends at its last point."""

    tail: Mark
    points: list[Point]
    style: Style = "solid"
    done: bool = False


@dataclass(slots=True, eq=False)
class Passing:
    """A line that comes in from above and leaves below, past all that a piece holds; it joins what leaves there."""

    points: list[Point]
    style: Style = "solid"


@dataclass(slots=True, eq=False)
class Piece:
    """Part of a picture around its own axis x = 0, entered at y = 0 and left at y = ``height``."""

    height: float
    left: float
    right: float
    """Extents beside the axis, both positive."""
    marks: list[Mark] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    inlets: list[Inlet] = field(default_factory=list)
    outlets: list[Outlet] = field(default_factory=list)
    passing: list[Passing] = field(default_factory=list)
    entry: Literal["box", "tap", "frame"] = "box"
    """What a line meets first, which decides the room above it."""
    shown: Shape | None = None
    """The shape that the last label on its path told."""
    held: Label | None = None
    """The label of the line that leaves it, when side boxes end it."""

    def add(self, other: Piece, dx: float = 0, dy: float = 0) -> None:
        """Take another piece's marks, lines and frames in, moved; what comes in and leaves moves but stays its own."""
        other.move(dx, dy)
        self.marks += other.marks
        self.lines += other.lines
        self.frames += other.frames

    def move(self, dx: float, dy: float) -> None:
        """Move everything."""
        if dx == 0 and dy == 0:
            return
        for mark in self.marks:
            mark.x, mark.y = mark.x + dx, mark.y + dy
        for line in [*self.lines, *self.inlets, *self.outlets, *self.passing]:
            line.points = [(x + dx, y + dy) for x, y in line.points]
        for line in self.lines:
            if line.label is not None:
                line.label.x, line.label.y = line.label.x + dx, line.label.y + dy
        for frame in self.frames:
            frame.left, frame.right = frame.left + dx, frame.right + dx
            frame.top, frame.bottom = frame.top + dy, frame.bottom + dy

    def flip(self) -> None:
        """Turn it upside down: what flowed down flows up."""
        for mark in self.marks:
            mark.y = -mark.y
        for line in [*self.lines, *self.inlets, *self.outlets, *self.passing]:
            line.points = [(x, -y) for x, y in line.points]
        for line in self.lines:
            if line.label is not None:
                line.label.y = -line.label.y
        for frame in self.frames:
            frame.top, frame.bottom = -frame.bottom, -frame.top


def enter(outlets: Sequence[Outlet], piece: Piece, words: Label | None = None) -> list[Line]:
    """The lines from outlets into a piece; what passes through it leaves it as theirs."""
    tails = list(dict.fromkeys(outlet.tail for outlet in outlets))
    piece.outlets = [
        *piece.outlets, *(Outlet(tail, list(one.points), one.style, True) for one in piece.passing for tail in tails)
    ]  # fmt: skip
    piece.passing = []
    return connect(outlets, piece.inlets, words)


def connect(outlets: Sequence[Outlet], inlets: Sequence[Inlet], words: Label | None = None) -> list[Line]:
    """The lines from outlets to inlets; the label goes to the first that runs through."""
    lines: list[Line] = []
    through = [outlet for outlet in outlets if not outlet.done] or list(outlets)
    for outlet in outlets:
        for inlet in inlets:
            style: Style = inlet.style if inlet.style != "solid" else outlet.style
            if inlet.own:
                if outlet is through[0]:
                    lines.append(Line(outlet.tail, inlet.head, list(inlet.points), inlet.arrow, style))
            elif outlet.done:
                lines.append(Line(outlet.tail, inlet.head, list(outlet.points), False, style))
                break
            else:
                line = Line(outlet.tail, inlet.head, [*outlet.points, *inlet.points], inlet.arrow, style, words)
                words = None
                lines.append(line)
    return lines


def tidy(points: Sequence[Point]) -> list[Point]:
    """The same line without repeated points and without points in the middle of a straight stretch."""
    found: list[Point] = []
    for x, y in points:
        point = (round(x, 2), round(y, 2))
        if found and found[-1] == point:
            continue
        while len(found) > 1 and (found[-2][0] == found[-1][0] == point[0] or found[-2][1] == found[-1][1] == point[1]):
            found.pop()
        found.append(point)
    return found
