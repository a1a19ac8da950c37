"""A convolution as a matrix: Conv(X, φ) = C · vec(X), where C is sparse and its entries are the weights φ.

Each row of C belongs to one output position: the kernel placed there, with the input's positions as columns in memory
order.  The transpose of C is the transposed convolution.  Nothing here needs the compiler, and torch is imported only
where a matrix is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from archspec.records import record

if TYPE_CHECKING:
    from torch import Tensor

Sides = int | Sequence[int | tuple[int, int]]
"""Padding: one number, or for each axis one number or a pair (before, after)."""


@record
class Geometry:
    """The geometry of a convolution for one input and one output channel; each field has one entry per spatial axis."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @classmethod
    def of(
        cls,
        size: Sequence[int],
        kernel: Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: Sides = 0,
        dilation: int | Sequence[int] = 1,
    ) -> Geometry:
        """The geometry from torch's arguments.  Raises ValueError where they are not a valid convolution."""
        rank = len(size)
        if not 1 <= rank <= 3:
            raise ValueError(f"the size has {rank} axes, but a convolution has one, two or three")
        found = cls(
            _numbers("size", size, rank, 1),
            _numbers("kernel", kernel, rank, 1),
            _numbers("stride", stride, rank, 1),
            _sides(padding, rank),
            _numbers("dilation", dilation, rank, 1),
        )
        for axis, length in enumerate(found.output):
            if length < 1:
                raise ValueError(
                    f"the kernel does not fit: it spans {found.span[axis]} of {found.size[axis]} rows"
                    f" and {sum(found.padding[axis])} of padding"
                )
        return found

    @property
    def span(self) -> tuple[int, ...]:
        """The extent of a window along each axis, from its first tap to its last: d·(k − 1) + 1."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def output(self) -> tuple[int, ...]:
        """The output size, ⌊(n + padding − span)/s⌋ + 1 along each axis."""
        return tuple(
            (n + sum(p) - span) // s + 1
            for n, p, span, s in zip(self.size, self.padding, self.span, self.stride, strict=True)
        )

    def taps(self, axis: int) -> list[list[int]]:
        """For each output position along an axis, the input position of each tap; −1 in the padding."""
        before = self.padding[axis][0]
        reach = range(self.size[axis])
        return [
            [
                at if (at := i * self.stride[axis] - before + j * self.dilation[axis]) in reach else -1
                for j in range(self.kernel[axis])
            ]
            for i in range(self.output[axis])
        ]

    def pattern(self) -> Iterator[tuple[int, int, int]]:
        """The row, column and kernel index of every entry of the matrix, ordered by row, then by column."""
        tables = [self.taps(axis) for axis in range(len(self.size))]
        for row, position in enumerate(product(*(range(n) for n in self.output))):
            windows = (table[i] for table, i in zip(tables, position, strict=True))
            for index, place in enumerate(product(*windows)):
                if min(place) >= 0:
                    yield row, _raveled(place, self.size), index


def transposed_size(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    output_padding: int | Sequence[int] = 0,
) -> tuple[int, ...]:
    """The output size of a transposed convolution, (n − 1)·s − 2·p + d·(k − 1) + 1 + output padding along each axis.

    The convolution with the same arguments maps s different sizes to the size n; ``output_padding``, from 0 to s − 1,
    selects one of them.
    """
    rank = len(size)
    arguments = (
        _numbers("size", size, rank, 1),
        _numbers("kernel", kernel, rank, 1),
        _numbers("stride", stride, rank, 1),
        _numbers("padding", padding, rank, 0),
        _numbers("dilation", dilation, rank, 1),
        _numbers("output_padding", output_padding, rank, 0),
    )
    found = tuple((n - 1) * s - 2 * p + d * (k - 1) + 1 + more for n, k, s, p, d, more in zip(*arguments, strict=True))
    if min(found) < 1:
        raise ValueError(f"an input of {' × '.join(map(str, size))} has an empty output")
    for more, s in zip(arguments[5], arguments[2], strict=True):
        if more >= s:
            raise ValueError(f"the output padding {more} must be smaller than the stride {s}")
    return found


def conv_matrix(
    weight: Tensor,
    size: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Sides = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """The matrix C of a convolution for an input size: ``C @ x.flatten()`` is its output, flattened.

    ``weight`` has shape output channels × input channels per group × kernel, with one to three spatial axes; ``size``
    is the input's spatial size.  The other arguments are torch's; padding may also differ by side, as (before, after).
    C is a coalesced sparse COO tensor of shape (out·∏output, in·∏size) with the weight's dtype, and gradients flow
    through it to the weight.  ``C.T`` is the transposed convolution, from the output's shape to the input's.

    Raises ValueError where the arguments are not a valid convolution.
    """
    import torch

    if weight.dim() != len(size) + 2:
        raise ValueError(f"a weight of {weight.dim()} axes for a size of {len(size)}: output, input, then the kernel's")
    out, inner = weight.shape[:2]
    if groups < 1 or out % groups:
        raise ValueError(f"{out} output channels do not divide into {groups} groups")
    geometry = Geometry.of(size, weight.shape[2:], stride, padding, dilation)
    rank = len(geometry.size)
    positions = torch.zeros((1,) * (2 * rank), dtype=torch.int64)
    inside = torch.ones((1,) * (2 * rank), dtype=torch.bool)
    for axis in range(rank):  # axes 0 … rank − 1 are the output's, the others the kernel's
        taps = torch.tensor(geometry.taps(axis))
        shape = [1] * (2 * rank)
        shape[axis], shape[rank + axis] = taps.shape
        positions = positions + taps.view(shape) * prod(geometry.size[axis + 1 :])
        inside = inside & (taps.view(shape) >= 0)
    places, taps_each = prod(geometry.output), prod(geometry.kernel)
    positions, inside = positions.reshape(places, 1, taps_each), inside.reshape(places, 1, taps_each)
    row, channel, tap = inside.expand(places, inner, taps_each).nonzero().T
    column = positions[row, 0, tap] + channel * prod(geometry.size)
    outputs = torch.arange(out).unsqueeze(1)
    first = outputs // (out // groups) * inner  # the first input channel that each output channel reads
    rows = (row + outputs * places).flatten()
    columns = (column + first * prod(geometry.size)).flatten()
    values = weight.reshape(out, inner, taps_each)[:, channel, tap].flatten()
    shape = (out * places, groups * inner * prod(geometry.size))
    indices = torch.stack([rows, columns]).to(weight.device)
    return torch.sparse_coo_tensor(indices, values, shape, is_coalesced=True, check_invariants=False)


def _numbers(name: str, given: int | Sequence[int], rank: int, least: int) -> tuple[int, ...]:
    found = (given,) * rank if isinstance(given, int) else tuple(given)
    if len(found) != rank:
        raise ValueError(f"`{name}` has {len(found)} numbers for {rank} axes")
    for number in found:
        if not isinstance(number, int) or number < least:
            raise ValueError(f"`{name}` has {number!r}, which is not a whole number of at least {least}")
    return found


def _sides(given: Sides, rank: int) -> tuple[tuple[int, int], ...]:
    listed = (given,) * rank if isinstance(given, int) else tuple(given)
    pairs = [(side, side) if isinstance(side, int) else tuple(side) for side in listed]
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"`padding` must be a number, or for each of {rank} axes a number or (before, after)")
    before = _numbers("padding", [pair[0] for pair in pairs], rank, 0)
    after = _numbers("padding", [pair[1] for pair in pairs], rank, 0)
    return tuple(zip(before, after, strict=True))


def _raveled(place: Sequence[int], size: Sequence[int]) -> int:
    index = 0
    for at, length in zip(place, size, strict=True):
        index = index * length + at
    return index
