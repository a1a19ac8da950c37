"""Memory of an op besides its output: while it runs, and until its backward step has run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from archspec.records import record

if TYPE_CHECKING:
    from archspec.sizes import Dim


class Numbers(NamedTuple):
    """An additional tensor of a step, with ``times`` × the product of ``dims`` elements.

    ``width`` is the bytes of an element, None for the map's dtype; ``batched`` says whether each sample has its own.
    """

    times: int
    dims: tuple[Dim, ...] = ()
    width: int | None = None
    batched: bool = True


@record
class Saved:
    """Tensors that autograd saves for the backward step: inputs by position, the output, and additional tensors."""

    inputs: tuple[int, ...] = ()
    output: bool = False
    extra: tuple[Numbers, ...] = ()
    passing: tuple[Numbers, ...] = ()
    """Saved besides where an input receives a gradient."""
    padded: tuple[Numbers, ...] = ()
    """The gradient of the first input as the backward step makes it, where that is of the input with its padding."""
    unpadding: tuple[Numbers, ...] = ()
    """Alive besides while the padding is taken off again."""
    backward: tuple[Numbers, ...] = ()
    """Not saved, but alive while the backward step runs."""
    weights: tuple[Numbers, ...] = ()
    """Alive after that, while the gradient of a weight goes on to what the weight is made of."""


Layout: TypeAlias = Literal["plain", "kept", "channels"]
"""Memory layout of an output: contiguous; as the first input; or channels last if the input is."""


def dense(sizes: Sequence[int], order: Sequence[int] | None = None) -> tuple[int, ...]:
    """Strides without gaps; ``order`` lists the axes from the outermost."""
    strides, step = [0] * len(sizes), 1
    for axis in reversed(range(len(sizes)) if order is None else order):
        strides[axis] = step
        step *= max(sizes[axis], 1)
    return tuple(strides)


def is_contiguous(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the strides are contiguous; the stride of an axis of size 1 does not matter."""
    return all(size == 1 or have == want for size, have, want in zip(sizes, strides, dense(sizes), strict=True))


def lies(layout: Layout, sizes: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the strides are contiguous or, for ``channels``, contiguous or channels last."""
    if layout == "kept" or is_contiguous(sizes, strides):
        return True
    last = dense(sizes, (0, *range(2, len(sizes)), 1)) if layout == "channels" and len(sizes) > 3 else ()
    return bool(last) and all(size == 1 or have == want for size, have, want in zip(sizes, strides, last, strict=True))


def laid(layout: Layout, sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]) -> tuple[int, ...]:
    """Strides of an op's output, given its input."""
    if layout == "plain" or len(sizes) != len(output) or is_contiguous(sizes, strides):
        return dense(output)
    if layout == "channels":
        return dense(output, (0, *range(2, len(sizes)), 1) if lies(layout, sizes, strides) else None)
    return dense(output, sorted(range(len(sizes)), key=lambda axis: -strides[axis]))


def view(sizes: Sequence[int], strides: Sequence[int], wanted: Sequence[int]) -> tuple[int, ...] | None:
    """Strides of a view in another shape, or None if only a copy can have it: torch's own rule."""
    found: list[int] = []
    left = list(wanted)
    run, seen, axis = 1, 1, len(sizes) - 1
    base = strides[-1] if strides else 1
    for axis in reversed(range(len(sizes))):
        run *= sizes[axis]
        if axis == 0 or (sizes[axis - 1] != 1 and strides[axis - 1] != run * base):
            while left and (seen < run or left[-1] == 1):
                found.append(seen * base)
                seen *= left.pop()
            if seen != run:
                return None
            if axis > 0:
                base, run, seen = strides[axis - 1], 1, 1
    return tuple(reversed(found)) if not left else None


NOTHING = Saved()
INPUT = Saved((0,))
OUTPUT = Saved(output=True)
