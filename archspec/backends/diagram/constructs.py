"""The constructs that pictures of networks are made of: path, shortcut, branches, repeat, side box, tangle.

Each gives a :class:`Piece` around its own axis; a series stacks pieces and joins their lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archspec.backends.diagram import text
from archspec.backends.diagram.folding import shortcut
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Side, Tangle, Unit, units_of
from archspec.backends.diagram.sketch import Frame, Inlet, Label, Line, Mark, Outlet, Piece, Style, connect
from archspec.ops import Shape

HEIGHT, TALL = 21.6, 28.8
"""Heights of a box with one and with two lines."""
CIRCLE = 16.6
GAP, LABEL_GAP, SMALL_GAP = 26.0, 24.0, 11.0
"""Room above a box; above a tap or a frame with a label; and without one."""
LABEL = 4.5
"""From a line to the label beside it."""
REACH = 22.0
"""From a tap down to the first box below it."""
RAIL = 11.0
"""From the boxes to the line that passes them."""
PAD = 8.0
"""From a frame to what it holds."""
BESIDE = 20.0
"""Between neighbouring branches."""


class Constructs:
    """Lays out elements; all boxes on the main paths are ``width`` wide."""

    def __init__(
        self, width: float, words: Callable[[Shape | None], str], *, every_label: bool, projections: bool
    ) -> None:
        self.width = width
        self.words = words
        self.every_label = every_label
        self.projections = projections
        self.dotted: set[str] = set()
        """What dotted lines mean in this picture."""
        self.hidden = False
        """Whether a dotted line stands for a 1×1 convolution that is not drawn."""
        self.lane = 0

    # -- path --------------------------------------------------------------------------------------------------------

    def series(self, items: Sequence[Element], labelled: bool, shown: Shape | None = None, lane: int | None = None) -> Piece:
        """Elements above one another; ``shown`` is the shape that the last label on this path told."""
        whole = Piece(0, self.width / 2, self.width / 2)
        lane = self.new_lane() if lane is None else lane
        last: Piece | None = None
        held: Label | None = None
        for at, item in enumerate(items):
            label = ""
            if last is not None and labelled:
                shape = value_of(items[at - 1] if not isinstance(items[at - 1], Side) else None)
                if shape is not None and self.words(shape) != self.words(shown):
                    label, shown = self.words(shape), shape
            if isinstance(item, Side) and last is not None:
                held = self._side(whole, item, label, at == len(items) - 1) or held
                continue
            piece = self.element(item, labelled, shown, lane)
            gap = 0.0 if last is None else self._gap(piece, bool(label))
            note = Label(label, LABEL, whole.height + gap / 2 - 1) if label else held
            held = None
            whole.add(piece, 0, whole.height + gap)
            if last is None:
                whole.inlets, whole.entry = piece.inlets, piece.entry
            else:
                whole.lines += connect(whole.outlets, piece.inlets, note)
            whole.outlets = piece.outlets
            whole.height += gap + piece.height
            whole.left, whole.right = max(whole.left, piece.left), max(whole.right, piece.right)
            last = piece
        whole.shown = shown
        return whole

    def _gap(self, piece: Piece, labelled: bool) -> float:
        if piece.entry == "box":
            return GAP
        return LABEL_GAP if labelled else SMALL_GAP + (4 if piece.entry == "frame" else 0)

    def new_lane(self) -> int:
        self.lane += 1
        return self.lane

    def element(self, item: Element, labelled: bool, shown: Shape | None, lane: int) -> Piece:
        """One element as a piece."""
        if isinstance(item, Unit):
            return self.box(item, lane)
        if isinstance(item, Parallel):
            side = shortcut(item)
            return self.branches(item, lane) if side is None else self.shortcut(item, side, lane)
        if isinstance(item, Group):
            return self.frame(item, labelled, shown, lane)
        if isinstance(item, Side):
            return self.box(item.chain[0], lane)
        return self.tangle(item, lane)

    def box(self, unit: Unit, lane: int, width: float | None = None) -> Piece:
        """A box, or a circle where a merge has lost its branches to folding."""
        mark = self._mark(unit, 0, 0, width, lane)
        mark.y = mark.height / 2
        piece = Piece(mark.height, mark.width / 2, mark.width / 2, [mark])
        piece.inlets = [Inlet(mark, [(0, 0)])]
        piece.outlets = [Outlet(mark, [(0, mark.height)])]
        return piece

    def _mark(self, unit: Unit, x: float, y: float, width: float | None, lane: int) -> Mark:
        if unit.sign:
            return Mark(unit, x, y, CIRCLE, CIRCLE, "circle", lane=lane)
        return Mark(unit, x, y, self.width if width is None else width, TALL if unit.detail else HEIGHT, lane=lane)

    # -- shortcut ----------------------------------------------------------------------------------------------------

    def shortcut(self, item: Parallel, side: int, lane: int) -> Piece:
        """A path with a line past it at the right; a projection stands in that line, or only dots it."""
        path = self.series(item.branches[1 - side], self.every_label, lane=lane)
        boxes = [unit for unit in item.branches[side] if isinstance(unit, Unit)]
        style: Style = "solid"
        if boxes and item.source is not None and self.words(item.source.shape) != self.words(value_of(boxes[-1])):
            style = "dotted"
            self.dotted.add("size" if _halves(item.source.shape, value_of(boxes[-1])) else "channels")
        long = len(list(units_of(item.branches[1 - side]))) > 1
        hidden = not self.projections and style == "dotted" and len(boxes) == 1 and long and boxes[0].role == "conv"
        self.hidden = self.hidden or hidden
        whole = Piece(0, path.left, path.right, entry="tap")
        whole.add(path, 0, REACH)
        below = REACH + path.height
        sink = self._sink(whole, item.sink, below, lane)
        at = sink.y if sink is not None else below + RAIL
        edge = (sink.width / 2 if sink is not None else 0, at)
        if boxes and not hidden:
            rail = self._rail(whole, boxes, path.right, at, style, sink, edge)
        else:
            rail = path.right + RAIL
            whole.right = rail
            if sink is not None:
                whole.inlets.append(Inlet(sink, [(0, 0), (rail, 0), (rail, at), edge], style=style, own=True))
        head = path.inlets[0] if path.inlets else None
        if head is not None:
            head.points = [(0, 0), *head.points]
            whole.inlets = [*path.inlets, *whole.inlets]
        self._join(whole, path.outlets, sink, below)
        if sink is None:
            whole.height = at + 4
        return whole

    def _rail(
        self, whole: Piece, boxes: list[Unit], right: float, at: float, style: Style, sink: Mark | None, edge: tuple[float, float]
    ) -> float:
        """A side line with boxes in it, halfway down."""
        width = max(box_width(unit) for unit in boxes)
        rail = right + BESIDE * 0.7 + width / 2
        lane = self.new_lane()
        height = sum(TALL if unit.detail else HEIGHT for unit in boxes) + GAP * 0.7 * (len(boxes) - 1)
        y = max(REACH, (at - height) / 2)
        previous: Mark | None = None
        for unit in boxes:
            mark = self._mark(unit, rail, 0, width, lane)
            mark.y = y + mark.height / 2
            whole.marks.append(mark)
            if previous is None:
                whole.inlets.append(Inlet(mark, [(0, 0), (rail, 0), (rail, y)], style=style, own=True))
            else:
                whole.lines.append(Line(previous, mark, [(rail, previous.y + previous.height / 2), (rail, y)], True, style))
            y += mark.height + GAP * 0.7
            previous = mark
        whole.right = rail + width / 2
        if sink is not None and previous is not None:
            points = [(rail, previous.y + previous.height / 2), (rail, at), edge]
            whole.lines.append(Line(previous, sink, points, True, style))
        return rail

    def _sink(self, whole: Piece, unit: Unit | None, below: float, lane: int) -> Mark | None:
        """The mark where branches meet, placed on the axis; the piece ends with it."""
        whole.height = below
        if unit is None:
            return None
        mark = self._mark(unit, 0, 0, None, lane)
        mark.y = below + (20 if unit.sign else GAP) + mark.height / 2
        whole.marks.append(mark)
        whole.height = mark.y + mark.height / 2
        whole.outlets = [Outlet(mark, [(0, whole.height)])]
        return mark

    @staticmethod
    def _join(whole: Piece, outlets: Sequence[Outlet], sink: Mark | None, below: float) -> None:
        if sink is None:
            whole.outlets = list(outlets)
        else:
            whole.lines += connect(outlets, [Inlet(sink, [(0, sink.y - sink.height / 2)])])

    # -- branches ----------------------------------------------------------------------------------------------------

    def branches(self, item: Parallel, lane: int) -> Piece:
        """Branches side by side, in the order written, their last boxes in one row."""
        count = len(item.branches)
        middle = count // 2 if count % 2 else -1
        pieces = [
            self.series(branch, self.every_label, lane=lane if at == middle else None) for at, branch in enumerate(item.branches)
        ]
        places = _side_by_side(pieces)
        tallest = max(piece.height for piece in pieces)
        top = REACH if item.source is not None or item.sink is None else 0.0
        whole = Piece(0, 0, 0, entry="tap")
        below = top + tallest
        for piece, x in zip(pieces, places, strict=True):
            whole.left, whole.right = max(whole.left, piece.left - x), max(whole.right, piece.right + x)
            whole.add(piece, x, below - piece.height)
        drop = 20 + (6 if self.every_label else 0)
        sink = self._sink(whole, item.sink, below + drop - 20, lane)
        level = below + drop / 2 + 2 if sink is None or not item.sink or not item.sink.sign else sink.y
        if sink is None:
            whole.height = level
        outer = _outermost(places)
        for at, (piece, x) in enumerate(zip(pieces, places, strict=True)):
            self._fan_in(whole, piece, x, at in outer, sink, level)
        whole.inlets.sort(key=lambda inlet: inlet.own)
        return whole

    def _fan_in(self, whole: Piece, piece: Piece, x: float, outer: bool, sink: Mark | None, level: float) -> None:
        """One branch's lines from the tap above and to the meeting point below."""
        start = [(0.0, 0.0), (x, 0.0)] if outer or x == 0 else [(x, 0.0)]
        end: list[tuple[float, float]]
        arrow = outer or x == 0
        circle = sink is not None and sink.form == "circle"
        if circle and sink is not None and x != 0:
            half = sink.width / 2 * (1 if x > 0 else -1)
            end = [(x, level), (half, level)] if outer else [(x, level)]
        elif sink is not None:
            end = [(x, level), (0, level), (0, sink.y - sink.height / 2)] if outer or x == 0 else [(x, level)]
        else:
            end = [(x, level), (0, level)] if outer or x == 0 else [(x, level)]
        through = x == 0 or (whole.inlets == [] and outer)
        if not piece.marks:
            if sink is not None:
                whole.inlets.append(Inlet(sink, [*start, *end], arrow, own=not through))
            return
        for inlet in piece.inlets:
            if not inlet.own:
                inlet.points = [*start, *inlet.points]
                inlet.own = not through
                through = False
            whole.inlets.append(inlet)
        if sink is None:
            for outlet in piece.outlets:
                outlet.points = [*outlet.points, *end]
                outlet.done = outlet.done or any(not other.done for other in whole.outlets)
                whole.outlets.append(outlet)
        else:
            whole.lines += connect(piece.outlets, [Inlet(sink, end, arrow)])

    # -- repeat, titled block ------------------------------------------------------------------------------------------

    def frame(self, item: Group, labelled: bool, shown: Shape | None, lane: int) -> Piece:
        """A frame around what repeats, with ×N beside the merge or the last box; or around a titled block."""
        inner = self.series(item.items, labelled and item.count == 1 and not item.title, shown, lane)
        top = PAD if inner.entry == "tap" else PAD + 8
        if item.title:
            top += 16
        left, right = inner.left + PAD, inner.right + PAD
        last = inner.marks and max((mark for mark in inner.marks if mark.lane == lane), key=lambda mark: mark.y, default=None)
        whole = Piece(top + inner.height + PAD, left, right, entry="frame")
        whole.add(inner, 0, top)
        if item.count > 1:
            words = Unit(-1, f"×{item.count}", "note", None)
            wide = text.width(words.title, text.REPEAT) + 4
            mark = Mark(words, 0, 0, wide, 16, "text", lane=-1)
            if last and last.form == "circle":
                mark.x, mark.y = -CIRCLE / 2 - 10 - wide / 2, last.y
            else:
                mark.x, mark.y = inner.right + 6 + wide / 2, top + inner.height / 2
                whole.right += wide + 4
            whole.marks.append(mark)
        title = text.width(item.title, text.BOX) + 2 * PAD
        if whole.left + whole.right < title:
            whole.right = title - whole.left
        frame = Frame(-whole.left, 0, whole.right, whole.height, item.title)
        for mark in whole.marks:
            if mark.frame is None:
                mark.frame = frame
        for other in whole.frames:
            if other.parent is None:
                other.parent = frame
        whole.frames.insert(0, frame)
        whole.left, whole.right = whole.left, whole.right
        whole.inlets, whole.outlets = inner.inlets, inner.outlets
        for inlet in whole.inlets[:1]:
            inlet.points = [(0, 0), *inlet.points] if not inlet.own else inlet.points
        for outlet in whole.outlets:
            if not outlet.done:
                outlet.points = [*outlet.points, (outlet.points[-1][0], whole.height)]
        return whole

    # -- side boxes ----------------------------------------------------------------------------------------------------

    def _side(self, whole: Piece, item: Side, label: str, ends: bool) -> Label | None:
        """A chain of boxes to the right of the path, reached by a line that leaves it; gives the label of the path."""
        style: Style = "dashed" if item.chain[0].training else "solid"
        height = max(TALL if unit.detail else HEIGHT for unit in item.chain)
        bottom = whole.height
        y = bottom + (20 if label else 8) + height / 2
        x = 26.0
        previous: Mark | None = None
        tail = next((outlet for outlet in whole.outlets if not outlet.done), whole.outlets[0])
        for unit in item.chain:
            mark = self._mark(unit, 0, y, None, self.new_lane())
            mark.x = x + mark.width / 2
            if previous is None:
                start = [(0.0, bottom), (0.0, y)] if ends else [(0.0, y)]
                note = Label(label, LABEL, bottom + 10) if ends and label else None
                whole.lines.append(Line(tail.tail, mark, [*start, (x, y)], True, style, note))
            else:
                whole.lines.append(Line(previous, mark, [(previous.x + previous.width / 2, y), (x, y)], True, style))
            whole.marks.append(mark)
            previous = mark
            x += mark.width + 24
        whole.right = max(whole.right, x - 24)
        whole.height = y + height / 2
        return None if ends or not label else Label(label, LABEL, bottom + 10)

    # -- what no construct tells ---------------------------------------------------------------------------------------

    def tangle(self, item: Tangle, lane: int) -> Piece:
        """Units above one another in running order; a line that passes others runs in a lane of its own at the right."""
        whole = Piece(0, self.width / 2, self.width / 2, entry="tap")
        marks: list[Mark] = []
        y = REACH
        for unit in item.units:
            mark = self._mark(unit, 0, 0, None, lane)
            mark.y = y + mark.height / 2
            y += mark.height + GAP
            marks.append(mark)
        whole.marks = marks
        whole.height = marks[-1].y + marks[-1].height / 2 if marks else 0
        targets: dict[int, list[int]] = {-1: [place for place in item.entries if place]}
        for source, target in item.edges:
            if target == source + 1:
                points = [(0.0, marks[source].y + marks[source].height / 2), (0.0, marks[target].y - marks[target].height / 2)]
                whole.lines.append(Line(marks[source], marks[target], points, True, "solid"))
            else:
                targets.setdefault(source, []).append(target)
        if 0 in item.entries:
            whole.inlets.append(Inlet(marks[0], [(0, 0), (0, marks[0].y - marks[0].height / 2)]))
        self._rails(whole, marks, targets)
        whole.outlets = [Outlet(marks[place], [(0, marks[place].y + marks[place].height / 2)], done=True) for place in item.exits]
        final = whole.outlets[-1]
        final.done = False
        for outlet in whole.outlets[:-1]:
            rail = whole.right + RAIL
            whole.right = rail
            y = outlet.points[0][1] + 8
            outlet.points = [outlet.points[0], (0, y), (rail, y), (rail, whole.height + 8), (0, whole.height + 8)]
        if len(whole.outlets) > 1:
            whole.height += 8
            final.points = [*final.points, (0, whole.height)]
        return whole

    def _rails(self, whole: Piece, marks: list[Mark], targets: dict[int, list[int]]) -> None:
        """One rail for each source, the short ones nearest; rails that do not meet share a lane."""
        taken: list[list[tuple[int, int]]] = []
        for source, heads in sorted(targets.items(), key=lambda entry: (max(entry[1], default=0) - entry[0], entry[0])):
            if not heads:
                continue
            span = (source, max(heads))
            slot = next((at for at, spans in enumerate(taken) if all(b <= span[0] or a >= span[1] for a, b in spans)), len(taken))
            if slot == len(taken):
                taken.append([])
            taken[slot].append(span)
            rail = self.width / 2 + RAIL + slot * 9
            whole.right = max(whole.right, rail)
            y = 0.0 if source < 0 else marks[source].y + marks[source].height / 2 + 7
            heads = sorted(set(heads))
            for head in reversed(heads):
                mark = marks[head]
                tip = (mark.width / 2, mark.y)
                outer = head == heads[-1]
                points = [(rail, mark.y), tip]
                if outer:
                    start = [(0.0, y)] if source < 0 else [(0.0, y - 7), (0.0, y)]
                    points = [*start, (rail, y), *points]
                if source < 0:
                    whole.inlets.append(Inlet(mark, points, own=True))
                else:
                    whole.lines.append(Line(marks[source], mark, points, True, "solid"))


