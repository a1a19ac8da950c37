"""Networks beside one another: what they have in common stands in one row, and shapes stand in the margin.

Rows are found as a text comparison finds common lines, by the words in the boxes of the main paths; a row is as high
as the highest of its networks needs it, so that the others' lines are longer there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from archspec.backends.diagram import text
from archspec.backends.diagram.columns import with_sides
from archspec.backends.diagram.constructs import Constructs, gap
from archspec.backends.diagram.folding import shortcut
from archspec.backends.diagram.measures import value_of, words_of
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Unit, units_of
from archspec.backends.diagram.sketch import Mark, Piece, connect
from archspec.backends.diagram.units import drawn
from archspec.ops import Shape
from archspec.records import record

BETWEEN = 30.0
TITLE = 34.0
"""From the title of a network down to its first box."""
MARGIN = 18.0
ROOM = 13.0
"""Above a box: no label stands there."""


@record
class Network:
    """One of the networks: its title, what is drawn of it, and how its shapes are written, at which sizes."""

    title: str
    items: Sequence[Element]
    words: Callable[[Shape | None], str]
    sizes: Mapping[str, int]


@dataclass(slots=True)
class _Row:
    """What stands at one height: a part of each network that has one here."""

    words: str
    parts: dict[int, Piece] = field(default_factory=dict)
    shapes: list[str] = field(default_factory=list)


def beside(networks: Sequence[Network], constructs: Constructs) -> Piece:
    """Networks, each with its title, as one piece."""
    rows = _rows(networks, constructs)
    columns = [Piece(0, constructs.settings.width / 2, constructs.settings.width / 2) for _ in networks]
    heights: list[tuple[_Row, float]] = []
    for row in rows:
        anchor = 0.0
        for at, part in row.parts.items():
            column = columns[at]
            room = min(gap(part, False), ROOM) if column.marks else 0.0
            anchor = max(anchor, column.height + room + _middle(part))
        for at, part in row.parts.items():
            _put(columns[at], part, anchor - _middle(part))
        heights.append((row, anchor))
    return _joined([network.title for network in networks], columns, heights, constructs)


def _rows(networks: Sequence[Network], constructs: Constructs) -> list[_Row]:
    rows: list[_Row] = []
    for at, network in enumerate(networks):
        constructs.settings.words = network.words
        parts = with_sides(network.items)
        words = [_words(part[0]) for part in parts]
        found: list[_Row] = []
        matcher = SequenceMatcher(None, [row.words for row in rows], words, autojunk=False)
        for kind, first, last, begin, end in matcher.get_opcodes():
            found += rows[first:last]
            if kind != "equal":
                found += [_Row(word) for word in words[begin:end]]
        rows = found
        free = iter(rows)
        for part, word in zip(parts, words, strict=True):
            row = next(row for row in free if row.words == word)
            row.parts[at] = constructs.series(part, False)
            row.shapes.append(network.words(_own(part[0])))
    return rows


def _own(item: Element) -> Shape | None:
    """The shape of what a box is named after: without what only reshapes, such as a flatten that goes with it."""
    if not isinstance(item, Unit) or item.block is not None:
        return value_of(item)
    named = [node for node in item.nodes if node.op is None or drawn(node.op) != "never"]
    return named[-1].shape if named else item.shape


def _words(item: Element) -> str:
    """What an element is, a shortcut around it aside: the words of its first box on the main path."""
    if isinstance(item, Parallel):
        side = shortcut(item)
        inner = [branch for at, branch in enumerate(item.branches) if at != side and branch]
        if side is not None and inner:
            return _words(inner[0][0])
    if isinstance(item, Group) and item.items:
        return f"{_words(item.items[0])} ×{item.count}"
    unit = item if isinstance(item, Unit) else next(iter(units_of([item])), None)
    return f"{words_of(unit)}\n{unit.detail}" if unit is not None else ""


def _middle(part: Piece) -> float:
    """The height of the first box of a part."""
    return min((mark.y for mark in part.marks if mark.form == "box"), default=part.height / 2)


def _put(column: Piece, part: Piece, top: float) -> None:
    first = not column.marks
    column.add(part, 0, top)
    if not first:
        for outlet in column.outlets:
            if not outlet.done:
                outlet.points = [*outlet.points, (0.0, top)]
        column.lines += connect(column.outlets, part.inlets)
    column.outlets = part.outlets
    column.height = top + part.height
    column.left, column.right = max(column.left, part.left), max(column.right, part.right)


def _agree(row: _Row, networks: int) -> bool:
    """Whether the margin can speak for a row: several networks have it, and their maps are of one shape."""
    said = set(row.shapes)
    return len(said) == 1 and said != {""} and len(row.parts) >= min(2, networks)


def _joined(
    titles: Sequence[str], columns: Sequence[Piece], heights: Sequence[tuple[_Row, float]], constructs: Constructs
) -> Piece:
    """Columns side by side below their titles, with the shapes of the rows at the left."""
    lane = constructs.settings.new_lane()
    shapes = [(row.shapes[0], y) for row, y in heights if _agree(row, len(titles))]
    wide = max((1.08 * text.width(shape, text.REPEAT) for shape, _ in shapes), default=0.0)
    whole = Piece(max(column.height for column in columns) + TITLE, MARGIN + wide, 0)
    told = ""
    for shape, y in shapes:
        if shape != told:
            unit = Unit(-1, shape, "note", None)
            whole.marks.append(Mark(unit, -MARGIN - wide / 2, y + TITLE, wide + 8, 16, "text", lane=lane))
            told = shape
    x = 0.0
    for title, column in zip(titles, columns, strict=True):
        room = 1.15 * text.width(title, text.REPEAT) + 8
        column.left, column.right = max(column.left, room / 2), max(column.right, room / 2)
        x += column.left
        whole.marks.append(Mark(Unit(-1, title, "note", None), x, TITLE / 2 - 6, room, 18, "text"))
        whole.add(column, x, TITLE)
        x += column.right + BETWEEN
    whole.right = x - BETWEEN
    return whole
