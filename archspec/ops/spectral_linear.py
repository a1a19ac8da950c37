"""The fully connected layer with spectral normalisation."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.attending import TOKENS
from archspec.ops.common.base import Example, L, Shape
from archspec.ops.common.spectral import Spectral
from archspec.ops.linear import Linear


class SpectralLinear(Spectral, Linear):
    """A linear layer whose weight is divided by its largest singular value, as torch parametrises it
    (arXiv:1802.05957).
    """

    keyword: ClassVar[str] = "spectral_linear"
    saves_weight: ClassVar[bool] = False
    reads_parameter: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(4),), {"features": 16, "init": {"weight": "orthogonal"}}, Shape.of(16)),
        Example((Shape((L, 6), TOKENS),), {"features": 3, "bias": False, "iterations": 3}),
    )
