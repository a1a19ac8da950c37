"""Whether two graphs are the same network up to names, and which node of one is which of the other.

Names, scopes, blocks and the order in which independent steps run do not count.  What counts is what runs: each op as
torch has it (``padding: same`` is the padding it comes to), what it reads and at which place (a sum reads its inputs at
no place), which steps share weights, the inputs with their sizes, and the outputs in their order.  Symbols are known by
where they first stand: (3, H, W) is (3, X, Y), and (3, H, H) is not.

Isomorphism is networkx's, by VF2++ (https://doi.org/10.1016/j.dam.2018.02.018).  It knows labels of nodes and none of
edges, so each edge becomes a node of its own, whose label is the place it is read at.  Labels are refined first, by all
that leads to a node and all that it leads to; then nearly every node has one candidate, and the search never goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, TypeAlias

from archspec.graph import Graph, Node
from archspec.ops import Argument, Function, Module, Shape
from archspec.records import record
from archspec.sizes import Size

if TYPE_CHECKING:
    import networkx

Label: TypeAlias = tuple[Hashable, ...]
Wires: TypeAlias = "networkx.DiGraph[Hashable]"


@record
class Doing:
    """What one node does in torch; equal for two nodes that do the same to what they read."""

    what: str
    """The class and how it is called, or the whole expression."""
    arguments: tuple[tuple[str | int, Hashable], ...] = ()
    """Keyword or place, and value, of each that the spec decides and torch would not take anyway."""
    initial: tuple[tuple[str, str], ...] = ()
    """How its tensors start, where the spec says so."""
    settings: Mapping[str, Hashable] = field(default_factory=dict, compare=False)
    """The spec's words for the arguments of a module, and their values, those that torch would take anyway too."""


def doing(graph: Graph, node: Node) -> Doing:
    """What a node does; of an input of the network, that it is one."""
    if node.op is None:
        return Doing("input")
    inputs = graph.shapes_in(node)
    op = node.op.explicit(inputs)
    initial = tuple(sorted(op.initial(inputs).items()))
    form = op.module(inputs) or op.function(inputs)
    assert form is not None
    match form:
        case Module():
            given = [(at, one) for at, one in enumerate(form.arguments) if not one.inferred]
            said = tuple((one.keyword or at, _value(one)) for at, one in given if not one.needless)
            what = f"{form.wrap.replace('{0}', form.target)}: {form.whole}"
            return Doing(what, said, initial, {one.slot: _value(one) for _, one in given})
        case Function():
            return Doing(form.whole, (), initial)


def _value(argument: Argument) -> Hashable:
    """A value that equals others as torch has it: true is not 1, and 1.0 is."""
    return str(argument.value).lower() if isinstance(argument.value, bool) else argument.value


def same(one: Graph, other: Graph, initial: bool = True) -> dict[int, int] | None:
    """Which node of the second each node of the first is, by index; None where the networks differ.

    Steps that only give what they got (``identity``) are looked through and are not in it.  With ``initial`` false, how
    weights start does not count.  :func:`archspec.analyses.differences.differences` says what differs.
    """
    first, second = Wiring(one, initial), Wiring(other, initial)
    refine(first, second)
    return isomorphism(first, second)


def isomorphism(one: Wiring, other: Wiring) -> dict[int, int] | None:
    """As :func:`same`, of two wirings that were refined together."""
    import networkx

    found = networkx.vf2pp_isomorphism(one.wires, other.wires, node_label="both")
    return found and {at: to for at, to in found.items() if isinstance(at, int) and isinstance(to, int)}


class Wiring:
    """A graph as a labelled networkx graph without labels on edges.

    Its nodes are the graph's (by index), the edges as ``(source, target, place)``, the outputs as ``("output",
    place)``, and one for all steps that share weights as ``("shared", index of the first)``.
    """

    def __init__(self, graph: Graph, initial: bool = True) -> None:
        import networkx

        self.graph = graph
        self.wires: Wires = networkx.DiGraph()
        self.stands_for = looked_through(graph)
        self._initial = initial
        self._symbols: dict[Size, int] = {}
        for place, index in enumerate(graph.inputs.values()):
            self.wires.add_node(index, label=("input", place, *self._shape(graph.nodes[index].shape)))
        for node in graph.nodes:
            if node.op is not None and self.stands_for[node.index] == node.index:
                self.wires.add_node(node.index, label=("step", self.doing(node)))
        for source, target, place in graph.digraph.edges(keys=True):
            if self.stands_for[target] == target:
                self._join(self.stands_for[source], target, (source, target, place), self._place(target, place))
        for place, output in enumerate(graph.outputs):
            end = ("output", place)
            self.wires.add_node(end, label=(*end, output.training))
            self.wires.add_edge(self.stands_for[output.node], end)
        for first, sharing in shared(graph).items():
            self.wires.add_node(("shared", first), label=("shared",))
            self.wires.add_edges_from((("shared", first), index) for index in sharing)

    def doing(self, node: Node) -> Doing:
        """What a node does, without how it starts where that does not count."""
        found = doing(self.graph, node)
        return found if self._initial else replace(found, initial=())

    def _join(self, source: int, target: int, edge: Hashable, place: int | None) -> None:
        self.wires.add_node(edge, label=("edge", place))
        self.wires.add_edge(source, edge)
        self.wires.add_edge(edge, target)

    def _place(self, target: int, place: int) -> int | None:
        op = self.graph.nodes[target].op
        return None if op is not None and op.commutes else place

    def _shape(self, shape: Shape) -> Label:
        """Axes and sizes of an input, its symbols by where they first stood."""
        known = self._symbols
        return (
            shape.axes,
            *(("symbol", known.setdefault(dim, len(known))) if isinstance(dim, Size) else dim for dim in shape.dims),
        )


def looked_through(graph: Graph) -> list[int]:
    """For each node the one whose value it gives: itself, but for an identity what that reads."""
    found = list(range(len(graph.nodes)))
    for node in graph.nodes:
        if node.op is not None and node.op.transparent:
            found[node.index] = found[node.inputs[0]]
    return found


def shared(graph: Graph) -> dict[int, list[int]]:
    """The nodes that use one set of weights, by index of the first; sets with one user are left out."""
    found: dict[int, list[int]] = {}
    for node in graph.nodes:
        if node.reuse is not None and node.op is not None and node.op.weights(graph.shapes_in(node)):
            lender = node.reuse
            while lender.reuse is not None:
                lender = lender.reuse
            found.setdefault(lender.index, [lender.index]).append(node.index)
    return found


def refine(*wirings: Wiring) -> None:
    """Number what each node is computed from (``made``), what is made of it (``used``) and ``both``; alike is equal."""
    import networkx

    numbers: dict[Hashable, int] = {}

    def number(label: Hashable) -> int:
        return numbers.setdefault(label, len(numbers))

    for wiring in wirings:
        wires, order = wiring.wires, list(networkx.topological_sort(wiring.wires))
        made = _along(wires, order, wires.predecessors, number)
        used = _along(wires, reversed(order), wires.successors, number)
        for node in order:
            wires.nodes[node].update(made=made[node], used=used[node], both=(made[node], used[node]))


def _along(
    wires: Wires,
    order: Iterable[Hashable],
    before: Callable[[Hashable], Iterable[Hashable]],
    number: Callable[[Hashable], int],
) -> Mapping[Hashable, int]:
    """A number for each node that says its label and, of each node before it, the number."""
    found: dict[Hashable, int] = {}
    for node in order:
        found[node] = number((wires.nodes[node]["label"], tuple(sorted(found[source] for source in before(node)))))
    return found
