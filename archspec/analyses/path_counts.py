"""Path counts: how many ways lead from a source row to one output row, along one axis and at given sizes.

Weights left out, this is the shape of the effective receptive field (https://arxiv.org/abs/1701.04128): the middle of a
field is reached by far more paths than its rim, so its counts look like a bell.  Global operations are passed over, as
the convolution-like convention has it; normalisation over the map counts as pointwise.
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
    """The inputs of a node that are read row by row along an axis, with the window."""
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
