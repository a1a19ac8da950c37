"""Dropout of whole channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.arguments import literal
from archspec.ops.common.base import Example, Function, H, L, Module, Shape, W
from archspec.ops.common.memory import NOTHING, Numbers, Saved
from archspec.ops.common.spatial import feature_map
from archspec.ops.dropout import Dropout


class ChannelDropout(Dropout):
    """Set each channel of a map to zero with probability p in training (https://arxiv.org/abs/1411.4280)."""

    keyword: ClassVar[str] = "channel_dropout"
    target: ClassVar[str] = "nn.Dropout"
    expression: ClassVar[str] = "F.dropout"
    name: ClassVar[str] = "channel dropout"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape.of(3, L),), {"p": 0.2}),
        Example((Shape.of(3, 2, H, W),), {"p": 0.1}),
    )

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        return feature_map(self, inputs)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The factor of each channel."""
        return Saved(extra=(Numbers(output.channels),)) if self.p > 0 else NOTHING

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.Dropout2d(p=0.2)``."""
        return Module(f"{self.target}{inputs[0].rank}d", self.arguments(inputs))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.dropout2d({0}, p=0.2, training=self.training)``."""
        rank = inputs[0].rank
        return Function(f"{self.expression}{rank}d({{0}}, p={literal(self.p)}, training=self.training)")
