"""The path to a picture's main output, and what hangs at its side: other outputs, and what only training needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from archspec.backends.diagram import text
from archspec.backends.diagram.naming import folded
from archspec.backends.diagram.series_parallel import Element, Side, Unit, decompose
from archspec.backends.diagram.units import Net
from archspec.graph import Graph, Output
from archspec.schema import SpecModel

_Side = Callable[[Graph, Net, Sequence[int], Output], list[Unit]]


def folded_side(graph: Graph, net: Net, places: Sequence[int], output: Output) -> list[Unit]:
    """The boxes at a side: what only training needs is one box."""
    units = [net.units[at] for at in places]
    end = output_box(graph, output, -1)
    if not units:
        return [end]
    straight = all(len(net.before[at]) == 1 for at in places)
    if not output.training:
        return [*units, end] if straight and len(units) <= 2 else [folded(units, _side_title(units, output), ""), end]
    loss = f", loss × {output.loss_weight:g}" if output.loss_weight != 1 else ""
    one = units[0] if len(units) == 1 else folded(units, _side_title(units, output), "")
    if any(node.op is not None and node.op.kind == "dense" for node in one.nodes):
        one.title = "auxiliary classifier"
    elif one.title.startswith("aux"):
        one.title = "auxiliary head"
    one.detail, one.training = f"training only{loss}", True
    return [one]


def whole_side(graph: Graph, net: Net, places: Sequence[int], output: Output) -> list[Unit]:
    """The boxes at a side, in sequence."""
    return [*(net.units[at] for at in places), output_box(graph, output, -1)]


def arranged(graph: Graph, net: Net, side: _Side = folded_side) -> list[Element]:
    """The path to the main output, with the other outputs at its side."""
    outputs = [output for output in graph.outputs if output.node in net.of_node]
    if not outputs:
        return decompose(net, range(len(net.units)), {})
    main = next((output for output in outputs if not output.training), outputs[0])
    path = ancestors(net, net.of_node[main.node])
    drawn, sides, readers = set(path), dict[int, list[Side]](), net.after()
    several: list[Output] = []
    for output in outputs:
        if output is main:
            continue
        more = [at for at in ancestors(net, net.of_node[output.node]) if at not in drawn]
        taps = sorted({origin for at in more for origin in net.before[at] if origin in drawn})
        shared = any(reader not in more for at in more for reader in readers[at])
        if more and (shared or (len(taps) != 1 and not output.training)):
            drawn.update(more)
            several.append(output)
            continue
        tap = taps[-1] if taps else net.of_node[output.node] if not more else -1
        if tap >= 0:
            sides.setdefault(tap, []).append(Side(side(graph, net, more, output), net.units[tap]))
            drawn.update(more)
    if not several:
        return decompose(net, path, sides) + end(graph, net, main)
    ends = [joined(graph, net, output) for output in (main, *several)]
    return decompose(net, [*sorted(drawn - _hanging(sides)), *ends], sides)


def joined(graph: Graph, net: Net, output: Output) -> int:
    """A box for one of several outputs that no path alone leads to."""
    net.units.append(output_box(graph, output, len(net.units)))
    net.before.append([net.of_node[output.node]])
    return len(net.units) - 1


def output_box(graph: Graph, output: Output, index: int) -> Unit:
    name = output.name
    block = graph.root.block
    said = block.model.task if block is not None and isinstance(block.model, SpecModel) else None
    if name in ("", "output", "out") and said == "segmentation":
        name = "segmentation"
    title = text.clean(text.human(name)) or "output"
    return Unit(index, title, "io", graph.nodes[output.node].shape, key=f"output {output.name}")


def end(graph: Graph, net: Net, main: Output) -> list[Element]:
    """A box for an output that is a map, or that has a name among several."""
    unit = net.units[net.of_node[main.node]]
    shape = graph.nodes[main.node].shape
    if not any(size != 1 for size in shape.spatial) or unit.role == "io":
        return []
    return [output_box(graph, main, unit.index + 1)]


def _side_title(units: Sequence[Unit], output: Output) -> str:
    scopes = {unit.scopes[0] for unit in units if unit.scopes}
    if len(scopes) == 1 and all(unit.scopes for unit in units):
        (scope,) = scopes
        return text.human(scope.block.name if scope.kind == "block" and scope.block else scope.name)
    return text.human(output.name)


def ancestors(net: Net, last: int) -> list[int]:
    """A unit and all it depends on, in running order."""
    seen, stack = {last}, [last]
    while stack:
        for origin in net.before[stack.pop()]:
            if origin not in seen:
                seen.add(origin)
                stack.append(origin)
    return sorted(seen)


def _hanging(sides: Mapping[int, Sequence[Side]]) -> set[int]:
    return {unit.index for found in sides.values() for side in found for unit in side.chain if unit.index >= 0}
