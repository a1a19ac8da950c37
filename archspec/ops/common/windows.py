"""Which input rows an output row reads, along one axis: what receptive fields are computed from.

Each class is one row of the table in the receptive-field analysis; an op only names its window.
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
    """Rows of padding at the end, as ``padding`` is at the beginning."""
    ceil: bool = False
    """Whether a last window that hangs over the end counts."""


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

    ``fill`` says what padding shows where there is no such row: a constant, or rows it mirrors, repeats or wraps to.
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
    """Concatenation along this very axis: this input's rows start at ``start``."""

    start: Dim
    length: Dim


@record
class Resized:
    """Resampling from ``source`` to ``target`` rows; no constant ratio, or align_corners: known at a given size."""

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
    """No row is read: of a step that is named for its size alone."""


Window = Sliding | Transposed | Scaled | Shifted | Centred | Joined | Resized | Adaptive | Everything | Nothing

POINTWISE = Shifted(0)
