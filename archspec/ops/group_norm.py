"""Group normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import AboveZero, Flag, Positive
from archspec.ops.common.base import Argument, Example, H, Kind, L, Module, Op, Shape, ShapeError, W, Weight, only
from archspec.ops.common.memory import Layout, Numbers, Saved
from archspec.ops.common.runs import EVALUATION, Run, several
from archspec.ops.common.windows import Everything, Window
from archspec.sizes import Condition


class GroupNorm(Op):
    """Normalise each group of channels of each sample to mean 0 and variance 1 (https://arxiv.org/abs/1803.08494)."""

    keyword: ClassVar[str] = "group_norm"
    kind: ClassVar[Kind] = "normalisation"
    layout: ClassVar[Layout] = "channels"
    gathers: ClassVar[Layout | None] = "channels"
    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(6, H, W),), {"groups": 2}),
        Example((Shape.of(6, H, W),), {"groups": 3, "affine": False, "eps": 1e-3}),
        Example((Shape.of(6, L),), {"groups": 1}),
        Example((Shape.of(6, H, W),), {"groups": 1, "bias": False}),
        Example((Shape.of(6),), {"groups": 2}),
    )

    groups: Positive = Field(description="number of groups")
    eps: AboveZero = Field(1e-5, description="added to the variance")
    affine: Flag = Field(True, description="whether a scale and a shift are learnt for each channel")
    bias: Flag = Field(True, description="whether, if so, the shift is there")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        shape = only(self, inputs)
        if not shape.channels_first:
            raise ShapeError("group norm needs channels before the other axes", "`permute` them to the front first")
        if shape.channels % self.groups:
            raise ShapeError(f"{shape.channels} channels do not divide into {self.groups} groups", argument="groups")
        return shape

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The whole map: each element is normalised by the statistics of its group."""
        return Everything()

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """A group of a single image must have more than one value; torch does not check this for a larger batch."""
        each = (inputs[0].channels // self.groups, *inputs[0].spatial)
        return several(each, author) if run.alone else []

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight`` and ``bias``."""
        each = (inputs[0].channels,)
        found = (Weight("weight", each), Weight("bias", each)) if self.affine else ()
        return found if self.bias else found[:1]

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, and the mean and deviation of each group."""
        return Saved((0,), extra=(Numbers(2 * self.groups),))

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Mean and deviation of each group."""
        return (Numbers(2 * self.groups),)

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``nn.GroupNorm(32, 256)``."""
        return Module(
            "nn.GroupNorm",
            (
                Argument("groups", self.groups),
                Argument("in_channels", inputs[0].channels),
                Argument("eps", self.eps, "eps", 1e-5),
                Argument("affine", self.affine, "affine", True),
                Argument("bias", self.bias, "bias", True),
            ),
        )

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``group norm, 32``."""
        return f"group norm, {self.groups}"
