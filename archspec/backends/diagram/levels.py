"""Networks that work at several resolutions at once: what stands at which of them, and in which row.

HRNet's streams, a feature pyramid, U-Net++'s triangle are no series with branches.  They are read by resolution: one
column for each, in the order things run from top to bottom.  What only brings a map to the resolution of the merge it
goes to is no box but the line between two columns.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from archspec.backends.diagram import text
from archspec.backends.diagram.folding import Folder
from archspec.backends.diagram.naming import Naming
from archspec.backends.diagram.resolutions import area_of, columns_of
from archspec.backends.diagram.series_parallel import Element, Parallel, Tangle, Unit, decompose
from archspec.backends.diagram.units import Net, data_inputs
from archspec.graph import Graph

MOST_UNITS = 160
"""Boxes beyond which a network is not drawn so."""
SMALL = 3
"""Boxes of a folded scope that a line may stand for."""
RESIZING = {"upsampling": "upsampling", "convolution": "strided convolution", "pooling": "pooling"}
"""What the legend says of ops that lines between columns stand for."""


@dataclass(slots=True)
class Link:
    """A line: what gives, what reads, and what between them is not drawn."""

    tail: int
    head: int
    through: list[Unit] = field(default_factory=list)


@dataclass(slots=True)
class Levels:
    """Units with their columns, the largest maps first, and rows; ``links`` name them by their places."""

    units: list[Unit]
    columns: list[int]
    rows: list[int]
    links: list[Link]
    resizing: list[str]
    """What lines between columns stand for, in words."""


def find(graph: Graph, naming: Naming, net: Net) -> Levels | None:
    """A network by resolution.

    None where series and branches tell it as well, where sizes are no numbers, and where there are too many boxes.
    """
    if len(net.units) > 4 * MOST_UNITS:
        return None
    columns = columns_of(net, naming.sizes)
    if columns is None or not (_tangled(net, columns) or _pyramid(graph, net, columns)):
        return None
    columns = _narrowed(net, columns)
    hidden, links = _links(net, columns, naming)
    levels = _folded(net, columns, hidden, links, Folder(naming.sizes))
    if len(levels.units) > MOST_UNITS:
        return None
    resizing = {_resizing(graph, unit, naming.sizes) for link in levels.links for unit in link.through} - {""}
    levels.resizing = sorted(resizing)
    return levels


def _tangled(net: Net, columns: Sequence[int]) -> bool:
    """Whether some of the network falls apart into no series and branches, and holds maps of several sizes."""
    column = {id(unit): at for unit, at in zip(net.units, columns, strict=True)}

    def walk(items: Sequence[Element]) -> bool:
        for item in items:
            if isinstance(item, Tangle) and len({column[id(unit)] for unit in item.units}) > 1:
                return True
            if isinstance(item, Parallel) and any(map(walk, item.branches)):
                return True
        return False

    return walk(decompose(net, range(len(net.units)), {}))


def _pyramid(graph: Graph, net: Net, columns: Sequence[int]) -> bool:
    """Whether outputs are maps of several sizes, and maps of several sizes meet."""
    ends = {columns[net.of_node[output.node]] for output in graph.outputs if not output.training}
    meets = any(
        unit.sign and any(net.units[at].role == "up" for at in before)
        for unit, before in zip(net.units, net.before, strict=True)
    )
    return len(ends) > 1 and meets


def _narrowed(net: Net, columns: Sequence[int]) -> list[int]:
    """Columns without those that only what all paths pass stands in: it goes into the column beside."""
    found, readers = list(columns), net.after()
    first, last = 0, len(found) - 1
    while first < last and readers[first] == [first + 1] and net.before[first + 1] == [first]:
        first += 1
    while last > first and net.before[last] == [last - 1] and readers[last - 1] == [last]:
        last -= 1
    found[:first] = [found[first]] * first
    found[last + 1 :] = [found[last]] * (len(found) - 1 - last)
    seen = sorted(set(found))
    return [seen.index(column) for column in found]


# -- lines ------------------------------------------------------------------------------------------------------------


def _links(net: Net, columns: Sequence[int], naming: Naming) -> tuple[set[int], list[Link]]:
    """Which units are lines, and all lines between the others."""
    readers = net.after()
    hidden: set[int] = set()
    links: list[Link] = []
    for head, sources in enumerate(net.before):
        for source in sources:
            chain = _adapter(net, columns, readers, source, head, naming) if net.units[head].sign else []
            hidden.update(chain)
            tail = net.before[chain[-1]][0] if chain else source
            links.append(Link(tail, head, [net.units[at] for at in reversed(chain)]))
    return hidden, [link for link in links if link.head not in hidden]


def _adapter(
    net: Net, columns: Sequence[int], readers: Sequence[Sequence[int]], source: int, head: int, naming: Naming
) -> list[int]:
    """The units before a merge that only bring a map from another column to it, the last first."""
    chain: list[int] = []
    pending: list[int] = []
    at = source
    while len(net.before[at]) == 1 and len(readers[at]) == 1 and _small(net.units[at], naming):
        above = net.before[at][0]
        pending.append(at)
        if columns[at] != columns[above]:
            chain, pending = [*chain, *pending], []
        elif not net.units[at].title.startswith("1×1 conv"):
            break
        elif chain and columns[chain[-1]] != columns[above]:
            chain, pending = [*chain, *pending], []  # the projection before a resize
        at = above
    return chain if chain and columns[net.before[chain[-1]][0]] != columns[head] else []


def _small(unit: Unit, naming: Naming) -> bool:
    if unit.sign or unit.role not in ("conv", "up", "pool", "block"):
        return False
    return unit.block is None or naming.weights.of(unit.block) <= SMALL


def _resizing(graph: Graph, unit: Unit, sizes: Mapping[str, int]) -> str:
    """What in a unit changes the size, in words."""
    for node in unit.nodes:
        before = [area_of(graph.nodes[index], sizes) for index in data_inputs(node)[:1]]
        if node.op is not None and before != [area_of(node, sizes)] and node.op.kind in RESIZING:
            return RESIZING[node.op.kind]
    return ""


# -- rows -------------------------------------------------------------------------------------------------------------


def _folded(net: Net, columns: Sequence[int], hidden: set[int], links: Sequence[Link], folder: Folder) -> Levels:
    """What is drawn, equal neighbours of one column as one box with ×N, each below all that it reads."""
    heads: dict[int, list[Link]] = {}
    tails: dict[int, list[Link]] = {}
    for link in links:
        heads.setdefault(link.head, []).append(link)
        tails.setdefault(link.tail, []).append(link)
    place: dict[int, int] = {}
    levels = Levels([], [], [], [], [])
    for at in range(len(net.units)):
        if at in hidden or at in place:
            continue
        run = [at]
        while (below := _below(run[-1], heads, tails, columns, net)) is not None:
            run.append(below)
        for signature, members in groupby(run, key=lambda at: _signature(net.units[at], folder)):
            same = list(members)
            units = [net.units[at] for at in same]
            boxes = units if signature is None else folder.joined(units)
            for unit in boxes:
                if unit.count > 1 and unit.block is not None and unit.block.block is not None:
                    unit.title = text.clean(text.human(unit.block.block.name), 30)
            first = -1
            for index, unit in zip(same, units, strict=True):
                if unit in boxes:
                    first = len(levels.units)
                    levels.units.append(unit)
                    levels.columns.append(columns[index])
                place[index] = first
    return _ordered(levels, [Link(place[link.tail], place[link.head], link.through) for link in links])


def _signature(unit: Unit, folder: Folder) -> Hashable:
    """What neighbours must have in common to be one box; the number in a block's own name counts for nothing."""
    signature = folder.signature(unit)
    block = unit.block.block if signature is not None and unit.block is not None else None
    if block is None or unit.block is None or not text.same_name(unit.block.name, block.name):
        return signature
    return ("block", block.name, unit.detail, text.spatial(unit.shape, folder.sizes))