def box_width(unit: Unit) -> float:
    """How wide a box must be for its words, with room for another font than Arial."""
    if unit.sign:
        return CIRCLE
    first = text.width(words_of(unit), text.BOX)
    return 1.08 * max(first, text.width(unit.detail, text.SMALL)) + 16


def words_of(unit: Unit) -> str:
    """The first line of a box, with ×N where it stands for several."""
    return f"{unit.title}  ×{unit.count}" if unit.count > 1 else unit.title


def value_of(item: Element | None) -> Shape | None:
    """The shape of what an element gives."""
    if isinstance(item, Unit):
        return item.shape
    if isinstance(item, Parallel):
        if item.sink is not None:
            return item.sink.shape
        return next((value_of(branch[-1]) for branch in item.branches if branch), None)
    if isinstance(item, Group):
        return value_of(next((inner for inner in reversed(item.items) if not isinstance(inner, Side)), None))
    if isinstance(item, Tangle):
        return item.units[item.exits[-1]].shape
    return None


def _halves(before: Shape | None, after: Shape | None) -> bool:
    return before is not None and after is not None and before.spatial != after.spatial


def _side_by_side(pieces: Sequence[Piece]) -> list[float]:
    """The axes of branches, the middle one (or the middle between the two middle ones) at 0."""
    places = [0.0]
    for left, right in zip(pieces, pieces[1:], strict=False):
        places.append(places[-1] + left.right + BESIDE + right.left)
    half = len(pieces) // 2
    centre = places[half] if len(pieces) % 2 else (places[half - 1] + places[half]) / 2
    return [round(place - centre, 2) for place in places]


def _outermost(places: Sequence[float]) -> set[int]:
    """The leftmost and the rightmost branch, whose lines the others join."""
    found = set()
    if places[0] < 0:
        found.add(0)
    if places[-1] > 0:
        found.add(len(places) - 1)
    return found
