"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import AboveZero, Flag, Probability
from archspec.ops.common.base import Argument, Example, H, Kind, L, Module, Op, Shape, ShapeError, W, Weight, only
from archspec.ops.common.memory import Layout, Numbers, Saved
from archspec.ops.common.runs import EVALUATION, Run, several
from archspec.ops.common.spatial import feature_map
from archspec.ops.common.windows import POINTWISE, Everything, Window
from archspec.sizes import Condition


class BatchNorm(Op):
    """Normalise each channel over the batch, then scale and shift it (https://arxiv.org/abs/1502.03167)."""

    keyword: ClassVar[str] = "batch_norm"
    kind: ClassVar[Kind] = "normalisation"
    acts_per_channel: ClassVar[bool] = True
    layout: ClassVar[Layout] = "channels"
    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape.of(3, H, W),), {"eps": 0.001, "momentum": 0.01, "init": {"weight": "zeros"}}),
        Example((Shape.of(3, H, W),), {"affine": False, "momentum": None}),
        Example((Shape.of(3, H, W),), {"track_running_stats": False}),
        Example((Shape.of(5, L),)),
        Example((Shape.of(5, 2, H, W),)),
        Example((Shape.of(5),)),
    )

    eps: AboveZero = Field(1e-5, description="added to the variance")
    momentum: Probability | None = Field(
        0.1, description="weight of a new batch in the running statistics; null averages all batches"
    )
    affine: Flag = Field(True, description="whether a scale and a shift are learnt for each channel")
    track_running_stats: Flag = Field(True, description="whether running statistics are kept, and used in evaluation")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        shape = only(self, inputs)
        if shape.rank > 0:
            return feature_map(self, inputs)
        if shape.axes != ("channels",):
            raise ShapeError(f"batch norm needs channels, not ({', '.join(shape.axes)})")
        return shape

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The row itself in evaluation; the whole map if there are no running statistics."""
        return POINTWISE if self.track_running_stats else Everything()

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """If the statistics come from the batch, a batch of one needs a map of more than one value."""
        own = run.training or not self.track_running_stats
        return several(inputs[0].spatial, author) if own and run.alone else []

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight``, ``bias``, and the buffers ``running_mean``, ``running_var``, ``num_batches_tracked``."""
        each = (inputs[0].channels,)
        found = [Weight("weight", each), Weight("bias", each)] if self.affine else []
        if self.track_running_stats:
            found += [Weight("running_mean", each, trainable=False), Weight("running_var", each, trainable=False)]
            found += [Weight("num_batches_tracked", (), trainable=False, dtype="int64")]
        return tuple(found)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, and the mean and deviation of each channel."""
        return Saved((0,), extra=(Numbers(2 * inputs[0].channels, batched=False),))

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Mean and deviation of each channel, if they are not running statistics."""
        return () if self.track_running_stats else (Numbers(2 * inputs[0].channels, batched=False),)

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``nn.BatchNorm2d(64, eps=0.001)``."""
        return Module(
            f"nn.BatchNorm{max(inputs[0].rank, 1)}d",
            (
                Argument("in_channels", inputs[0].channels),
                Argument("eps", self.eps, "eps", 1e-5),
                Argument("momentum", self.momentum, "momentum", 0.1),
                Argument("affine", self.affine, "affine", True),
                Argument("track_running_stats", self.track_running_stats, "track_running_stats", True),
            ),
        )
