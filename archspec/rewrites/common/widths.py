"""Numbers of channels as unknowns: which numbers in a network must be equal and change together.

The channels of a value are a list of :class:`Segment`.  A convolution makes a new one, concatenation joins lists,
addition makes two lists equal, and cutting a list cuts its segments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import lcm


class Segment:
    """A group of channels with one number.  ``product`` is set if they are flattened pixels of other channels."""

    __slots__ = ("fixed", "multiple", "other", "parts", "product", "size")

    def __init__(self, size: int, fixed: bool = False, multiple: int = 1) -> None:
        self.size = size
        self.fixed = fixed or size == 1
        self.multiple = multiple
        self.other: Segment | None = None
        self.parts: tuple[Segment, Segment] | None = None
        self.product: tuple[Segments, int] | None = None

    def leaves(self) -> Iterator[Segment]:
        """The segments it was cut into, each replaced by the segment that it equals."""
        stack: list[Segment] = [self]
        while stack:
            segment = stack.pop()
            while segment.other is not None:
                segment = segment.other
            if segment.parts is None:
                yield segment
            else:
                stack += reversed(segment.parts)

    def cut(self, size: int) -> None:
        """Cut a leaf in two, the first of ``size`` channels."""
        if self.product is not None:
            raise Inseparable
        self.parts = (Segment(size, self.fixed, self.multiple), Segment(self.size - size, self.fixed, self.multiple))


Segments = list[Segment]


class Inseparable(Exception):
    """Flattened pixels cannot be separated any more."""


def flat(segments: Sequence[Segment]) -> Segments:
    """The leaves of a list."""
    return [leaf for segment in segments for leaf in segment.leaves()]


def equal(one: Sequence[Segment], other: Sequence[Segment]) -> None:
    """Make two lists of equally many channels equal, cutting segments where their borders differ."""
    left, right = flat(one)[::-1], flat(other)[::-1]
    while left and right:
        a, b = (next(iter(left.pop().leaves())), next(iter(right.pop().leaves())))
        if a is b:
            continue
        if a.size == b.size:
            _join(a, b)
        else:
            longer, shorter, rest = (a, b, left) if a.size > b.size else (b, a, right)
            longer.cut(shorter.size)
            assert longer.parts is not None
            first, second = longer.parts
            rest.append(second)
            _join(first, shorter)


def _join(a: Segment, b: Segment) -> None:
    if a.product is not None or b.product is not None:
        if a.product is None or b.product is None or a.product[1] != b.product[1]:
            raise Inseparable
        equal(a.product[0], b.product[0])
    a.multiple = lcm(a.multiple, b.multiple)
    a.fixed = a.fixed or b.fixed
    b.other = a


def pieces(segments: Sequence[Segment], sizes: Sequence[int]) -> list[Segments]:
    """Cut a list into lists of given sizes."""
    rest = flat(segments)[::-1]
    found: list[Segments] = []
    for size in sizes:
        piece: Segments = []
        while size:
            leaf = rest.pop()
            if leaf.size > size:
                leaf.cut(size)
                assert leaf.parts is not None
                leaf, second = leaf.parts
                rest.append(second)
            piece.append(leaf)
            size -= leaf.size
        found.append(piece)
    return found


def fix(segments: Sequence[Segment]) -> None:
    """Keep these numbers of channels unchanged."""
    for leaf in flat(segments):
        leaf.fixed = True
        if leaf.product is not None:
            fix(leaf.product[0])


def divides(segments: Sequence[Segment], groups: int) -> None:
    """Keep the number of channels a multiple of ``groups``."""
    for leaf in flat(segments):
        leaf.multiple = lcm(leaf.multiple, groups)
        if leaf.product is not None:
            divides(leaf.product[0], groups)
