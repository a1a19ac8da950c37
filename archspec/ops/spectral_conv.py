"""Convolution with spectral normalisation."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Example, H, L, Shape, W
from archspec.ops.common.convolution import Convolution
from archspec.ops.common.spectral import Spectral


class SpectralConv(Spectral, Convolution):
    """Convolution whose weight is divided by its largest singular value, as torch parametrises it (arXiv:1802.05957).

    The value is estimated by power iterations, from vectors that are kept with the weights and better in each forward
    of training.
    """

    keyword: ClassVar[str] = "spectral_conv"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"channels": 6, "kernel": 4, "stride": 2, "padding": 1}),
        Example((Shape.of(4, H, W),), {"channels": 4, "kernel": 3, "groups": 2, "bias": False, "iterations": 2}),
        Example((Shape.of(2, L),), {"channels": 3, "kernel": 3, "eps": 1e-6, "init": "xavier_uniform"}),
    )
