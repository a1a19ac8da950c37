"""Elements as pieces of a picture: boxes, frames, side boxes, and the series that stacks pieces and joins lines."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.backends.diagram import text
from archspec.backends.diagram.folding import is_fan
from archspec.backends.diagram.folding import shortcut as shortcut_of
from archspec.backends.diagram.measures import (
    CIRCLE,
    GAP,
    LABEL,
    LABEL_GAP,
    PAD,
    SMALL_GAP,
    Settings,
    carried,
    height,
)
from archspec.backends.diagram.parallel import branches, shortcut
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Side, Tangle, Unit
from archspec.backends.diagram.sketch import Frame, Inlet, Label, Line, Mark, Outlet, Piece, Style, enter
from archspec.backends.diagram.tangle import tangle
from archspec.ops import Shape

ASIDE = 26.0
"""From a path to the box at its side."""
HEADLINE = 16.0
"""Room for the title of a frame."""


class Constructs:
    """Lays out the elements of one picture, each a :class:`Piece` around its own axis."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def series(
        self,
        items: Sequence[Element],
        labelled: bool,
        lane: int | None = None,
        shown: Shape | None = None,
        *,
        goes_on: bool = False,
    ) -> Piece:
        """Elements above one another; ``shown`` is the shape that the last label on this path told.

        ``goes_on`` says that the path does, in another column.
        """
        settings = self.settings
        whole = Piece(0, settings.width / 2, settings.width / 2)
        lane = settings.new_lane() if lane is None else lane
        last: Element | None = None
        held: Label | None = None
        for at, item in enumerate(items):
            label, value = "", None if last is None else carried(last, item)
            if labelled and value is not None and settings.words(value) != settings.words(shown):
                label, shown = settings.words(value), value
            if isinstance(item, Side) and last is not None:
                held = self._side(whole, item, label, at == len(items) - 1 and not goes_on) or held
                continue
            piece = self.element(item, labelled, lane, shown)
            if last is None:
                whole.add(piece)
                whole.inlets, whole.entry, whole.passing = piece.inlets, piece.entry, piece.passing
            else:
                room = gap(piece, bool(label))
                note = Label(label, LABEL, whole.height + room / 2 - 1) if label else held
                whole.add(piece, 0, whole.height + room)
                whole.lines += enter(whole.outlets, piece, note)
                whole.height += room
            whole.outlets = piece.outlets
            whole.height += piece.height
            whole.left, whole.right = max(whole.left, piece.left), max(whole.right, piece.right)
            last, held = item, None
        whole.shown, whole.held = shown, held
        return whole

    def element(self, item: Element, labelled: bool, lane: int, shown: Shape | None) -> Piece:
        """One element as a piece."""
        if isinstance(item, Unit):
            return self.box(item, lane)
        if isinstance(item, Parallel):
            side = shortcut_of(item)
            if side is None:
                return branches(item, lane, self.settings, self.series)
            return shortcut(item, side, lane, self.settings, self.series)
        if isinstance(item, Group):
            return self.frame(item, labelled, lane, shown)
        if isinstance(item, Tangle):
            return tangle(item, lane, self.settings)
        return self.box(item.chain[0], lane)

    def box(self, unit: Unit, lane: int) -> Piece:
        """A box, or a circle where a merge has lost its branches to folding."""
        mark = self.settings.mark(unit, 0, height(unit) / 2, lane)
        piece = Piece(mark.height, mark.width / 2, mark.width / 2, [mark])
        piece.inlets = [Inlet(mark, [(0, 0)])]
        piece.outlets = [Outlet(mark, [(0, mark.height)])]
        return piece

    def frame(self, item: Group, labelled: bool, lane: int, shown: Shape | None) -> Piece:
        """A frame around what repeats, with ×N beside the merge or the boxes; or around a titled block."""
        within = self.settings.focused or (labelled and item.count == 1 and not item.title)
        inner = self.series(item.items, within, lane, shown)
        top = PAD + (0 if inner.entry == "tap" else PAD) + (HEADLINE if item.title else 0)
        whole = Piece(top + inner.height + PAD, inner.left + PAD, inner.right + PAD, entry="frame")
        whole.add(inner, 0, top)
        title = f"{item.title}  ×{item.count}" if item.title and item.count > 1 else item.title
        if title:
            whole.left = max(whole.left, text.width(title, text.BOX) + 2 * PAD)
        elif item.count > 1:
            end = item.items[-1]
            self._times(whole, item.count, top + inner.height / 2, lane, isinstance(end, Parallel) and not is_fan(end))
        frame = Frame(-whole.left, 0, whole.right, whole.height, title)
        for mark in whole.marks:
            mark.frame = mark.frame or frame
        for other in whole.frames:
            other.parent = other.parent or frame
        whole.frames.insert(0, frame)
        whole.inlets, whole.outlets, whole.shown = inner.inlets, inner.outlets, inner.shown
        whole.passing = inner.passing
        if whole.inlets and not whole.inlets[0].own:
            whole.inlets[0].points = [(0, 0), *whole.inlets[0].points]
        for outlet in whole.outlets:
            if not outlet.done:
                outlet.points = [*outlet.points, (outlet.points[-1][0], whole.height)]
        return whole

    @staticmethod
    def _times(whole: Piece, count: int, middle: float, lane: int, merged: bool) -> None:
        """×N at the left: beside the merge where a shortcut ends, or else beside all the boxes."""
        words = Unit(-1, f"×{count}", "note", None)
        wide = text.width(words.title, text.REPEAT) + 4
        last = max((mark for mark in whole.marks if mark.lane == lane), key=lambda mark: mark.y, default=None)
        mark = Mark(words, 0, middle, wide, 16, "text")
        if merged and last is not None and last.form == "circle":
            mark.x, mark.y = -CIRCLE / 2 - 10 - wide / 2, last.y
        else:
            mark.x = -(whole.left - PAD + 6 + wide / 2)
            whole.left += wide + 4
        whole.marks.append(mark)

    def _side(self, whole: Piece, item: Side, label: str, ends: bool) -> Label | None:
        """A chain of boxes right of the path, reached by a line that leaves it; gives the label of the path."""
        style: Style = "dashed" if item.chain[0].training else "solid"
        tall = max(map(height, item.chain))
        bottom = whole.height
        y = bottom + (20 if label else 8) + tall / 2
        note = Label(label, LABEL, bottom + 10) if label else None
        tail = next((outlet for outlet in whole.outlets if not outlet.done), whole.outlets[0]).tail
        start = [(0.0, bottom), (0.0, y)] if ends else [(0.0, y)]
        x = ASIDE
        for at, unit in enumerate(item.chain):
            mark = self.settings.mark(unit, 0, y, self.settings.new_lane())
            mark.x = x + mark.width / 2
            whole.marks.append(mark)
            words = note if ends and at == 0 else None
            whole.lines.append(Line(tail, mark, [*start, (x, y)], True, style, words))
            tail, start = mark, [(x + mark.width, y)]
            x += mark.width + ASIDE
        whole.right = max(whole.right, x - ASIDE)
        whole.height = y + tall / 2
        return None if ends else note


def gap(piece: Piece, labelled: bool) -> float:
    """The room above a piece."""
    if piece.entry == "box":
        return GAP
    return LABEL_GAP if labelled else SMALL_GAP + (4 if piece.entry == "frame" else 0)
