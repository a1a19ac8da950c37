"""The receptive field of each output on the first input: that of the last map behind it, or why it has none.

A classifier's scores have no rows; as in papers, their field is that of the last map before pooling or flattening.  If
the field differs between rows, the step that causes this is reported, with the field before that step and the least and
largest field over the rows at the given sizes.
"""

from __future__ import annotations

from collections.abc import Mapping

from archspec.analyses.borders import extent, rows_read
from archspec.analyses.receptive_field import AxisField, walked
from archspec.analyses.tables import MAXIMUM_PERIOD, MAXIMUM_SPAN, Table
from archspec.analyses.walk import State, Walk, ancestors
from archspec.graph import Graph, Node
from archspec.ops.common.windows import (
    Adaptive,
    Centred,
    Fitted,
    Hidden,
    Joined,
    Resized,
    Scaled,
    Surrounded,
    Transposed,
)
from archspec.records import record
from archspec.sizes import Evaluation

MOST_ROWS = 4096
"""Largest number of input rows for which fields are computed row by row."""


@record
class Bounds:
    """The least and the largest field over the rows of a map at given sizes, clipped at the borders."""

    least: int
    least_row: int
    most: int
    most_row: int


@record
class Varied:
    """A field along an axis that is not the same for every row."""

    step: str
    """The step that causes this."""
    reason: str
    before: int | None
    """Size of the field before that step, if it is one number."""
    bounds: Bounds | None
    """None if the sizes are not known, or too large to compute row by row."""


@record
class Sight:
    """The field of one output on the first input, along each spatial axis of that input."""

    output: str
    step: str
    """The last map behind the output."""
    axes: Mapping[str, AxisField | Varied]
    whole_axes: frozenset[str]
    """The axes along which every output sees everything, because of a global operation."""


def maps(graph: Graph, walk: Walk[Table | None]) -> dict[str, int]:
    """By name of each output outside training, the index of the last map behind it."""
    return {output.name: _map(graph, walk, output.node) for output in graph.outputs if not output.training}


def _map(graph: Graph, walk: Walk[Table | None], index: int) -> int:
    found = index
    while found in walk.states and all(along.gathered for along in walk.states[found]):
        sources = [source for source in graph.nodes[found].inputs if source in walk.states]
        if not sources:
            return index
        found = sources[0]
    return found


def sights(graph: Graph, sizes: Mapping[str, int]) -> dict[str, Sight]:
    """The field of each output, by its name; outputs that do not depend on rows of the first input are left out."""
    walk = walked(graph, sizes)
    found: dict[str, Sight] = {}
    for name, index in maps(graph, walk).items():
        state = walk.states.get(index)
        if state:
            found[name] = Sight(
                name, graph.nodes[index].path, _axes(graph, sizes, walk, index, state), _whole(walk, graph, name)
            )
    return found


def _whole(walk: Walk[Table | None], graph: Graph, name: str) -> frozenset[str]:
    node = next(output.node for output in graph.outputs if output.name == name)
    return frozenset(axis for axis, along in zip(walk.axes, walk.states[node], strict=True) if along.whole)


def _axes(
    graph: Graph, sizes: Mapping[str, int], walk: Walk[Table | None], of: int, state: State[Table | None]
) -> dict[str, AxisField | Varied]:
    return {
        axis: AxisField(along.value) if along.value is not None else varied(graph, sizes, walk, of, axis)
        for axis, along in zip(walk.axes, state, strict=True)
    }


def varied(graph: Graph, sizes: Mapping[str, int], walk: Walk[Table | None], of: int, axis: str) -> Varied:
    """Why the field of a step differs between rows along an axis, and what is known about it."""
    at = walk.axes.index(axis)
    needed = ancestors(graph, of)
    first = next(
        graph.nodes[index] for index in sorted(needed) if index in walk.states and walk.states[index][at].value is None
    )
    lent = 0 if first.op is None else first.op.borrows
    before = {
        AxisField(table).size
        for index in first.inputs[: len(first.inputs) - lent]
        if index in walk.states and (table := walk.states[index][at].value) is not None
    }
    seen_through = not any((op := graph.nodes[index].op) is not None and op.hidden for index in needed)
    bounds = _bounds(graph, sizes, of, walk.source, axis) if seen_through else None
    return Varied(first.path, _reason(graph, first, axis), before.pop() if len(before) == 1 else None, bounds)


def _reason(graph: Graph, node: Node, axis: str) -> str:
    """Why the field of a step differs between rows although that of its input does not."""
    assert node.op is not None
    inputs = graph.shapes_in(node)
    windows = [
        node.op.window(inputs, place, axis)
        for place, shape in enumerate(inputs)
        if axis in shape.axes and axis in node.shape.axes
    ]
    for window in windows:
        match window:
            case Hidden():
                return "it is opaque, and cannot be seen through"
            case Resized(_, _, _, True):
                return "it resizes with align_corners, so the distance between rows depends on the input size"
            case Resized():
                return "it resizes by a ratio that depends on the sizes"
            case Adaptive():
                return "its windows have different sizes"
            case Joined():
                return f"it joins maps along the {axis}"
            case Centred():
                return "the margin it cuts off depends on the sizes"
            case Surrounded():
                return "the margin it lays around depends on the sizes"
            case Fitted():
                return "its padding depends on the sizes"
            case Scaled() | Transposed():
                return f"its rows have more than {MAXIMUM_PERIOD:,} different fields"
    if len(windows) > 1:
        return "paths of different strides meet"
    return f"its field has holes and spans more than {MAXIMUM_SPAN:,} rows"


def _bounds(graph: Graph, sizes: Mapping[str, int], of: int, source: int, axis: str) -> Bounds | None:
    start = graph.nodes[source].shape
    try:
        rows = Evaluation(dict(sizes)).of(start.dims[start.axes.index(axis)])
        if rows > MOST_ROWS:
            return None
        read = rows_read(graph, sizes, of, source, whole_image=False)[axis]
    except ValueError:  # a symbol has no number
        return None
    spans = [extent(bits)[1] for bits in read]
    least, most = min(spans), max(spans)
    return Bounds(least, spans.index(least), most, spans.index(most))
