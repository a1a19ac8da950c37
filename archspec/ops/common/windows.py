"""The input rows that an output row reads, along one axis; receptive fields are computed from them.

Each class is one case of the receptive-field analysis; an op only names its window.
"""

from __future__ import annotations

from typing import Literal

from archspec.records import record
from archspec.sizes import Dim


@record
class Sliding:
    """Output row i reads i·stride − padding + dilation·j for j in 0 … kernel−1."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    after: int = 0
    """Rows of padding at the end; ``padding`` is at the beginning."""
    ceil: bool = False
    """Whether a last window that extends over the end counts."""


@record
class Transposed:
    """Output row i reads (i + padding − dilation·u)/stride, where that is whole, for u in 0 … kernel−1."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


@record
class Scaled:
    """Upsampling by numerator/denominator; ``linear`` reads two neighbours, otherwise the nearest."""

    numerator: int
    denominator: int
    linear: bool


@record
class Shifted:
    """Output row i reads i + offset: pad, crop and slice.  Offset 0 is pointwise.

    ``fill`` is the padding mode for rows outside the input: a constant, or mirrored, repeated or wrapped rows.
    """

    offset: int = 0
    fill: Literal["constant", "reflect", "replicate", "circular"] = "constant"


@record
class Centred:
    """A centre crop from ``outer`` rows to ``inner``: output row i reads i + floor((outer − inner)/2)."""

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
    linear: bool
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
class Nothing:
    """No row is read: the step is only used for its size."""


Window = Sliding | Transposed | Scaled | Shifted | Centred | Joined | Resized | Adaptive | Everything | Nothing

POINTWISE = Shifted(0)
