"""Addition of constants."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.affine import Affine
from archspec.ops.common.base import Example, H, L, Shape, W


class Shift(Affine):
    """Add a constant, or one for each channel; it is not learnt."""

    keyword: ClassVar[str] = "shift"
    acts_per_channel: ClassVar[bool] = True
    sign: ClassVar[str] = "+"
    helper: ClassVar[str] = '''\
def shift_channels(input: Tensor, by: tuple[float, ...]) -> Tensor:
    """Add its own constant to each channel."""
    return torch.cat(
        [
            channel + constant
            for channel, constant in zip(input.split(1, dim=1), by, strict=True)
        ],
        dim=1,
    )
'''
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"by": 2}),
        Example((Shape.of(3, H, W),), {"by": [-0.03, -0.088, -0.188]}),
        Example((Shape.of(1, L),), {"by": -0.5}),
        Example((Shape.of(2),), {"by": [1, -1]}),
    )
