"""Maps of several sizes in one network: the column of each, and the blocks that hold no such change.

One column stands for each halving of the size, the largest maps first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from archspec.backends.diagram import text
from archspec.backends.diagram.naming import Naming, net_of
from archspec.backends.diagram.units import Net, data_inputs, is_parameter
from archspec.graph import Graph, Node, Scope

MOST_COLUMNS = 8
"""Columns beyond which a network is not drawn so."""


def opened(graph: Graph, naming: Naming, sizes: Mapping[str, int]) -> Net:
    """The units that a picture by resolution is made of."""
    return net_of(graph, naming, graph.root, closed_scopes(graph, sizes))


def closed_scopes(graph: Graph, sizes: Mapping[str, int]) -> set[Scope]:
    """The outermost blocks and sequences that take one value, give one, and hold no map beside those two's sizes.

    What makes a map smaller and larger again, or gives several values, stays open: it is what a picture by resolution
    is to show.
    """
    given: dict[Scope, set[int]] = {}
    read: dict[Scope, set[int]] = {}
    areas: dict[Scope, set[float]] = {}
    around = {node.index: _around(node) for node in graph.nodes}
    for node in graph.nodes:
        area = area_of(node, sizes)
        for scope in around[node.index] if area is not None else ():
            areas.setdefault(scope, set()).add(area or 0.0)
        for index in data_inputs(node):
            if is_parameter(graph.nodes[index]):
                continue
            inside, outside = set(around[node.index]), set(around[index])
            for scope in inside - outside:
                read.setdefault(scope, set()).add(index)
            for scope in outside - inside:
                given.setdefault(scope, set()).add(index)
    for output in graph.outputs:
        for scope in around[output.node]:
            given.setdefault(scope, set()).add(output.node)

    def closes(scope: Scope) -> bool:
        ends = [*read.get(scope, ()), *given.get(scope, ())]
        if len(ends) != 2 or len(read.get(scope, ())) != 1:
            return False
        edges = [area_of(graph.nodes[index], sizes) for index in ends]
        known = [area for area in edges if area is not None]
        return bool(known) and all(min(known) <= area <= max(known) for area in areas.get(scope, ()))

    found: set[Scope] = set()
    stack = [graph.root]
    while stack:
        for item in stack.pop().items:
            if isinstance(item, Scope):
                if item.kind in ("block", "sequence") and closes(item):
                    found.add(item)
                else:
                    stack.append(item)
    return found


def columns_of(net: Net, sizes: Mapping[str, int]) -> list[int] | None:
    """The column of each unit: one for each halving of the size; what is not a map stands below what it reads."""
    halvings: list[int | None] = []
    whole: float | None = None
    for at, unit in enumerate(net.units):
        size = text.spatial(unit.shape, sizes)
        if any(isinstance(part, str) for part in size):
            return None
        area = math.prod(part for part in size if isinstance(part, int))
        whole = whole or (float(area) if size and area > 1 else None)
        above = halvings[net.before[at][0]] if net.before[at] else None
        is_map = whole is not None and size and area > 1
        halvings.append(round(math.log2(whole / area) / len(size)) if is_map and whole else above)
    seen = sorted({halving for halving in halvings if halving is not None})
    if not 2 <= len(seen) <= MOST_COLUMNS:
        return None
    return [0 if halving is None else seen.index(halving) for halving in halvings]


def _around(node: Node) -> list[Scope]:
    """The scopes that a node lies in, without the network itself."""
    found: list[Scope] = []
    scope: Scope | None = node.scope
    while scope is not None and scope.parent is not None:
        found.append(scope)
        scope = scope.parent
    return found


def area_of(node: Node, sizes: Mapping[str, int]) -> float | None:
    """How many places a node's map has; None for what is not a map, or for a single place."""
    found = [part for part in text.spatial(node.shape, sizes) if isinstance(part, int)]
    area = math.prod(found)
    return area if found and area > 1 else None
