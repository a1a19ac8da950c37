"""Receptive fields: which input pixels form one pixel of a step's output, per axis, exactly.

One forward pass over the graph.  A node's *table* with respect to the source is periodic: ``set(i + period) = set(i) +
shift``; each of its ``period`` entries is a contiguous run or a bit mask with holes.  Padding only removes taps, so the
table describes every interior pixel of the unbounded line exactly, whatever the input's size.

Convention: convolution-like operations count.  Operations that see everything at once (global pooling, flatten into dense,
squeeze-and-excite) pass the field on unchanged and set ``whole``: from there on every output sees the whole image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from archspec.graph import Graph, Node
from archspec.ops.windows import (
    Adaptive,
    Centred,
    Everything,
    Joined,
    Resized,
    Scaled,
    Shifted,
    Sliding,
    Transposed,
    Window,
)
from archspec.sizes import Dim, Evaluation

MAXIMUM_PERIOD = 4096
"""Output phases kept apart; a product of upsampling factors beyond it leaves the field unknown."""
MAXIMUM_SPAN = 1_000_000
"""Pixels a field with holes may span."""

Taps = tuple[int, int, int | None]
"""First pixel, last pixel, and a mask of those seen between them (None: all)."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The field of every output index: ``rows[i % period]`` moved on by ``shift`` for each whole period; None sees nothing."""

    period: int
    shift: int
    rows: tuple[Taps | None, ...]

    def at(self, index: int) -> Taps | None:
        """The taps of one output index."""
        turns, phase = divmod(index, self.period)
        row = self.rows[phase]
        if row is None or turns == 0:
            return row
        return row[0] + turns * self.shift, row[1] + turns * self.shift, row[2]


SOURCE = Table(1, 1, ((0, 0, None),))


@dataclass(frozen=True, slots=True)
class Phase:
    """The field of one output phase: pixels ``first`` to ``last``, of which ``holes`` are never sampled."""

    first: int
    last: int
    holes: int

    @property
    def size(self) -> int:
        """Pixels from the first to the last."""
        return self.last - self.first + 1

    @property
    def centre(self) -> Fraction:
        """The middle of the field, in input pixels."""
        return Fraction(self.first + self.last, 2)


@dataclass(frozen=True, slots=True)
class AxisField:
    """The field along one axis.

    ``stride`` is how far it moves for one step of the output; ``phases`` are its ``period`` kinds (None: that output sees
    nothing of the input, only bias).
    """

    stride: Fraction
    phases: tuple[Phase | None, ...]

    @property
    def size(self) -> int:
        """The largest size over the phases."""
        return max((phase.size for phase in self.phases if phase is not None), default=0)

    @property
    def padding(self) -> int:
        """How far the field of output 0 reaches outside the input."""
        return -min((phase.first for phase in self.phases[:1] if phase is not None), default=0)

    @property
    def holes(self) -> int:
        """Most pixels inside a field that are never sampled (gridding)."""
        return max((phase.holes for phase in self.phases if phase is not None), default=0)


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """The field of a step with respect to a source: one entry for each spatial axis of the source, None where unknown.

    ``whole`` says that a global operation lies between, so that every output sees the whole image.
    """

    axes: Mapping[str, AxisField | None]
    whole: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        """Size along each axis, where known."""
        return tuple(field.size for field in self.axes.values() if field is not None)

    @property
    def strides(self) -> tuple[Fraction, ...]:
        """Stride along each axis, where known."""
        return tuple(field.stride for field in self.axes.values() if field is not None)


def table(graph: Graph, sizes: Mapping[str, int], source: int | None = None) -> dict[str, ReceptiveField]:
    """The field of every step that depends on a source node (the first input, unless given), by path.

    ``sizes`` decide what depends on the input's size: the offset of a centre crop, adaptive pooling.
    """
    start = next(iter(graph.inputs.values())) if source is None else source
    axes = tuple(axis for axis in graph.nodes[start].shape.axes if axis != "channels")
    walk = _Walk(graph, Evaluation(dict(sizes)))
    tables: dict[int, tuple[tuple[Table | None, ...], bool]] = {start: ((SOURCE,) * len(axes), False)}
    found: dict[str, ReceptiveField] = {}
    memo: dict[tuple[int, ...], tuple[AxisField | None, Table | None]] = {}

    def described(one: Table | None) -> AxisField | None:
        key = (id(one),)
        if key not in memo:
            memo[key] = (_describe(one), one)
        return memo[key][0]

    for node in graph.nodes[start:]:
        if node.index != start:
            parts = [(position, tables[index]) for position, index in enumerate(node.inputs) if index in tables]
            if not parts:
                continue
            tables[node.index] = walk.through(node, parts, axes)
        fields, whole = tables[node.index]
        found[node.path] = ReceptiveField(dict(zip(axes, map(described, fields), strict=True)), whole)
    return found


