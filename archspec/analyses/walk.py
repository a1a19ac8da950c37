"""A forward pass over a graph from a source step, which carries a value along each spatial axis of the source.

An :class:`Algebra` defines the value (tables of taps, interior rows, sets of pixels row by row).  The windows of ops,
merges and global operations are handled here, once for all algebras.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Literal, Protocol, TypeVar

from archspec.analyses.alike import Alike
from archspec.graph import Graph, Node
from archspec.ops import Shape
from archspec.ops.common.base import Op
from archspec.ops.common.windows import POINTWISE, Everything, Nothing, Window
from archspec.records import record
from archspec.sizes import Dim

T = TypeVar("T")

REMEMBERED = 2048
"""Number of results that are cached: repeated steps are close together, and a small table stays in the CPU's cache."""


class Algebra(Protocol[T]):
    """The value carried along one axis."""

    @property
    def whole_image(self) -> bool:
        """Whether global operations count as reading everything; otherwise they pass their input on."""
        ...

    @property
    def sized(self) -> bool:
        """Whether the sizes before and after a window matter, besides the window itself."""
        ...

    def source(self, size: Dim) -> T:
        """The value at the source step, whose axis has ``size`` rows."""
        ...

    def window(self, value: T, window: Window, before: Dim, after: Dim) -> T:
        """The value after a window from ``before`` rows to ``after`` rows; never called for a pointwise window."""
        ...

    def everything(self, value: T, before: Dim, after: Dim) -> T:
        """The value after an operation in which each of ``after`` rows reads all ``before`` rows."""
        ...

    def union(self, values: Sequence[T]) -> T:
        """The value at a merge of different values."""
        ...


@record
class Along(Generic[T]):
    """What is known along one axis.

    ``whole``: a global operation is on some path, so outputs see the whole axis.  ``gathered``: the axis was reduced to
    one row (global pooling, flatten), so by the convolution-like convention it counts only if nothing else does: a
    squeeze-and-excite gate adds nothing to the field of the map that it scales.
    """

    value: T
    whole: bool = False
    gathered: bool = False


State = tuple[Along[T], ...]

Reading = tuple[Window | Literal["own", "all", "new"], Dim, Dim]
"""How an op reads an input along an axis: its window, and the sizes before and after.

Instead of a window, ``own``: each row reads its own row; ``all``: the output has no such axis, and reads every row;
``new``: the input has no such axis, as tokens have none, and each of the output's rows reads what has been gathered.
"""


_READINGS: Alike[dict[tuple[tuple[str, ...], tuple[int, ...]], list[list[Reading]]]] = Alike(lambda *_: {})
"""How an op reads its inputs, by the axes of the source and the inputs' positions; filled when it is asked."""


