"""Convolution."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Example, H, L, Shape, W
from archspec.ops.common.convolution import Convolution


class Conv(Convolution):
    """Convolution over one to three spatial axes; dilated, strided, grouped (https://arxiv.org/abs/1603.07285)."""

    keyword: ClassVar[str] = "conv"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"channels": 64, "kernel": 7, "stride": 2, "padding": 3, "bias": False}),
        Example((Shape.of(3, 224, 224),), {"channels": 8, "kernel": 3}, Shape.of(8, 222, 222)),
        Example((Shape.of(8, H, W),), {"channels": 8, "kernel": 3, "padding": "same", "dilation": 2, "groups": 8}),
        Example((Shape.of(4, H, W),), {"channels": 6, "kernel": [1, 4], "padding": "same", "groups": 2}),
        Example((Shape.of(4, H, W),), {"channels": 2, "kernel": [3, 2], "stride": [2, 1], "padding": [1, 0]}),
        Example((Shape.of(4, H, W),), {"channels": 2, "kernel": 3, "stride": 2, "padding": [[0, 1], [0, 1]]}),
        Example((Shape.of(4, H, W),), {"channels": 2, "kernel": 3, "stride": 2, "padding": "same"}),
        Example(
            (Shape.of(3, 224, 225),),
            {"channels": 8, "kernel": 5, "stride": 2, "padding": "same"},
            Shape.of(8, 112, 113),
        ),
        Example(
            (Shape.of(4, H, W),),
            {"channels": 4, "kernel": [3, 5], "stride": [1, 3], "dilation": 2, "padding": "same", "groups": 4},
        ),
        Example((Shape.of(4, H, W),), {"channels": 2, "kernel": 5, "padding": 2, "padding_mode": "reflect"}),
        Example((Shape.of(2, L),), {"channels": 2, "kernel": 4, "padding": [[1, 2]], "padding_mode": "replicate"}),
        Example(
            (Shape.of(2, H, W),), {"channels": 2, "kernel": 3, "stride": 2, "padding": 1, "padding_mode": "circular"}
        ),
        Example((Shape.of(2, L),), {"channels": 4, "kernel": 5, "padding": 2, "init": "kaiming_normal"}),
        Example((Shape.of(2, 5, H, W),), {"channels": 4, "kernel": [3, 3, 1], "dilation": 2, "padding": 1}),
    )
