"""Exact receptive fields: the pixels of a source that one output pixel of a step depends on, by axis and output phase.

Both conventions are reported.  *Convolution-like*: operations that read everything at once (global pooling, flatten
into dense, squeeze-and-excite, normalisation over the map) pass the field on unchanged; papers report this number.
*Whole image*: after such an operation every output depends on all of the image; :attr:`ReceptiveField.whole` says so.

Max pooling counts every tap; the set of an axis is a projection of the field (the union of a 1×n and an n×1 window is a
cross).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import gcd

from archspec.analyses import tables
from archspec.analyses.tables import SOURCE, Table, Taps
from archspec.analyses.walk import State, Walk
from archspec.graph import Graph, uncollected
from archspec.ops.common.windows import (
    Adaptive,
    Centred,
    Fitted,
    Resized,
    Scaled,
    Shifted,
    Sliding,
    Surrounded,
    Transposed,
    Window,
)
from archspec.records import record
from archspec.sizes import Dim, Evaluation


@record
class Phase:
    """The field of one output phase: pixels ``first`` to ``last`` of the source, with possible holes."""

    taps: Taps

    @property
    def first(self) -> int:
        """The first pixel; negative if it is in the padding."""
        return self.taps[0]

    @property
    def last(self) -> int:
        """The last pixel."""
        return self.taps[1]

    @property
    def size(self) -> int:
        """Pixels from the first to the last."""
        return self.last - self.first + 1

    @property
    def pixels(self) -> tuple[int, ...]:
        """The pixels that are read."""
        return tables.pixels(self.taps)

    @property
    def holes(self) -> int:
        """Number of pixels inside the field that are not read: gridding (https://arxiv.org/abs/1702.08502)."""
        return self.size - tables.count(self.taps)

    @property
    def centre(self) -> Fraction:
        """The middle of the field, in pixels of the source."""
        return Fraction(self.first + self.last, 2)


@record
class AxisField:
    """The field along one axis; output row i has that of phase ``i % period``, moved by stride · period each period."""

    table: Table

    @property
    def period(self) -> int:
        """Number of phases of the output rows: 1, except after transposed convolutions and upsampling."""
        return self.table.period

    @property
    def phases(self) -> tuple[Phase | None, ...]:
        """The field of output rows 0 … period − 1; None for a row that does not depend on the source."""
        return tuple(None if row is None else Phase(row) for row in self.table.rows)

    @property
    def stride(self) -> Fraction:
        """Number of source pixels by which the field moves per output row."""
        return Fraction(self.table.shift, self.table.period)

    @property
    def size(self) -> int:
        """The largest size over the phases."""
        return max((row[1] - row[0] + 1 for row in self.table.rows if row is not None), default=0)

    @property
    def smallest(self) -> int:
        """The smallest size over the phases; 0 if one has no field."""
        return min((0 if row is None else row[1] - row[0] + 1 for row in self.table.rows), default=0)

    @property
    def offset(self) -> Fraction:
        """Centre of the field of output row 0."""
        return next((phase.centre for phase in self.phases if phase is not None), Fraction(0))

    @property
    def centre(self) -> Fraction | None:
        """Mean over the phases of the centre minus stride times the row; None if there is no field."""
        seen = [(index, phase) for index, phase in enumerate(self.phases) if phase is not None]
        if not seen:
            return None
        return sum((phase.centre - index * self.stride for index, phase in seen), Fraction(0)) / len(seen)

    @property
    def end(self) -> Fraction:
        """Mean over the phases of the last pixel minus stride times the row."""
        seen = [(index, phase) for index, phase in enumerate(self.phases) if phase is not None]
        return sum((phase.last - index * self.stride for index, phase in seen), Fraction(0)) / max(len(seen), 1)

    @property
    def padding(self) -> int:
        """Number of pixels by which the field of output row 0 begins outside the source (negative: inside)."""
        row = self.table.rows[0]
        return 0 if row is None else -row[0]

    @property
    def holes(self) -> int:
        """The largest number of pixels inside a field that are not read (gridding)."""
        return max((phase.holes for phase in self.phases if phase is not None), default=0)

    def at(self, row: int) -> Phase | None:
        """The field of one output row, ignoring the borders."""
        taps = self.table.at(row)
        return None if taps is None else Phase(taps)


@record
class ReceptiveField:
    """The field of a step with respect to a source, along each spatial axis of the source.

    ``axes`` has the convolution-like field, or None if it is not periodic: ``align_corners``, adaptive pooling to more
    than one row, concatenation along the axis, resampling by a ratio that is not constant, more than 4096 phases.
    ``whole_axes`` are the axes along which every output sees everything, because of a global operation.
    """

    axes: Mapping[str, AxisField | None]
    whole_axes: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether a global operation makes every output see the whole image along some axis."""
        return bool(self.whole_axes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Convolution-like size along each axis, where known."""
        return tuple(field.size for field in self.axes.values() if field is not None)

    @property
    def strides(self) -> tuple[Fraction, ...]:
        """Stride along each axis, where known."""
        return tuple(field.stride for field in self.axes.values() if field is not None)


class TableAlgebra:
    """Carries a table of taps; None if there is none, or if it depends on a size that is not given."""

    whole_image = False
    sized = False

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._evaluation = Evaluation(dict(sizes))

    def source(self, size: Dim) -> Table | None:
        """Each row sees itself."""
        return SOURCE

    def everything(self, value: Table | None, before: Dim, after: Dim) -> Table | None:
        """Global operations pass the field on."""
        return value

    def union(self, values: Sequence[Table | None]) -> Table | None:
        """The union of the fields of merged paths."""
        known = [value for value in values if value is not None]
        return tables.guarded(lambda: tables.united(known)) if len(known) == len(values) else None

    def window(self, value: Table | None, window: Window, before: Dim, after: Dim) -> Table | None:
        """The field seen through a window."""
        return None if value is None else tables.guarded(lambda: self._apply(value, window))

    def _apply(self, value: Table, window: Window) -> Table | None:
        match window:
            case Sliding(kernel, stride, padding, dilation, _, _):
                return tables.sliding(value, kernel, stride, padding, dilation)
            case Transposed(kernel, stride, padding, dilation):
                return tables.transposed(value, kernel, stride, padding, dilation)
            case Scaled(numerator, denominator, neighbours):
                return tables.scaled(value, numerator, denominator, neighbours)
            case Shifted(offset):
                return tables.shifted(value, offset)
            case Fitted(_, _, _, source):
                sizes = self._numbers(source)
                return None if sizes is None else self._apply(value, window.at(sizes[0]))
            case Centred(outer, inner):
                sizes = self._numbers(outer, inner)
                return None if sizes is None else tables.shifted(value, (sizes[0] - sizes[1]) // 2)
            case Surrounded(outer, inner):
                sizes = self._numbers(outer, inner)
                return None if sizes is None else tables.shifted(value, -((sizes[0] - sizes[1]) // 2))
            case Adaptive(source, target):
                sizes = self._numbers(source, target)
                if sizes is None or sizes[0] % target:
                    return None
                return tables.sliding(value, sizes[0] // target, sizes[0] // target, 0, 1)
            case Resized(source, target, neighbours, align_corners):
                sizes = self._numbers(source, target)
                if sizes is None or align_corners:
                    return None
                common = gcd(*sizes)
                return tables.scaled(value, sizes[1] // common, sizes[0] // common, neighbours)
        return None

    def _numbers(self, *dims: Dim) -> tuple[int, ...] | None:
        """Sizes as numbers; None if a symbol has none, or the output is empty at the given sizes."""
        try:
            numbers = tuple(self._evaluation.of(dim) for dim in dims)
        except ValueError:
            return None
        return numbers if min(numbers) > 0 else None


@uncollected()
def table(graph: Graph, sizes: Mapping[str, int], source: int | None = None) -> dict[str, ReceptiveField]:
    """The field of every step that depends on a source node (the first input, unless given), by path.

    ``sizes`` are needed where the field depends on the input size: a centre crop, adaptive pooling, a resize.
    """
    walk = walked(graph, sizes, source)
    nodes, axes = graph.nodes, walk.axes
    described: dict[int, ReceptiveField] = {}  # by the id of a state, and of a table; the walk keeps both alive
    fields: dict[int, AxisField | None] = {}
    found: dict[str, ReceptiveField] = {}
    for index, state in walk.states.items():
        field = described.get(id(state))
        if field is None:
            field = described[id(state)] = _described(axes, state, fields)
        found[nodes[index].path] = field
    return found


def walked(graph: Graph, sizes: Mapping[str, int], source: int | None = None) -> Walk[Table | None]:
    """The pass behind :func:`table`: states by node index."""
    walk = Walk(graph, TableAlgebra(sizes), next(iter(graph.inputs.values())) if source is None else source)
    walk.run()
    return walk


def _described(axes: Sequence[str], state: State[Table | None], fields: dict[int, AxisField | None]) -> ReceptiveField:
    found: dict[str, AxisField | None] = {}
    whole = frozenset([axis for axis, along in zip(axes, state, strict=True) if along.whole])
    for axis, along in zip(axes, state, strict=True):
        key = id(along.value)
        if key not in fields:
            fields[key] = None if along.value is None else AxisField(along.value)
        found[axis] = fields[key]
    return ReceptiveField(found, whole)