class Walk(Generic[T]):
    """A pass; equal steps over equal states are computed once, because most ops are pointwise and blocks repeat.

    Results are cached by the ids of states, because comparing their values would cost more than computing them again.
    Each object is kept alive, in ``states`` or next to the result, as long as its id is a key.
    """

    def __init__(self, graph: Graph, algebra: Algebra[T], source: int) -> None:
        self.graph = graph
        self.algebra = algebra
        self.source = source
        start = graph.nodes[source].shape
        pairs = [(axis, dim) for axis, dim in zip(start.axes, start.dims, strict=True) if axis != "channels"]
        self.axes = tuple(axis for axis, _ in pairs)
        values = [algebra.source(dim) for _, dim in pairs]
        alike = {id(value): Along(value) for value in values}
        self.states: dict[int, State[T]] = {source: tuple(alike[id(value)] for value in values)}
        self._known: dict[tuple[object, ...], State[T]] = {}
        self._meetings: dict[tuple[int, ...], tuple[Along[T], list[Along[T]]]] = {}
        self._readings = _READINGS.of(graph)
        self._windows: dict[tuple[object, ...], tuple[Along[T], Along[T]]] = {}

    def run(self, last: int | None = None) -> dict[int, State[T]]:
        """The states of nodes that depend on the source, by index; with ``last``, only those that it needs."""
        states, pointwise = self.states, Op.window
        nodes = self.graph.nodes
        wanted = range(len(nodes)) if last is None else ancestors(self.graph, last)
        for node in nodes[self.source + 1 : len(nodes) if last is None else last + 1]:
            op, sources = node.op, node.inputs
            if op is None or node.index not in wanted:
                continue
            if len(sources) == 1:
                state = states.get(sources[0])
                if state is None:
                    continue
                plain = type(op).window is pointwise and node.shape.axes == nodes[sources[0]].shape.axes
                if plain or self._keeps(node, op):
                    states[node.index] = state
                    continue
            parts = [(position, states[index]) for position, index in enumerate(sources) if index in states]
            if op.references:
                kept = len(sources) - op.borrows
                parts = [part for part in parts if part[0] < kept or any(_read(op, self.graph, node, part[0]))]
            if parts:
                states[node.index] = self._through(node, op, parts)
        return states

    def _keeps(self, node: Node, op: Op) -> bool:
        """Whether each row of an op with one input reads its own row, along every axis; of steps alike all or none."""
        readings = self._readings_of(node, op, (0,))
        return all(reading[0][0] == "own" for reading in readings)

    def _through(self, node: Node, op: Op, parts: list[tuple[int, State[T]]]) -> State[T]:
        key = (self.graph.firsts[node.index], *[(position, id(state)) for position, state in parts])
        found = self._known.get(key)
        if found is None:
            if len(self._known) > REMEMBERED:
                for memory in (self._known, self._meetings, self._windows):
                    memory.clear()
            at = tuple([position for position, _ in parts])
            readings = self._readings_of(node, op, at)
            pieces = [self._pieces(readings[along], along, parts) for along in range(len(self.axes))]
            found = self._known[key] = tuple(map(self._meet, pieces))
        return found

    def _readings_of(self, node: Node, op: Op, at: tuple[int, ...]) -> list[list[Reading]]:
        """How an op reads its inputs at some positions, for each axis; steps alike read alike."""
        known = self._readings[node.index]
        assert known is not None
        found = known.get((self.axes, at))
        if found is None:
            inputs = self.graph.shapes_in(node)
            found = known[self.axes, at] = [
                [_reading(op, inputs, node.shape, axis, position) for position in at] for axis in self.axes
            ]
        return found

    def _pieces(self, readings: Sequence[Reading], along: int, parts: list[tuple[int, State[T]]]) -> list[Along[T]]:
        """The values of the inputs along one axis."""
        pieces: list[Along[T]] = []
        for (window, size, after), (_, state) in zip(readings, parts, strict=True):
            before = state[along]
            if window == "own":
                pieces.append(before)
            elif window == "new":
                spread = self.algebra.everything(before.value, size, after)
                pieces.append(Along(spread, before.whole, before.gathered))
            elif window == "all":
                pieces.append(self._gather(before, size, 1))
            elif isinstance(window, Everything):
                gathered = after == 1 or size == 1
                value = self.algebra.everything(before.value, size, after)
                pieces.append(Along(value, True, before.gathered or gathered))
            elif not isinstance(window, Nothing):
                pieces.append(self._windowed(before, window, size, after))
        return pieces

    def _windowed(self, before: Along[T], window: Window, size: Dim, after: Dim) -> Along[T]:
        key = (id(before), window, size, after) if self.algebra.sized else (id(before), window)
        found = self._windows.get(key)
        if found is None:
            value = self.algebra.window(before.value, window, size, after)
            found = self._windows[key] = (Along(value, before.whole, before.gathered), before)
        return found[0]

    def _gather(self, before: Along[T], size: Dim, after: Dim) -> Along[T]:
        return Along(self.algebra.everything(before.value, size, after), True, True)

    def _meet(self, pieces: Sequence[Along[T]]) -> Along[T]:
        """A merge: by the convolution-like convention gathered paths count only if all are gathered."""
        if len(pieces) == 1:
            return pieces[0]
        distinct = list({id(piece): piece for piece in pieces}.values())
        if len(distinct) == 1:
            return distinct[0]
        key = tuple(map(id, distinct))
        known = self._meetings.get(key)
        if known is None:
            known = self._meetings[key] = (self._joined(distinct), distinct)
        return known[0]

    def _joined(self, distinct: list[Along[T]]) -> Along[T]:
        gathered = all(piece.gathered for piece in distinct)
        counted = distinct
        if not self.algebra.whole_image and not gathered:
            counted = [piece for piece in distinct if not piece.gathered]
        values = list({id(piece.value): piece.value for piece in counted}.values())
        value = values[0] if len(values) == 1 else self.algebra.union(values)
        return Along(value, any(piece.whole for piece in distinct), gathered)


def _reading(op: Op, inputs: Sequence[Shape], output: Shape, axis: str, position: int) -> Reading:
    """How an op reads an input along an axis; see :data:`Reading`."""
    shape = inputs[position]
    if axis not in shape.axes:
        after = output.dims[output.axes.index(axis)] if axis in output.axes else 1
        return "own" if after == 1 else "new", 1, after
    size = shape.dims[shape.axes.index(axis)]
    if axis not in output.axes:
        return "all", size, 1
    window, after = op.window(inputs, position, axis), output.dims[output.axes.index(axis)]
    return ("own" if window == POINTWISE and size == after else window), size, after


def ancestors(graph: Graph, index: int, lenders: bool = True) -> set[int]:
    """A node and all that it is computed from; with ``lenders`` also nodes of which only the size is used."""
    seen = {index}
    stack = [index]
    while stack:
        node = graph.nodes[stack.pop()]
        lent = 0 if lenders or node.op is None else node.op.borrows
        new = [source for source in node.inputs[: len(node.inputs) - lent] if source not in seen]
        seen.update(new)
        stack += new
    return seen


def _read(op: Op, graph: Graph, node: Node, position: int) -> list[bool]:
    """Whether an input is read along each axis; of references often only the size is used."""
    inputs = graph.shapes_in(node)
    shared = [axis for axis in node.shape.axes if axis != "channels" and axis in inputs[position].axes]
    return [not isinstance(op.window(inputs, position, axis), Nothing) for axis in shared]
