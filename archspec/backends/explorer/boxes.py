"""The boxes of the explorer: the contents of each block as series and branches, independent of which blocks are open.

The page lays them out.  The order of boxes, what is folded and how a long row is split are decided here, once, by the
same rules as in pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from math import ceil
from typing import Any, TypeAlias

from archspec.backends.diagram import text
from archspec.backends.diagram.folding import Folder, block_name, shortcut
from archspec.backends.diagram.naming import net_of
from archspec.backends.diagram.palette import Role
from archspec.backends.diagram.plan import Plan
from archspec.backends.diagram.repeats import Repeat
from archspec.backends.diagram.resolutions import columns_of
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Side, Tangle, Unit, decompose, units_of
from archspec.backends.diagram.sides import arranged, whole_side
from archspec.backends.diagram.units import Net, unit_of
from archspec.graph import Graph, Node, Scope
from archspec.ops import Shape

LONGEST = 40
"""The most elements in a row; a longer row is split into boxes of this many."""
WIDEST = 80
"""The most boxes in a tangle; a larger one is split in the order of execution."""
LONG, FEW = 8, 3
"""Equal neighbours are folded from ``FEW`` on, and in a row of more than ``LONG`` elements from two on."""

Series: TypeAlias = list[Any]
"""A row of elements as plain data: a box by its number; ``b`` branches, ``k`` their join, ``s`` which is a shortcut;
``u`` boxes and ``e`` edges of a tangle, ``i`` its entries and ``x`` its exits, ``l`` columns by resolution where there
are several; ``c`` boxes at the side."""


@dataclass(slots=True, eq=False)
class Box:
    """One box of the page; it can be opened if it has a ``body``."""

    key: str
    """A stable identifier, the same in every page of a network; a part of the page's address."""
    kind: str
    """``step``, ``block``, ``sequence``, ``repeat`` (equal neighbours), ``run`` (part of a long row) or ``io``."""
    title: str
    role: Role
    detail: str = ""
    sign: str = ""
    shape: Shape | None = None
    nodes: list[Node] = field(default_factory=list)
    """The steps of a box of kind ``step``, including the one that names it; empty for other kinds."""
    scope: Scope | None = None
    count: int = 1
    training: bool = False
    body: Series | None = None


