"""Convolution."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Flag, Padding, PerAxis, Positive
from archspec.ops.common.base import Argument, Example, H, Kind, L, Module, Op, Product, Shape, ShapeError, W, Weight
from archspec.ops.common.memory import Layout, Numbers
from archspec.ops.common.spatial import Windows, by_axis, feature_map, times
from archspec.ops.common.windows import Window


class Conv(Op):
    """Convolution over one to three spatial axes; dilated, strided, grouped (https://arxiv.org/abs/1603.07285)."""

    keyword: ClassVar[str] = "conv"
    kind: ClassVar[Kind] = "convolution"
    output_axis: ClassVar[int | None] = 0
    layout: ClassVar[Layout] = "channels"
    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"channels": 64, "kernel": 7, "stride": 2, "padding": 3, "bias": False}),
        Example((Shape.of(3, 224, 224),), {"channels": 8, "kernel": 3}, Shape.of(8, 222, 222)),
        Example((Shape.of(8, H, W),), {"channels": 8, "kernel": 3, "padding": "same", "dilation": 2, "groups": 8}),
        Example((Shape.of(4, H, W),), {"channels": 6, "kernel": [1, 4], "padding": "same", "groups": 2}),
        Example((Shape.of(4, H, W),), {"channels": 2, "kernel": [3, 2], "stride": [2, 1], "padding": [1, 0]}),
        Example((Shape.of(4, H, W),), {"channels": 2, "kernel": 3, "stride": 2, "padding": [[0, 1], [0, 1]]}),
        Example((Shape.of(2, L),), {"channels": 4, "kernel": 5, "padding": 2, "init": "kaiming_normal"}),
        Example((Shape.of(2, 5, H, W),), {"channels": 4, "kernel": [3, 3, 1], "dilation": 2, "padding": 1}),
    )

    channels: Positive = Field(description="number of output channels")
    kernel: PerAxis = Field(description="kernel size, one number or one for each spatial axis")
    stride: PerAxis = Field(1, description="step between windows")
    padding: Padding = Field(
        0, description="zeros added around the map: a number, one for each axis, [before, after] pairs or `same`"
    )
    dilation: PerAxis = Field(1, description="distance between the taps of a window")
    groups: Positive = Field(
        1, description="number of groups convolved separately; $(input.channels) for a depthwise convolution"
    )
    bias: Flag = Field(True, description="whether a bias is added")

    def _windows(self, shape: Shape) -> Windows:
        return Windows.of(shape.rank, self.kernel, self.stride, self.padding, self.dilation)

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The requested channels; each size is the number of windows that fit."""
        shape = feature_map(self, inputs)
        for count, where in ((shape.channels, "input"), (self.channels, "output")):
            if count % self.groups:
                raise ShapeError(f"{count} {where} channels do not divide into {self.groups} groups", argument="groups")
        return shape.with_(channels=self.channels, spatial=self._windows(shape).sizes(shape))

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The kernel's taps."""
        return self._windows(inputs[0]).along(inputs[0], axis)

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight``: output channels, input channels of a group, kernel; ``bias``."""
        kernel = self._windows(inputs[0]).kernel
        weight = Weight("weight", (self.channels, inputs[0].channels // self.groups, *kernel))
        return (weight, Weight("bias", (self.channels,))) if self.bias else (weight,)

    def multiply_adds(self, inputs: Sequence[Shape], output: Shape) -> tuple[Product, ...]:
        """One for each weight and output position."""
        taps = prod(self._windows(inputs[0]).kernel)
        return ((self.channels * (inputs[0].channels // self.groups) * taps, output.spatial),)

    def prepared(self, inputs: Sequence[Shape]) -> tuple[Numbers, ...]:
        """The input with unequal padding."""
        return self._windows(inputs[0]).prepared(inputs[0])

    def explicit(self, inputs: Sequence[Shape]) -> Op:
        """The same op with ``same`` replaced by numbers."""
        return self.model_copy(update={"padding": self._windows(inputs[0]).padding})

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)``."""
        shape = inputs[0]
        windows = self._windows(shape)
        same = Argument("padding", "same", "padding", 0)
        return Module(
            f"nn.Conv{shape.rank}d",
            (
                Argument("in_channels", shape.channels),
                Argument("channels", self.channels),
                by_axis("kernel", windows.kernel),
                by_axis("stride", windows.stride, "stride", 1),
                same if windows.same and windows.symmetric else windows.padding_argument(),
                by_axis("dilation", windows.dilation, "dilation", 1),
                Argument("groups", self.groups, "groups", 1),
                Argument("bias", self.bias, "bias", True),
            ),
            prepare=windows.prepare(),
        )

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``3×3 conv, 64, /2``; ``depthwise 3×3 conv``."""
        windows = self._windows(inputs[0])
        name = f"{times(windows.kernel)} conv"
        if self.groups == inputs[0].channels > 1:
            name = f"depthwise {name}" + (f", {self.channels}" if self.channels != inputs[0].channels else "")
            return name + windows.details()
        groups = f", {self.groups} groups" if self.groups > 1 else ""
        return f"{name}, {self.channels}{windows.details()}{groups}"
