"""The sizes at which no strided window drops rows of its input.

Rounding down can leave rows over at the end.  Rows of padding are no loss, whether they come from the window's own
padding or from a ``pad`` before it.  So the number of rows at the end of each value that contain only padding is
tracked.
"""

from __future__ import annotations

from collections.abc import Iterator

from archspec.analyses.shapes import conditions, graph_symbols
from archspec.graph import Graph, Node
from archspec.ops import Op, Shape
from archspec.ops.common.windows import POINTWISE, Nothing, Shifted, Sliding
from archspec.sizes import Condition, Dim, Residue, Size, Solution, rows_kept, solve, span, step

Blank = dict[str, int]
"""For each axis, the number of rows at the end of a value that contain only padding."""

NONE: Blank = {}
"""That of an input of the network."""


def whole_sizes(graph: Graph) -> dict[str, Solution]:
    """For each symbol, the valid sizes at which no window drops rows or columns of its input.

    Rows that a stride larger than the window skips by design do not count as dropped, nor do rows of padding.
    """
    found = list(conditions(graph))
    blank: dict[int, Blank] = {}
    alike: dict[tuple[object, ...], Blank] = {}
    tried: set[tuple[object, ...]] = set()
    for node, first in zip(graph.nodes, graph.firsts, strict=True):
        if node.op is None:
            continue
        before = [blank.get(index, NONE) for index in node.inputs]
        key = (first, *[tuple(each.values()) for each in before])
        known = alike.get(key)
        if known is None:
            known = alike[key] = {axis: _blank(graph, node, node.op, axis, blank) for axis in node.shape.spatial_axes}
        blank[node.index] = known
        if not node.dead and not node.training_only and key not in tried:
            tried.add(key)
            found += _kept(graph, node, node.op, blank)
    return {name: solve(name, found) for name in graph_symbols(graph)}


def _kept(graph: Graph, node: Node, op: Op, blank: dict[int, Blank]) -> Iterator[Condition]:
    """The conditions that a strided window with rounding down loses no rows other than padding at the end."""
    inputs = graph.shapes_in(node)
    for axis, dim in zip(node.shape.axes, node.shape.dims, strict=True):
        if axis == "channels" or not inputs or axis not in inputs[0].axes or not isinstance(dim, Size):
            continue
        window = op.window(inputs, 0, axis)
        if not isinstance(window, Sliding) or window.stride == 1 or window.ceil:
            continue
        source = _size(inputs[0], axis)
        padding = blank.get(node.inputs[0], {}).get(axis, 0)
        shift, most = rows_kept(window.kernel, window.stride, window.padding, window.after, window.dilation)
        most = min(most + padding, window.stride - 1)
        if most < window.stride - 1:
            yield Residue(step(source, 1, shift, 1), window.stride, ((0, most),), node.index)


def _blank(graph: Graph, node: Node, op: Op, axis: str, blank: dict[int, Blank]) -> int:
    """Rows at the end of an output that depend only on padding: as many as are certain at every size."""
    inputs = graph.shapes_in(node)
    found: list[int] = []
    for place, (index, shape) in enumerate(zip(node.inputs, inputs, strict=True)):
        if axis not in shape.axes:
            continue
        before = blank.get(index, {}).get(axis, 0)
        window = op.window(inputs, place, axis)
        match window:
            case Nothing():
                continue
            case Sliding(kernel, stride, _, dilation, after, False):
                found.append(max(0, (before + after + 1 - span(kernel, dilation)) // stride))
            case Shifted() if window == POINTWISE and _size(shape, axis) == _size(node.shape, axis):
                found.append(before)
            case Shifted() if (added := op.rows_added(inputs, axis)) is not None:
                found.append(before + added)
            case _:
                found.append(0)
    return min(found, default=0)


def _size(shape: Shape, axis: str) -> Dim:
    return shape.dims[shape.axes.index(axis)]