class Boxes:
    """All boxes of a network; ``root`` is the row that the page shows if every box is closed."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int]) -> None:
        self.graph = graph
        self.boxes: list[Box] = []
        self._plan = Plan(graph, sizes)
        self._folder = Folder(sizes)
        self._closed = {scope for scope, _ in self._plan.levels}
        self._numbers: dict[Unit, int] = {}
        self._waiting: list[tuple[Box, Callable[[], Series]]] = []
        self.root = self._series(arranged(graph, self._net(graph.root), whole_side))
        while self._waiting:
            box, fill = self._waiting.pop()
            box.body = fill()

    def box(self, scope: Scope) -> int | None:
        """The box of a scope, or of the nearest one around it that is drawn as a box; None for the network."""
        places = {box.scope: number for number, box in enumerate(self.boxes) if box.scope is not None}
        around: Scope | None = scope
        while around is not None and around not in places:
            around = around.parent
        return None if around is None else places[around]

    def _net(self, scope: Scope, outside: Mapping[int, str] | None = None) -> Net:
        return net_of(self.graph, self._plan.naming, scope, self._closed, outside, blocks_absorb=False)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _series(self, items: Sequence[Element], inside: bool = False) -> Series:
        """A row as data, with repeats folded and long rows split; ``inside``: the row is the whole content of a box."""
        flat = list(_ungrouped(items))
        least = FEW if len(flat) <= LONG else 2
        alike = len({self._folder.signature(item) for item in flat}) == 1
        least = LONGEST if inside and alike else least  # a box that holds a single box adds nothing
        found: Series = []
        at = 0
        for repeat in self._folder.repeats(flat):
            whole = inside and repeat.end - repeat.start == len(flat) <= LONGEST
            if repeat.count >= least and not whole:
                found += [*self._neighbours(flat[at : repeat.start], least), self._turns(flat, repeat)]
                at = repeat.end
        return self._cut(found + self._neighbours(flat[at:], least))

    def _neighbours(self, items: Sequence[Element], least: int) -> Series:
        """A row with ``least`` equal neighbours and more folded."""
        found: Series = []
        for signature, run in groupby(items, key=self._folder.signature):
            members = list(run)
            units = [item for item in members if isinstance(item, Unit)]
            if signature is None or len(members) < least:
                found += [encoded for item in members for encoded in self._element(item)]
            elif units:
                found.append(self._repeat(units))
            else:
                found.append(self._turns(members, Repeat(0, 1, len(members))))
        return found

    def _turns(self, items: Sequence[Element], repeat: Repeat) -> int:
        """One box for several elements that repeat together; it opens to all of them."""
        starts = range(repeat.start, repeat.end, repeat.period)
        turns = [self._neighbours(items[start : start + repeat.period], FEW) for start in starts]
        units = list(units_of(items[repeat.start : repeat.second]))
        units = [unit for unit in units if not unit.sign] or units
        together = max(1, LONGEST // len(turns[0]))
        parts = [list(chain(*turns[at : at + together])) for at in range(0, len(turns), together)]
        body = parts[0] if len(parts) == 1 else self._cut([self._add(self._holding(part)) for part in parts])
        first, last = self.boxes[_ends(turns[0])[0]], self.boxes[_ends(turns[-1])[1]]
        key = f"{first.key.split(' … ')[0]} … {last.key.split(' … ')[-1]}"
        detail = "" if len(units) == 1 else f"{len(units)} boxes each"
        title = _range(units[0].title, units[-1].title)
        box = Box(key, "repeat", title, "block", detail, shape=last.shape, count=repeat.count)
        box.body = body
        return self._add(box)

    def _element(self, item: Element) -> Iterable[Any]:
        if isinstance(item, Unit):
            yield self._number(item)
        elif isinstance(item, Parallel):
            side = shortcut(item)
            sink = None if item.sink is None else self._number(item.sink)
            yield {"b": [self._series(branch) for branch in item.branches], "k": sink, "s": side}
        elif isinstance(item, Side):
            yield {"c": [self._number(unit) for unit in item.chain]}
        elif isinstance(item, Tangle):
            yield from self._tangle(item)

    def _tangle(self, item: Tangle) -> Iterable[Any]:
        """A tangle as it is, or as a few boxes in the order of execution that each hold a part of it."""
        if len(item.units) <= WIDEST:
            units = [self._number(unit) for unit in item.units]
            found = {"u": units, "e": [list(edge) for edge in item.edges], "i": item.entries, "x": item.exits}
            columns = columns_of(Net(item.units, _before(item), {}), self._folder.sizes)
            yield found if columns is None else found | {"l": columns}
            return
        size = ceil(len(item.units) / min(WIDEST // 2, ceil(len(item.units) ** 0.5)))
        before = _before(item)
        parts = [range(start, min(start + size, len(before))) for start in range(0, len(before), size)]
        outer = Net([], [], {})
        for part in parts:
            units = [item.units[at] for at in part]
            inner = Net(units, [[at - part[0] for at in before[here] if at in part] for here in part], {})
            sources = sorted({at // size for here in part for at in before[here] if at not in part})
            outer.units.append(self._part(units, inner))
            outer.before.append(sources)
        yield from self._series(decompose(outer, range(len(parts)), {}))

    def _part(self, units: Sequence[Unit], net: Net) -> Unit:
        """A box that holds a part of a tangle."""
        unit = Unit(units[0].index, _range(units[0].title, units[-1].title), "block", units[-1].shape)
        box = self._run(units, len(units))
        self._numbers[unit] = self._add(box)
        self._waiting.append((box, lambda: self._series(decompose(net, range(len(net.units)), {}))))
        return unit

    def _cut(self, row: Series) -> Series:
        """A row of bounded length: a longer one becomes boxes that each hold a part of it."""
        while len(row) > LONGEST:
            size = max(2, ceil(len(row) / ceil(len(row) / LONGEST)))
            shorter: Series = []
            for start in range(0, len(row), size):
                part = row[start : start + size]
                shorter.append(part[0] if len(part) == 1 else self._add(self._holding(part)))
            row = shorter
        return row

    def _holding(self, part: Series) -> Box:
        first, last = (self.boxes[_ends(part)[at]] for at in (0, 1))
        names = first.key.split(" … ")[0], last.key.split(" … ")[-1]
        steps = sum(self.boxes[at].count for at in part if isinstance(at, int))
        box = Box(f"{names[0]} … {names[1]}", "run", _range(*names), "block", f"{steps:,} boxes", shape=last.shape)
        box.body = part
        return box

    # -- boxes -------------------------------------------------------------------------------------------------------

    def _number(self, unit: Unit) -> int:
        if unit not in self._numbers:
            self._numbers[unit] = self._add(self._box(unit))
        return self._numbers[unit]

    def _add(self, box: Box) -> int:
        self.boxes.append(box)
        return len(self.boxes) - 1

    def _box(self, unit: Unit) -> Box:
        box = Box(unit.key, "step", unit.title, unit.role, unit.detail, unit.sign, unit.shape, training=unit.training)
        scope = unit.block
        if scope is not None:
            box.kind, box.scope = ("block" if scope.kind == "block" else "sequence"), scope
            box.key = scope.path or unit.key
            if scope.kind != "block" and scope.name.isdigit() and scope.parent is not None:
                box.title = text.clean(f"{scope.parent.name} {box.title}".strip())
            self._waiting.append((box, lambda: self._inside(scope)))
            return box
        box.nodes = list(unit.nodes)
        if unit.role == "io" and not unit.nodes:
            box.key = f"{len(self.boxes)} {unit.key}"
        if unit.role == "io":
            box.kind = "io"
            return box
        box.detail = box.detail or text.clean(" · ".join(dict.fromkeys(part.words for part in unit.parts)))
        if box.detail == box.title:
            box.detail = ""
        if len(box.nodes) > 1:
            box.body = [self._add(self._step(node)) for node in box.nodes]
            box.key = f"{unit.key} and more"
        return box

    def _inside(self, scope: Scope) -> Series:
        """The content of a block; its inputs are where its lines enter, named if there are several."""
        net = self._net(scope, self._plan.outside(scope))
        items = decompose(net, range(len(net.units)), {})
        first = items[0] if items else None
        alone = isinstance(first, Unit) and first.role == "io" and not first.nodes
        return self._series(items[1:] if alone else items, inside=True)

    def _step(self, node: Node) -> Box:
        """The box of a single step inside a box of several steps."""
        unit = unit_of(self.graph, node, (), self._plan.naming.words(node))
        return Box(node.path, "step", unit.title, unit.role, sign=unit.sign, shape=node.shape, nodes=[node])

    def _repeat(self, units: Sequence[Unit]) -> int:
        """One box for equal neighbours."""
        first, last = units[0], units[-1]
        numbers = [self._number(unit) for unit in units]
        keys = [self.boxes[number].key for number in (numbers[0], numbers[-1])]
        detail = first.detail if all(unit.detail == first.detail for unit in units) else ""
        name = first.title
        if first.block is not None and len({unit.title for unit in units}) > 1:
            name = block_name(first.block)
        box = Box(" … ".join(keys), "repeat", name, first.role, detail, shape=last.shape, count=len(units))
        box.detail = box.detail or self.boxes[numbers[0]].detail
        box.body = self._cut(list(numbers))
        return self._add(box)

    def _run(self, units: Sequence[Unit], count: int) -> Box:
        keys = units[0].key, units[-1].key
        return Box(" … ".join(keys), "run", _range(*keys), "block", f"{count:,} boxes", shape=units[-1].shape)


def _before(item: Tangle) -> list[list[int]]:
    """What each unit of a tangle reads within it."""
    before: list[list[int]] = [[] for _ in item.units]
    for source, target in item.edges:
        before[target].append(source)
    return before


def _range(first: str, last: str) -> str:
    return text.clean(f"{first} … {last}") if first != last else text.clean(first)


def _ungrouped(items: Iterable[Element]) -> Iterable[Element]:
    for item in items:
        if isinstance(item, Group):
            yield from _ungrouped(item.items)
        else:
            yield item


def _ends(part: Series) -> tuple[int, int]:
    """The first and the last box of a row."""
    found = [number for element in part for number in numbers_of(element)]
    return found[0], found[-1]


def numbers_of(element: Any) -> Iterable[int]:
    """The boxes of one element of a row, without what they hold."""
    if isinstance(element, int):
        yield element
        return
    for name in ("u", "c"):
        yield from element.get(name, ())
    for branch in element.get("b", ()):
        for inner in branch:
            yield from numbers_of(inner)
    if element.get("k") is not None:
        yield element["k"]
