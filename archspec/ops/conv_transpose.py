"""Transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Flag, PerAxis, PerAxisFromZero, Positive
from archspec.ops.common.base import (
    Argument,
    Example,
    H,
    Kind,
    L,
    Module,
    Op,
    Product,
    Shape,
    ShapeError,
    W,
    Weight,
    per_axis,
)
from archspec.ops.common.memory import Layout
from archspec.ops.common.spatial import by_axis, feature_map, per, times
from archspec.ops.common.windows import Transposed, Window
from archspec.sizes import Dim, step, transposed_step


class ConvTranspose(Op):
    """The transpose of the convolution with the same arguments (https://arxiv.org/abs/1603.07285, chapter 4)."""

    keyword: ClassVar[str] = "conv_transpose"
    kind: ClassVar[Kind] = "upsampling"
    output_axis: ClassVar[int | None] = 1
    layout: ClassVar[Layout] = "channels"
    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(4, H, W),), {"channels": 2, "kernel": 2, "stride": 2}),
        Example(
            (Shape.of(21, 16, 16),), {"channels": 21, "kernel": 4, "stride": 2, "bias": False}, Shape.of(21, 34, 34)
        ),
        Example((Shape.of(3, H, W),), {"channels": 3, "kernel": 4, "stride": 2, "padding": 1, "init": "bilinear"}),
        Example((Shape.of(4, H, W),), {"channels": 4, "kernel": 3, "stride": 2, "groups": 4, "init": "bilinear"}),
        Example((Shape.of(4, H, W),), {"channels": 6, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1}),
        Example(
            (Shape.of(4, H, W),), {"channels": 2, "kernel": [3, 2], "stride": [1, 3], "padding": [2, 0], "groups": 2}
        ),
        Example((Shape.of(2, H, W),), {"channels": 2, "kernel": 2, "dilation": 3, "output_padding": 2, "padding": 2}),
        Example((Shape.of(2, L),), {"channels": 3, "kernel": 5, "stride": 2, "padding": 4}),
        Example((Shape.of(2, 3, H, W),), {"channels": 3, "kernel": [1, 2, 2], "stride": [1, 2, 2]}),
    )

    channels: Positive = Field(description="number of output channels")
    kernel: PerAxis = Field(description="kernel size, one number or one for each spatial axis")
    stride: PerAxis = Field(1, description="upsampling factor")
    padding: PerAxisFromZero = Field(0, description="rows cut off on each side of the output")
    output_padding: PerAxisFromZero = Field(0, description="rows added at the end of the output")
    dilation: PerAxis = Field(1, description="distance between the taps of the kernel")
    groups: Positive = Field(1, description="number of groups convolved separately")
    bias: Flag = Field(True, description="whether a bias is added")

    def _axes(self, rank: int) -> list[tuple[int, int, int, int, int]]:
        values = (self.kernel, self.stride, self.padding, self.output_padding, self.dilation)
        names = ("kernel", "stride", "padding", "output_padding", "dilation")
        by_argument = [per_axis(value, rank, name) for value, name in zip(values, names, strict=True)]
        return [(k, s, p, o, d) for k, s, p, o, d in zip(*by_argument, strict=True)]

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The requested channels; size (x − 1)·stride − 2·padding + dilation·(kernel − 1) + output padding + 1."""
        shape = feature_map(self, inputs)
        for count, where in ((shape.channels, "input"), (self.channels, "output")):
            if count % self.groups:
                raise ShapeError(f"{count} {where} channels do not divide into {self.groups} groups", argument="groups")
        if self.init is not None and "bilinear" in self.init.names and shape.channels != self.channels:
            raise ShapeError(
                f"bilinear needs as many output channels as input channels, not {self.channels} for {shape.channels}",
                argument="init",
            )
        sizes: list[Dim] = []
        axes = zip(shape.spatial_axes, shape.spatial, self._axes(shape.rank), strict=True)
        for name, dim, (kernel, stride, padding, extra, dilation) in axes:
            if extra >= max(stride, dilation):
                raise ShapeError(
                    f"output padding {extra} must be less than stride {stride} or dilation {dilation}",
                    argument="output_padding",
                )
            size = step(dim, *transposed_step(kernel, stride, padding, extra, dilation))
            if isinstance(size, int) and size < 1:
                raise ShapeError(f"padding {padding} leaves an empty {name}", argument="padding")
            sizes.append(size)
        return shape.with_(channels=self.channels, spatial=sizes)

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The input rows whose kernels reach the output row."""
        shape = inputs[0]
        kernel, stride, padding, _, dilation = self._axes(shape.rank)[shape.spatial_axes.index(axis)]
        return Transposed(kernel, stride, padding, dilation)

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight``: input channels, output channels of a group, kernel; ``bias``."""
        kernel = per_axis(self.kernel, inputs[0].rank, "kernel")
        weight = Weight("weight", (inputs[0].channels, self.channels // self.groups, *kernel))
        return (weight, Weight("bias", (self.channels,))) if self.bias else (weight,)

    def multiply_adds(self, inputs: Sequence[Shape], output: Shape) -> tuple[Product, ...]:
        """One for each weight and *input* position; zeros between rows cost nothing."""
        taps = prod(per_axis(self.kernel, inputs[0].rank, "kernel"))
        return ((inputs[0].channels * (self.channels // self.groups) * taps, inputs[0].spatial),)

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``nn.ConvTranspose2d(64, 32, 2, stride=2)``."""
        rank = inputs[0].rank
        kernel, stride, padding, extra, dilation = zip(*self._axes(rank), strict=True)
        return Module(
            f"nn.ConvTranspose{rank}d",
            (
                Argument("in_channels", inputs[0].channels),
                Argument("channels", self.channels),
                by_axis("kernel", kernel),
                by_axis("stride", stride, "stride", 1),
                by_axis("padding", padding, "padding", 0),
                by_axis("output_padding", extra, "output_padding", 0),
                by_axis("dilation", dilation, "dilation", 1),
                Argument("groups", self.groups, "groups", 1),
                Argument("bias", self.bias, "bias", True),
            ),
        )

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``2×2 up-conv, 64, ↑2``."""
        kernel, stride, padding, extra, dilation = zip(*self._axes(inputs[0].rank), strict=True)
        parts = [f"{times(kernel)} up-conv, {self.channels}"]
        if any(number != 1 for number in stride):
            parts.append(f"↑{per(stride)}")
        for values, usual, name in ((padding, 0, "padding"), (extra, 0, "output padding"), (dilation, 1, "dilation")):
            if any(number != usual for number in values):
                parts.append(f"{name} {per(values)}")
        if self.groups > 1:
            parts.append(f"{self.groups} groups")
        return ", ".join(parts)
