"""Whether two graphs are the same network apart from names, and which nodes correspond.

Names, scopes, blocks and the order of independent steps do not count.  These do: each op as torch runs it (``padding:
same`` equals the same padding as numbers), its inputs and their positions (a sum has no positions), shared weights, the
network's inputs with their sizes, and the outputs in their order.  Symbols are identified by their first position: (3,
H, W) equals (3, X, Y), but not (3, H, H).

The isomorphism test is networkx's VF2++ (https://doi.org/10.1016/j.dam.2018.02.018).  It supports labels on nodes but
not on edges, so each edge becomes a node, labelled with the position at which it is read.  Labels are first refined by
everything before and after each node.  Nearly every node then has one candidate, and the search never backtracks.
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
    """What one node does in torch; equal for two nodes that do the same with their inputs."""

    what: str
    """The class and its call, or the whole expression."""
    arguments: tuple[tuple[str | int, Hashable], ...] = ()
    """Keyword or position, and value, of each argument that the spec sets to a value other than torch's default."""
    initial: tuple[tuple[str, str], ...] = ()
    """The initialisation of its tensors, if the spec sets it."""
    settings: Mapping[str, Hashable] = field(default_factory=dict, compare=False)
    """The arguments of a module by their names in the spec, with values, including torch's defaults."""


def doing(graph: Graph, node: Node) -> Doing:
    """What a node does, or that it is an input of the network."""
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
    """A value to compare as torch does: True differs from 1, but 1.0 equals 1."""
    return str(argument.value).lower() if isinstance(argument.value, bool) else argument.value


def same(one: Graph, other: Graph, initial: bool = True) -> dict[int, int] | None:
    """The corresponding nodes of two networks, by index; None if the networks differ.

    Steps that return their input (``identity``) are skipped.  With ``initial`` false, the initialisation of weights
    does not count.  :func:`archspec.analyses.differences.differences` lists the differences.
    """
    first, second = Wiring(one, initial), Wiring(other, initial)
    refine(first, second)
    return isomorphism(first, second)


def isomorphism(one: Wiring, other: Wiring) -> dict[int, int] | None:
    """Like :func:`same`, for two wirings that were refined together."""
    import networkx

    found = networkx.vf2pp_isomorphism(one.wires, other.wires, node_label="both")
    return found and {at: to for at, to in found.items() if isinstance(at, int) and isinstance(to, int)}


class Wiring:
    """A graph as a networkx graph with labels on nodes only.

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
        """What a node does; without its initialisation, if that does not count."""
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
        """Axes and sizes of an input, with symbols numbered by their first position."""
        known = self._symbols
        return (
            shape.axes,
            *(("symbol", known.setdefault(dim, len(known))) if isinstance(dim, Size) else dim for dim in shape.dims),
        )


def looked_through(graph: Graph) -> list[int]:
    """For each node, the node whose value it has: itself, or the input of an identity."""
    found = list(range(len(graph.nodes)))
    for node in graph.nodes:
        if node.op is not None and node.op.transparent:
            found[node.index] = found[node.inputs[0]]
    return found


def shared(graph: Graph) -> dict[int, list[int]]:
    """The nodes that share weights, by index of the first of them; nodes that share none are left out."""
    found: dict[int, list[int]] = {}
    for node in graph.nodes:
        if node.reuse is not None and node.op is not None and node.op.weights(graph.shapes_in(node)):
            lender = node.reuse
            while lender.reuse is not None:
                lender = lender.reuse
            found.setdefault(lender.index, [lender.index]).append(node.index)
    return found


def refine(*wirings: Wiring) -> None:
    """Number each node by how it is computed (``made``), how it is used (``used``) and ``both``."""
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
    """A number for each node, determined by its label and the numbers of the nodes before it."""
    found: dict[Hashable, int] = {}
    for node in order:
        found[node] = number((wires.nodes[node]["label"], tuple(sorted(found[source] for source in before(node)))))
    return found