class _Walk:
    """One pass; results are remembered by what went in, since pointwise ops and equal axes share their tables."""

    def __init__(self, graph: Graph, evaluation: Evaluation) -> None:
        self.graph = graph
        self.evaluation = evaluation
        self._windows: dict[tuple[int, Window], tuple[Table | None, Table]] = {}
        self._unions: dict[tuple[int, ...], tuple[Table | None, list[Table]]] = {}

    def through(
        self, node: Node, parts: Sequence[tuple[int, tuple[tuple[Table | None, ...], bool]]], axes: Sequence[str]
    ) -> tuple[tuple[Table | None, ...], bool]:
        """Tables of a node from those of what it reads."""
        inputs = self.graph.shapes_in(node)
        op = node.op
        assert op is not None
        whole = any(flag for _, (_, flag) in parts)
        result: list[Table | None] = []
        referred = len(node.inputs) - len(op.references) if op.references else len(node.inputs)
        for number, axis in enumerate(axes):
            pieces: list[Table | None] = []
            for position, (tables, _) in parts:
                if position >= referred:
                    continue  # a reference gives its size only
                before = tables[number]
                window: Window = Shifted(0)
                if axis in inputs[position].axes:
                    window = op.window(inputs, position, axis) if axis in node.shape.axes else Everything()
                if isinstance(window, Everything):
                    whole = True
                    pieces.append(before)
                else:
                    pieces.append(self._window(before, window))
            result.append(self._union(pieces))
        return tuple(result), whole

    def _number(self, dim: Dim) -> int | None:
        try:
            return self.evaluation.of(dim)
        except ValueError:
            return None

    def _window(self, before: Table | None, window: Window) -> Table | None:
        if before is None or window == Shifted(0):
            return before
        key = (id(before), window)
        if key not in self._windows:
            self._windows[key] = (self._apply(before, window), before)
        return self._windows[key][0]

    def _apply(self, before: Table, window: Window) -> Table | None:
        match window:
            case Sliding(kernel, stride, padding, dilation):
                return _sliding(before, kernel, stride, padding, dilation)
            case Transposed(kernel, stride, padding, dilation):
                return _moved(before, stride, 1, lambda i: _transposed_taps(i, kernel, stride, padding, dilation))
            case Scaled(numerator, denominator, linear):
                taps = _linear_taps if linear else _nearest_taps
                return _moved(before, numerator, denominator, lambda i: taps(i, numerator, denominator))
            case Shifted(offset):
                return _moved(before, 1, 1, lambda i: (i + offset,))
            case Centred(outer, inner):
                sizes = self._number(outer), self._number(inner)
                if sizes[0] is None or sizes[1] is None:
                    return None
                offset = (sizes[0] - sizes[1]) // 2
                return _moved(before, 1, 1, lambda i: (i + offset,)) if offset else before
            case Adaptive(source, target):
                size = self._number(source)
                if size is None or size % target:
                    return None
                return _sliding(before, size // target, size // target, 0, 1)
            case Resized(source, target, linear, align_corners):
                sizes = self._number(source), self._number(target)
                if sizes[0] is None or sizes[1] is None or align_corners:
                    return None
                common = gcd(sizes[0], sizes[1])
                return self._apply(before, Scaled(sizes[1] // common, sizes[0] // common, linear))
            case Joined() | Everything():
                return None

    def _union(self, tables: list[Table | None]) -> Table | None:
        if None in tables or not tables:
            return None
        distinct = list({id(one): one for one in tables if one is not None}.values())
        if len(distinct) == 1:
            return distinct[0]
        key = tuple(sorted(id(one) for one in distinct))
        if key not in self._unions:
            self._unions[key] = (_merged(distinct), distinct)
        return self._unions[key][0]


def _sliding(before: Table, kernel: int, stride: int, padding: int, dilation: int) -> Table | None:
    """A window over a table; a plain run stays one without looking at each tap."""
    row = before.rows[0]
    if before.period == 1 and row is not None and row[2] is None and dilation * before.shift <= row[1] - row[0] + 1:
        first = row[0] - padding * before.shift
        last = row[1] + (dilation * (kernel - 1) - padding) * before.shift
        return Table(1, before.shift * stride, ((first, last, None),))
    taps = range(-padding, -padding + dilation * kernel, dilation)
    return _moved(before, 1, stride, lambda i: [i * stride + tap for tap in taps])


def _transposed_taps(i: int, kernel: int, stride: int, padding: int, dilation: int) -> list[int]:
    return [
        (i + padding - dilation * u) // stride for u in range(kernel) if (i + padding - dilation * u) % stride == 0
    ]


def _nearest_taps(i: int, numerator: int, denominator: int) -> tuple[int, ...]:
    return (i * denominator // numerator,)


def _linear_taps(i: int, numerator: int, denominator: int) -> tuple[int, ...]:
    """Neighbours of ((2i+1)·Q − P)/(2P), one when it is whole."""
    below, rest = divmod((2 * i + 1) * denominator - numerator, 2 * numerator)
    return (below, below + 1) if rest else (below,)


def _moved(before: Table, after_step: int, before_step: int, taps: Callable[[int], Sequence[int]]) -> Table | None:
    """The table of an op whose output, moved by ``after_step``, reads input moved by ``before_step``."""
    turns = before.period // gcd(before.period, before_step)
    period = after_step * turns
    if period > MAXIMUM_PERIOD:
        return None
    shift = before_step * turns * before.shift // before.period
    rows: list[Taps | None] = []
    for i in range(period):
        seen = [row for row in (before.at(tap) for tap in taps(i)) if row is not None]
        joined = _join(seen)
        if joined is not None and joined[1] - joined[0] > MAXIMUM_SPAN:
            return None
        rows.append(joined)
    return _reduced(period, shift, rows)


def _merged(tables: Sequence[Table]) -> Table | None:
    """The union of tables; None when their strides differ, which merges of equal sizes never have."""
    period = lcm(*(one.period for one in tables))
    shifts = {one.shift * (period // one.period) for one in tables}
    if len(shifts) != 1 or period > MAXIMUM_PERIOD:
        return None
    rows = [_join([row for row in (one.at(i) for one in tables) if row is not None]) for i in range(period)]
    return _reduced(period, shifts.pop(), rows)


def _join(rows: Sequence[Taps]) -> Taps | None:
    """The union of fields."""
    if not rows:
        return None
    first = min(row[0] for row in rows)
    last = max(row[1] for row in rows)
    if any(row[2] is None and row[0] == first and row[1] == last for row in rows):
        return first, last, None
    if all(row[2] is None for row in rows):
        reach = first - 1
        for low, high, _ in sorted(rows, key=lambda row: row[0]):
            if low > reach + 1:
                break
            reach = max(reach, high)
        else:
            return first, last, None
    if last - first > MAXIMUM_SPAN:
        return first, last, None
    mask = 0
    for low, high, inner in rows:
        bits = (1 << (high - low + 1)) - 1 if inner is None else inner
        mask |= bits << (low - first)
    return first, last, None if mask == (1 << (last - first + 1)) - 1 else mask


def _reduced(period: int, shift: int, rows: list[Taps | None]) -> Table:
    """The same table with the least period."""
    for prime in _primes(period):
        while period % prime == 0 and shift % prime == 0:
            part, move = period // prime, shift // prime
            if any(_shifted(rows[i], move) != rows[i + part] for i in range(period - part)):
                break
            period, shift, rows = part, move, rows[:part]
    return Table(period, shift, tuple(rows))


def _shifted(row: Taps | None, by: int) -> Taps | None:
    return None if row is None else (row[0] + by, row[1] + by, row[2])


def _primes(number: int) -> list[int]:
    found, factor = [], 2
    while number > 1:
        if number % factor == 0:
            found.append(factor)
            while number % factor == 0:
                number //= factor
        factor += 1
    return found


def _describe(one: Table | None) -> AxisField | None:
    if one is None:
        return None
    phases = tuple(
        None if row is None else Phase(row[0], row[1], 0 if row[2] is None else row[1] - row[0] + 1 - row[2].bit_count())
        for row in one.rows
    )
    return AxisField(Fraction(one.shift, one.period), phases)
