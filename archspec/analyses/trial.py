"""Trial of a step at the spec's own sizes as soon as it is made: while a spec is read, and after a rewrite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archspec.ops import Op, Shape, ShapeError
from archspec.sizes import Condition, Dim, Evaluation, Size, fails, text


class NoNumber(Exception):
    """An op needs a number for a size, and the spec gives none."""

    hint = "write `sizes: {H: 224, W: 224}` in the spec"

    def __init__(self, dim: Dim) -> None:
        self.dim = dim
        super().__init__(f"this step needs a number for {text(dim)}, and the spec has none")


@dataclass(slots=True, eq=False)
class Known:
    """What trials at the same sizes have found; what an id stands for is kept, so that nothing else gets the id."""

    fitting: dict[tuple[int, tuple[Shape, ...]], Op] = field(default_factory=dict)
    """Shapes at which all conditions of an op hold, by the op's id."""
    inferred: dict[tuple[int, ...], tuple[Op, tuple[Shape, ...], Shape]] = field(default_factory=dict)
    """Outputs by the ids of an op and of its inputs' shapes."""
    shapes: dict[Shape, Shape] = field(default_factory=dict)
    """One object for each shape, so that a chain of equal steps has equal keys."""
    sound: set[tuple[int, ...]] = field(default_factory=set)
    """Those of ``inferred`` that fit at the sizes."""


class Trial:
    """The spec's own sizes, and the sizes that were fixed to numbers."""

    def __init__(self, sizes: Mapping[str, int], known: Known | None = None) -> None:
        """``known`` is what earlier trials at the same sizes have found."""
        self.evaluation = Evaluation(sizes)
        self._known = known or Known()
        self.pins: list[tuple[Dim, int, int]] = []
        """Size, number, and index of the node that fixed it."""

    def number(self, dim: Dim) -> int:
        """A size as a number; raises :class:`NoNumber`."""
        found = self.evaluation.known(dim)
        if found is None:
            raise NoNumber(dim)
        return found

    def pin(self, dim: Dim, index: int) -> int:
        """Fix a size to its number, on behalf of the node of this index, and return it; raises :class:`NoNumber`."""
        number = self.number(dim)
        if isinstance(dim, Size):
            self.pins.append((dim, number, index))
        return number

    def same(self, shape: Shape) -> Shape:
        """The one object for a shape."""
        return self._known.shapes.setdefault(shape, shape)

    def infer(self, op: Op, inputs: tuple[Shape, ...], index: int) -> tuple[tuple[Shape, ...], Shape]:
        """The input shapes of a node, with numbers where its op needs them, and its output shape.

        Raises :class:`ShapeError` and :class:`NoNumber`; then nothing is fixed.
        """
        if not op.pins:
            key = _key(op, inputs)
            known = self._known.inferred.get(key)
            if known is None:
                known = self._known.inferred[key] = op, inputs, self.same(op.infer(inputs))
            return inputs, known[2]
        mark = len(self.pins)
        try:
            numbered = op.numbered(inputs, lambda dim: self.pin(dim, index))
            return numbered, op.infer(numbered)
        except (ShapeError, NoNumber):
            del self.pins[mark:]
            raise

    def failing(self, op: Op, inputs: Sequence[Shape], index: int) -> list[Condition]:
        """The op's conditions that do not hold; one on a size without a number is skipped."""
        if type(op).conditions is Op.conditions:
            return []
        key = id(op), tuple(inputs)
        if key in self._known.fitting:
            return []
        found = [one for one in op.conditions(inputs, index) if fails(one, self.evaluation)]
        if not found:
            self._known.fitting[key] = op
        return found

    def is_sound(self, op: Op, inputs: Sequence[Shape]) -> bool:
        """Whether the op was found to fit inputs of these very shapes before."""
        return _key(op, inputs) in self._known.sound

    def found_sound(self, op: Op, inputs: Sequence[Shape]) -> None:
        """Remember that the op fits inputs of these shapes."""
        key = _key(op, inputs)
        if key in self._known.inferred:
            self._known.sound.add(key)

    def is_empty(self, shape: Shape) -> bool:
        """Whether a shape has no elements."""
        numbers = map(self.evaluation.known, shape.dims)
        return any(number is not None and number < 1 for number in numbers)


def _key(op: Op, inputs: Sequence[Shape]) -> tuple[int, ...]:
    """An op and the shapes of its inputs by identity, which is faster than to compare them."""
    return (id(op), *map(id, inputs))
