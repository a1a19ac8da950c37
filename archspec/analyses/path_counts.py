"""Path counts: the number of paths from a source row to one output row, along one axis and at given sizes.

Apart from the weights, this is the shape of the effective receptive field (https://arxiv.org/abs/1701.04128): far more
paths lead to the middle of a field than to its edge, so the counts are bell-shaped.  By the convolution-like convention
global operations are skipped; normalisation over the map counts as pointwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archspec.analyses.borders import RowAlgebra
from archspec.graph import Graph, Node
from archspec.ops.common.windows import POINTWISE, Everything, Nothing, Window
from archspec.sizes import Evaluation


def path_counts(
    graph: Graph, sizes: Mapping[str, int], of: int, source: int, axis: str, row: int | None = None
) -> list[int]:
    """The number of paths from each row of a source to a row (the middle one, unless given) of a node."""
    evaluation = Evaluation(dict(sizes))
    taps = RowAlgebra(sizes, whole_image=False).taps

    def length(node: Node) -> int:
        return evaluation.of(node.shape.dims[node.shape.axes.index(axis)])

    start = graph.nodes[of]
    middle = length(start) // 2 if row is None else row
    counts: dict[int, dict[int, int]] = {of: {middle: 1}}
    for index in range(of, source, -1):
        found = counts.pop(index, None)
        if found is None:
            continue
        node = graph.nodes[index]
        for reader, window in _reads(graph, node, axis):
            have, rows = length(reader), length(node)
            into = counts.setdefault(reader.index, {})
            for at, count in found.items():
                for tap in (at,) if window == POINTWISE and have == rows else taps(window, at, have, rows):
                    if 0 <= tap < have:
                        into[tap] = into.get(tap, 0) + count
    reached = counts.get(source, {})
    return [reached.get(at, 0) for at in range(length(graph.nodes[source]))]


def _reads(graph: Graph, node: Node, axis: str) -> Iterator[tuple[Node, Window]]:
    """The inputs that a node reads row by row along an axis, each with its window."""
    inputs = graph.shapes_in(node)
    for position, index in enumerate(node.inputs):
        if node.op is None or axis not in inputs[position].axes or axis not in node.shape.axes:
            continue
        window = node.op.window(inputs, position, axis)
        at = node.shape.axes.index(axis)
        before = inputs[position].dims[inputs[position].axes.index(axis)]
        if isinstance(window, Everything):
            if before != node.shape.dims[at] or before == 1:
                continue
            window = POINTWISE
        if not isinstance(window, Nothing):
            yield graph.nodes[index], window