def _below(
    at: int, heads: Mapping[int, list[Link]], tails: Mapping[int, list[Link]], columns: Sequence[int], net: Net
) -> int | None:
    """The only unit that reads another and reads nothing else, in the same column."""
    leaving = tails.get(at, [])
    if len(leaving) != 1 or leaving[0].through:
        return None
    head = leaving[0].head
    return head if len(heads[head]) == 1 and columns[head] == columns[at] and not net.units[head].sign else None


def _ordered(levels: Levels, links: Sequence[Link]) -> Levels:
    """The rows: each unit one below the lowest that it reads."""
    seen: set[tuple[int, int]] = set()
    for link in links:
        if link.tail != link.head and (link.tail, link.head) not in seen:
            seen.add((link.tail, link.head))
            levels.links.append(link)
    above: dict[int, list[int]] = {}
    for link in levels.links:
        above.setdefault(link.head, []).append(link.tail)
    below: dict[int, list[int]] = {}
    for link in levels.links:
        below.setdefault(link.tail, []).append(link.head)
    order = sorted(range(len(levels.units)), key=lambda at: levels.units[at].index)
    rows = levels.rows = [0] * len(levels.units)
    taken: set[tuple[int, int]] = set()
    for at in order:
        rows[at] = 1 + max((rows[tail] for tail in above.get(at, ())), default=-1)
        while (levels.columns[at], rows[at]) in taken:  # branches of one size stand below one another
            rows[at] += 1
        taken.add((levels.columns[at], rows[at]))
    beside: dict[frozenset[int], list[int]] = {}
    for at, heads in below.items():
        beside.setdefault(frozenset(heads), []).append(at)
    for heads, tails in beside.items():
        if len(heads) > 1:  # what meets in the same merges stands side by side
            lowest = max(rows[at] for at in tails)
            for at in tails:
                if (levels.columns[at], lowest) not in taken:
                    rows[at] = lowest
                    taken.add((levels.columns[at], lowest))
    return levels
