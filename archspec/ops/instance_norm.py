"""Instance normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import AboveZero, Flag, Probability
from archspec.ops.common.base import Argument, Example, H, Kind, L, Module, Op, Shape, ShapeError, W, Weight
from archspec.ops.common.memory import Layout, Numbers, Saved
from archspec.ops.common.runs import EVALUATION, Run, several
from archspec.ops.common.spatial import feature_map
from archspec.ops.common.windows import POINTWISE, Everything, Window
from archspec.sizes import Condition


class InstanceNorm(Op):
    """Normalise each channel of each sample to mean 0 and variance 1 (https://arxiv.org/abs/1607.08022)."""

    keyword: ClassVar[str] = "instance_norm"
    kind: ClassVar[Kind] = "normalisation"
    gathers: ClassVar[Layout | None] = "plain"
    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),)),
        Example((Shape.of(3, H, W),), {"affine": True, "eps": 1e-3, "init": {"weight": "ones", "bias": "zeros"}}),
        Example((Shape.of(3, H, W),), {"track_running_stats": True, "momentum": 0.2}),
        Example((Shape.of(3, L),)),
        Example((Shape.of(3, 2, H, W),), {"affine": True}),
    )

    eps: AboveZero = Field(1e-5, description="added to the variance")
    momentum: Probability = Field(0.1, description="weight of a new batch in the running statistics")
    affine: Flag = Field(False, description="whether a scale and a shift are learnt for each channel")
    track_running_stats: Flag = Field(False, description="whether running statistics are kept, and used in evaluation")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        shape = feature_map(self, inputs)
        if all(dim == 1 for dim in shape.spatial):
            raise ShapeError("instance norm needs more than one value in each channel")
        return shape

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The whole map, unless evaluation uses running statistics."""
        return POINTWISE if self.track_running_stats else Everything()

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """If the statistics come from the map, it must have more than one value, for any batch size."""
        own = run.training or not self.track_running_stats
        return several(inputs[0].spatial, author) if own else []

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
        return Saved((0,), extra=(Numbers(2 * inputs[0].channels),))

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Mean and deviation of each channel, computed or running; these and the weights for each image."""
        return (Numbers((4 if self.affine else 2) * inputs[0].channels),)

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``nn.InstanceNorm2d(64)``."""
        return Module(
            f"nn.InstanceNorm{inputs[0].rank}d",
            (
                Argument("in_channels", inputs[0].channels),
                Argument("eps", self.eps, "eps", 1e-5),
                Argument("momentum", self.momentum, "momentum", 0.1),
                Argument("affine", self.affine, "affine", False),
                Argument("track_running_stats", self.track_running_stats, "track_running_stats", False),
            ),
        )
