"""The input rows that an output row reads, along one axis; receptive fields are computed from them.

Each class is one case of the receptive-field analysis; an op only names its window.
"""

from __future__ import annotations

from typing import Literal

from archspec.records import record
from archspec.sizes import Dim

Fill = Literal["constant", "reflect", "replicate", "circular"]
"""What padding holds: a constant, the mirror image, the border again, the other end."""


@record
class Sliding:
    """Output row i reads i·stride − padding + dilation·j for j in 0 … kernel−1.

    ``fill`` says what padding shows, as that of :class:`Shifted` does.
    """

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    after: int = 0
    """Rows of padding at the end; ``padding`` is at the beginning."""
    ceil: bool = False
    """Whether a last window that extends over the end counts."""
    fill: Fill = "constant"


@record
class Fitted:
    """Sliding windows whose padding makes ceil(source/stride) of them, an odd row after: strided ``same``."""

    kernel: int
    stride: int
    dilation: int
    source: Dim

    def at(self, source: int) -> Sliding:
        """The window at a size."""
        before, after = fitted(source, self.kernel, self.stride, self.dilation)
        return Sliding(self.kernel, self.stride, before, self.dilation, after)


def fitted(source: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """The padding before and after by which windows give ceil(source/stride) rows."""
    extra = max((-(-source // stride) - 1) * stride + dilation * (kernel - 1) + 1 - source, 0)
    return extra // 2, extra - extra // 2


@record
class Transposed:
    """Output row i reads (i + padding − dilation·u)/stride, where that is whole, for u in 0 … kernel−1."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


@record
class Scaled:
    """Resampling by numerator/denominator: ``neighbours`` is 1 for the nearest row, 2 for linear, 4 for cubic."""

    numerator: int
    denominator: int
    neighbours: int


@record
class Shifted:
    """Output row i reads i + offset: pad, crop and slice.  Offset 0 is pointwise.

    ``fill`` is the padding mode for rows outside the input: a constant, or mirrored, repeated or wrapped rows.
    """

    offset: int = 0
    fill: Fill = "constant"


@record
class Centred:
    """A centre crop from ``outer`` rows to ``inner``: output row i reads i + floor((outer − inner)/2)."""

    outer: Dim
    inner: Dim


@record
class Surrounded:
    """Rows laid around ``inner`` rows up to ``outer``: output row i reads i − floor((outer − inner)/2)."""

    outer: Dim
    inner: Dim


@record
class Joined:
    """Concatenation along this axis: the rows of this input start at ``start``."""

    start: Dim
    length: Dim


@record
class Resized:
    """Resampling from ``source`` to ``target`` rows, by no constant ratio or with align_corners: known only at a given
    size.
    """

    source: Dim
    target: Dim
    neighbours: int
    align_corners: bool = False


@record
class Adaptive:
    """Adaptive pooling from ``source`` to ``target`` rows: row i reads floor(i·s/t) … ceil((i+1)·s/t)−1."""

    source: Dim
    target: int


@record
class Everything:
    """Every output row reads the whole axis: global pooling, flatten into linear, squeeze-and-excite."""


@record
class UpTo(Everything):
    """Every output row reads the rows up to its own: a recurrence.  The analyses take it for the whole axis."""


@record
class Windowed(Everything):
    """Every output row reads the rows of its window of a map of ``length`` rows, rolled by ``shift``.

    Windows that roll round the end mix both ends, if only a little: the analyses take it for the whole axis.
    """

    size: int
    shift: int
    length: Dim


@record
class Nothing:
    """No row is read: the step is only used for its size."""


@record
class Hidden:
    """The rows are not known: the step is opaque."""


Window = (
    Sliding
    | Fitted
    | Transposed
    | Scaled
    | Shifted
    | Centred
    | Surrounded
    | Joined
    | Resized
    | Adaptive
    | Everything
    | Nothing
    | Hidden
)

POINTWISE = Shifted(0)
