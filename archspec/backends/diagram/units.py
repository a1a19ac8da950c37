"""From a graph to what is drawn as one thing: boxes, merge circles, inputs and outputs, and what flows between them.

A convolution takes the normalisation and activation beside it along; a folded block is one box; what only reshapes
without saying anything (flatten, identity) goes with its neighbour.  Parameters and references (the size of another
step) draw no edge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from archspec.backends.diagram import text
from archspec.backends.diagram.palette import Role
from archspec.graph import Graph, Node, Scope
from archspec.ops import Op, Shape
from archspec.ops.common.base import Drawn, Kind

ROLES: dict[str, Role] = {
    "convolution": "conv",
    "pooling": "pool",
    "upsampling": "up",
    "dense": "fc",
    "normalisation": "norm",
    "activation": "norm",
    "dropout": "other",
    "reshape": "other",
    "parameter": "other",
    "merge": "other",
}

SUBSTANTIAL = {"convolution", "pooling", "upsampling", "dense", "dropout", "reshape"}
"""Kinds of op that make a box of their own."""


def drawn(op: Op) -> Drawn | None:
    """How an op is drawn; None for a merge, whose inputs decide."""
    if op.drawn is not None:
        return op.drawn
    if op.kind in SUBSTANTIAL:
        return "box"
    return "beside" if op.kind in ("normalisation", "activation") else None


class Part(NamedTuple):
    """What goes with a box and is not drawn by itself: its kind, and the words for it."""

    kind: Kind
    words: str


@dataclass(slots=True, eq=False)
class Unit:
    """One thing to draw: a box, or a merge circle when it has a ``sign``."""

    index: int
    """Place in the order of execution."""
    title: str
    role: Role
    shape: Shape | None
    """Of its value."""
    scopes: tuple[Scope, ...] = ()
    """The open scopes around it, outermost first, without the network itself."""
    key: str = ""
    """Its path; its name in the DOT text is made from it."""
    detail: str = ""
    """The second line."""
    sign: str = ""
    count: int = 1
    block: Scope | None = None
    """The folded scope it stands for, the first of them."""
    uses: list[Scope] = field(default_factory=list)
    """All folded scopes it stands for."""
    nodes: list[Node] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    """The normalisation and activation that go with it."""
    training: bool = False
    """Whether only training outputs need it."""
    quiet: bool = False
    """Whether it may be absorbed by a neighbour."""
    differs: bool = False
    """Whether it holds a step that the network beside it lacks, or has with other settings."""


@dataclass(slots=True)
class Net:
    """Units and what flows between them; ``before[i]`` are the units that ``i`` reads, in the order it reads them."""

    units: list[Unit]
    before: list[list[int]]
    of_node: dict[int, int]
    """Node index -> unit index."""

    def after(self) -> list[list[int]]:
        """The units that read each unit."""
        readers: list[list[int]] = [[] for _ in self.units]
        for target, sources in enumerate(self.before):
            for source in sources:
                readers[source].append(target)
        return readers


def data_inputs(node: Node) -> tuple[int, ...]:
    """What a node reads without the steps it only takes a size from."""
    if node.op is None:
        return ()
    return node.inputs[: len(node.inputs) - node.op.borrows] if node.op.borrows else node.inputs


def words(graph: Graph, node: Node) -> str:
    """A node as papers write it."""
    if node.op is None:
        return text.clean(text.human(node.name or node.path or "input"))
    return text.clean(node.op.words(graph.shapes_in(node), node.shape))


def is_parameter(node: Node) -> bool:
    """Whether a node is a bare weight, or computed from such alone."""
    return node.op is not None and node.op.kind == "parameter"


class Weights:
    """How many boxes each scope would give when opened, counted once; more than ``most`` are not told apart."""

    def __init__(self, graph: Graph, most: int = 1_000_000) -> None:
        self._counts: dict[Scope, int] = {}
        for node in graph.nodes:
            if node.op is None or not self._makes_a_box(graph, node):
                continue
            scope: Scope | None = node.scope
            while scope is not None:
                self._counts[scope] = min(most, self._counts.get(scope, 0) + 1)
                scope = scope.parent

    @staticmethod
    def _makes_a_box(graph: Graph, node: Node) -> bool:
        assert node.op is not None
        how = drawn(node.op)
        if how in ("box", "never") and node.op.kind in SUBSTANTIAL | {"normalisation", "activation"}:
            return how == "box"
        return sum(not is_parameter(graph.nodes[index]) for index in data_inputs(node)) > 1

    def of(self, scope: Scope) -> int:
        """The number of boxes and merges in a scope, however deep."""
        return self._counts.get(scope, 0)


class _Carriers:
    """What carries each scope in a picture: the outermost closed scope around, and the open scopes around that."""

    def __init__(self, inside: Scope, closed: Callable[[Scope], bool]) -> None:
        self._closed = closed
        self._known: dict[Scope, tuple[Scope | None, tuple[Scope, ...]]] = {inside: (None, ())}

    def of(self, scope: Scope) -> tuple[Scope | None, tuple[Scope, ...]]:
        """The closed scope, None where all are open, and the open ones."""
        pending: list[Scope] = []
        current: Scope | None = scope
        while current is not None and current not in self._known:
            pending.append(current)
            current = current.parent
        found = self._known[current] if current is not None else (None, ())
        for below in reversed(pending):
            holder, chain = found
            if holder is None:
                found = (below, chain) if self._closed(below) else (None, (*chain, below))
            self._known[below] = found
        return found


def build(
    graph: Graph,
    nodes: Iterable[Node],
    inside: Scope,
    closed: Callable[[Scope], bool],
    name: Callable[[Scope], Unit],
    say: Callable[[Node], str],
    outside: Mapping[int, str] | None = None,
    blocks_absorb: bool = True,
) -> Net:
    """Units of some nodes of a graph, seen from a scope: those in a closed scope become the unit ``name`` gives it.

    ``say`` gives the words for a node; ``outside`` names the nodes that the others read from outside, to be drawn as
    inputs.  A picture whose blocks can be opened does not let them absorb what stands beside them.
    """
    carriers = _Carriers(inside, closed)
    net = Net([], [], {})
    folded: dict[Scope, int] = {}
    for index, title in (outside or {}).items():
        net.of_node[index] = len(net.units)
        net.units.append(Unit(len(net.units), title, "io", graph.nodes[index].shape, key=title))
        net.before.append([])
    for node in nodes:
        if is_parameter(node):
            continue
        if node.op is not None and node.op.follows and node.index - 1 in net.of_node:
            net.of_node[node.index] = net.of_node[node.index - 1]
            net.units[net.of_node[node.index]].nodes.append(node)
            continue
        holder, chain = carriers.of(node.scope)
        if holder is None:
            unit = unit_of(graph, node, chain, say(node))
            net.units.append(unit)
            net.before.append([])
            at = len(net.units) - 1
        elif holder in folded:
            at = folded[holder]
        else:
            unit = name(holder)
            unit.scopes, unit.block, unit.uses, unit.training = chain, holder, [holder], True
            net.units.append(unit)
            net.before.append([])
            at = folded[holder] = len(net.units) - 1
        unit = net.units[at]
        unit.index = at
        unit.nodes.append(node)
        unit.training = unit.training and node.training_only
        if holder is not None:
            unit.shape = node.shape
        net.of_node[node.index] = at
        for source in data_inputs(node):
            origin = net.of_node.get(source)
            if origin is not None and origin < at and origin not in net.before[at]:
                net.before[at].append(origin)
    _settle_shapes(net, graph)
    return absorb(net, blocks_absorb)


def _settle_shapes(net: Net, graph: Graph) -> None:
    """A folded scope has the shape of its own output, where that is one of its nodes."""
    for unit in net.units:
        output = None if unit.block is None else unit.block.output
        if output in net.of_node and net.units[net.of_node[output]] is unit:
            unit.shape = graph.nodes[output].shape


def unit_of(graph: Graph, node: Node, chain: tuple[Scope, ...], title: str) -> Unit:
    """The unit of a node, seen from inside the open scopes ``chain``."""
    op = node.op
    unit = Unit(0, title, "io", node.shape, chain, node.path or node.name or "input", training=node.training_only)
    if op is None:
        return unit
    unit.role = ROLES.get(op.kind, "other")
    if op.kind == "dense" and len(node.shape.dims) > 1:
        unit.role = "conv"  # the same at every place of a map: a 1×1 convolution
    sources = [index for index in data_inputs(node) if not is_parameter(graph.nodes[index])]
    if op.circle is not None and len(sources) > 1:
        unit.role, unit.sign = "merge", op.circle
    elif (how := drawn(op)) in ("never", "beside"):
        unit.quiet = True
        unit.parts = [] if how == "never" else [Part(op.kind, unit.title)]
    elif op.kind == "merge" and len(sources) < 2:
        unit.quiet = True
    return unit


def absorb(net: Net, blocks: bool = True) -> Net:
    """Join each quiet unit with the unit before it, or, where that has other readers, with the one after it.

    ``blocks`` says whether a folded block may take one.
    """
    readers = net.after()
    into: dict[int, int] = {}

    def final(index: int) -> int:
        while index in into:
            index = into[index]
        return index

    for at, unit in enumerate(net.units):
        if not unit.quiet or len(net.before[at]) != 1:
            continue
        source = final(net.before[at][0])
        host = net.units[source]
        mine = {final(reader) for reader in readers[net.before[at][0]]}
        takes = host.role != "io" and not host.quiet and (blocks or host.block is None)
        if len(mine) == 1 and takes and host.training == unit.training:
            into[at] = source
            host.nodes += unit.nodes
            host.shape = unit.shape
            host.parts += unit.parts
    for at in reversed(range(len(net.units))):
        unit = net.units[at]
        if at in into or not unit.quiet or len(readers[at]) != 1 or len(net.before[at]) != 1:
            continue
        reader = readers[at][0]
        target = final(reader)
        host = net.units[target]
        takes = not host.sign and (blocks or host.block is None)
        if takes and len(net.before[reader]) == 1 and host.training == unit.training:
            into[at] = target
            host.nodes = unit.nodes + host.nodes
            host.parts = unit.parts + host.parts
    return _without(net, into, final)


def _without(net: Net, into: Mapping[int, int], final: Callable[[int], int]) -> Net:
    kept = [at for at in range(len(net.units)) if at not in into]
    place = {at: new for new, at in enumerate(kept)}
    before: list[list[int]] = [[] for _ in kept]
    for at in range(len(net.units)):
        target = final(at)
        for source in net.before[at]:
            origin = final(source)
            if origin != target and place[origin] not in before[place[target]]:
                before[place[target]].append(place[origin])
    for at in kept:
        net.units[at].index = place[at]
    of_node = {node: place[final(at)] for node, at in net.of_node.items()}
    return Net([net.units[at] for at in kept], before, of_node)
