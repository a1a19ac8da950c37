"""Channel shuffle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Positive
from archspec.ops.common.base import Argument, Example, Function, H, Kind, L, Module, Op, Shape, ShapeError, W, only
from archspec.ops.common.memory import NOTHING, Saved

CHANNEL_SHUFFLE = '''\
class ChannelShuffle(nn.Module):
    """Channels dealt out over groups (https://arxiv.org/abs/1707.01083)."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)
'''


class ChannelShuffle(Op):
    """Shuffle channels: read them as (groups, channels), write them as (channels, groups) (arXiv:1707.01083)."""

    keyword: ClassVar[str] = "channel_shuffle"
    kind: ClassVar[Kind] = "reshape"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(6, H, W),), {"groups": 2}),
        Example((Shape.of(6, L),), {"groups": 3}),
        Example((Shape.of(6),), {"groups": 3}),
    )

    groups: Positive = Field(description="number of groups")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        shape = only(self, inputs)
        if not shape.channels_first:
            raise ShapeError(
                "channel shuffle needs channels before the other axes", "`permute` them to the front first"
            )
        if shape.channels % self.groups:
            raise ShapeError(f"{shape.channels} channels do not divide into {self.groups} groups", argument="groups")
        return shape

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``ChannelShuffle(2)``."""
        return Module("ChannelShuffle", (Argument("groups", self.groups),), helper=CHANNEL_SHUFFLE)

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)``."""
        return Function(f"{{0}}.unflatten(1, ({self.groups}, -1)).transpose(1, 2).flatten(1, 2)")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``channel shuffle, 2``."""
        return f"channel shuffle, {self.groups}"
