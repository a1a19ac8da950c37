"""The base of convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from archspec.ops.common.arguments import Flag, Padding, PerAxis, Positive
from archspec.ops.common.base import Argument, Kind, Module, Op, Product, Shape, ShapeError, Weight
from archspec.ops.common.memory import INPUT, Layout, Numbers, Saved
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.spatial import Windows, by_axis, feature_map, times
from archspec.ops.common.windows import Fitted, Window
from archspec.sizes import AtLeast, Condition


class Convolution(Op):
    """Base of convolutions over one to three spatial axes."""

    kind: ClassVar[Kind] = "convolution"
    output_axis: ClassVar[int | None] = 0
    layout: ClassVar[Layout] = "channels"
    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")

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
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = Field(
        "zeros", description="what the padding holds: zeros, the mirror image, the border again, the other end"
    )
    bias: Flag = Field(True, description="whether a bias is added")

    def _windows(self, shape: Shape) -> Windows:
        return Windows.of(shape.spatial, self.kernel, self.stride, self.padding, self.dilation)

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The requested channels; each size is the number of windows that fit."""
        shape = feature_map(self, inputs)
        for count, where in ((shape.channels, "input"), (self.channels, "output")):
            if count % self.groups:
                raise ShapeError(f"{count} {where} channels do not divide into {self.groups} groups", argument="groups")
        windows = self._windows(shape)
        if self.padding_mode != "zeros" and any(windows.by_size):
            raise ShapeError("padding that depends on the size is zeros", "`pad` first", "padding_mode")
        for name, dim, least in zip(shape.spatial_axes, shape.spatial, self._least(shape), strict=True):
            if isinstance(dim, int) and dim < least:
                wanted = f"a {name} of at least {least}; it is {dim}"
                raise ShapeError(f"padding by mode `{self.padding_mode}` needs {wanted}", argument="padding_mode")
        return shape.with_(channels=self.channels, spatial=windows.sizes(shape))

    def _least(self, shape: Shape) -> list[int]:
        """The rows along each axis that the padding needs to be made of."""
        most = [max(sides) for sides in self._windows(shape).padding]
        return [{"reflect": rows + 1, "circular": rows}.get(self.padding_mode, 1) for rows in most]

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """Mode ``reflect`` needs more rows than it adds, ``circular`` as many."""
        least = zip(inputs[0].spatial, self._least(inputs[0]), strict=True)
        return [AtLeast(dim, rows, author) for dim, rows in least if rows > 1 and not isinstance(dim, int)]

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The kernel's taps."""
        window = self._windows(inputs[0]).along(inputs[0], axis)
        if self.padding_mode == "zeros" or isinstance(window, Fitted):
            return window
        return replace(window, fill=self.padding_mode)

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

    def _pads_itself(self, shape: Shape) -> bool:
        """Whether torch's module lays padding of another kind around its input."""
        return self.padding_mode != "zeros" and self._windows(shape).symmetric

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The padded input, where the padding is not zeros."""
        return (self._windows(inputs[0]).padded(inputs[0]),) if self._pads_itself(inputs[0]) else ()

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, padded where torch pads it beforehand."""
        if not self._pads_itself(inputs[0]):
            return INPUT
        padded = self._windows(inputs[0]).padded(inputs[0])
        if self.padding_mode != "circular":
            return Saved((0,), extra=(padded,), padded=(padded,))
        return Saved(extra=(padded,), padded=(padded,), unpadding=(padded, padded))  # torch copies piece by piece

    def explicit(self, inputs: Sequence[Shape]) -> Op:
        """The same op with ``same`` replaced by numbers, unless they depend on the size."""
        windows = self._windows(inputs[0])
        return self if any(windows.by_size) else self.model_copy(update={"padding": windows.padding})

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
                Argument("padding_mode", self.padding_mode if windows.symmetric else "zeros", "padding_mode", "zeros"),
            ),
            helper=windows.helper,
            prepare=windows.prepare("" if self.padding_mode == "zeros" else f', mode="{self.padding_mode}"'),
        )

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``3×3 conv, 64, /2``; ``depthwise 3×3 conv``."""
        windows = self._windows(inputs[0])
        name = f"{times(windows.kernel)} conv"
        filled = "" if self.padding_mode == "zeros" else f", {self.padding_mode} padding"
        if self.groups == inputs[0].channels > 1:
            name = f"depthwise {name}" + (f", {self.channels}" if self.channels != inputs[0].channels else "")
            return name + windows.details() + filled
        groups = f", {self.groups} groups" if self.groups > 1 else ""
        return f"{name}, {self.channels}{windows.details()}{filled}{groups}"
