"""What `reuse` with `transposed` applies: the transpose of an earlier layer, with that layer's weight and no bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from archspec.ops.common.base import Module, Op, Shape, ShapeError, Weight
from archspec.ops.common.spatial import Windows
from archspec.ops.conv import Conv
from archspec.ops.conv_transpose import ConvTranspose
from archspec.ops.linear import Linear


class TiedConvTranspose(ConvTranspose):
    """The transposed convolution with a convolution's weight."""

    keyword: ClassVar[str] = "tied_conv_transpose"
    tensors: ClassVar[tuple[str, ...]] = ()

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``F.conv_transpose2d({0}, self.encoder.weight, stride=2)``."""
        found = super().module(inputs)
        given = [argument.text for argument in found.arguments if argument.keyword and not argument.needless]
        more = "".join(f", {text}" for text in given if not text.startswith("bias="))
        rank = inputs[0].rank
        return replace(found, call=f"F.conv_transpose{rank}d({{0}}, {{module}}.weight{more})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``3×3 up-conv, 64, tied``."""
        return f"{super().words(inputs, output)}, tied"


class TiedLinear(Linear):
    """The linear layer with another's weight, transposed."""

    keyword: ClassVar[str] = "tied_linear"
    reads_parameter: ClassVar[bool] = False
    tensors: ClassVar[tuple[str, ...]] = ()

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight``, as the other layer has it: its outputs, its inputs."""
        (weight,) = super().weights(inputs)
        return (Weight("weight", weight.shape[::-1]),)

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``F.linear({0}, self.encoder.weight.t())``."""
        return replace(super().module(inputs), call="F.linear({0}, {module}.weight.t())")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``fc, 784, tied``."""
        return f"{super().words(inputs, output)}, tied"


def transposed(op: Op, inputs: Sequence[Shape], output_padding: int | tuple[int, ...] = 0) -> Op:
    """The transpose of a layer that reads ``inputs``; raises :class:`ShapeError` if it has none here."""
    if type(op) is Linear:
        if output_padding:
            raise ShapeError("`output_padding` is for a convolution")
        return TiedLinear.model_validate({"features": inputs[0].dims[-1], "bias": False})
    if type(op) is not Conv:
        raise ShapeError(f"only a `conv` or a `linear` can be transposed, not {op.title()}")
    shape = inputs[0]
    windows = Windows.of(shape.spatial, op.kernel, op.stride, op.padding, op.dilation)
    if op.padding_mode != "zeros" or not windows.symmetric or any(windows.by_size):
        raise ShapeError("a convolution is transposed only if its padding is zeros, as many on both sides")
    return TiedConvTranspose.model_validate(
        {
            "channels": shape.channels,
            "kernel": windows.kernel,
            "stride": windows.stride,
            "padding": tuple(before for before, _ in windows.padding),
            "output_padding": output_padding,
            "dilation": windows.dilation,
            "groups": op.groups,
            "bias": False,
        }
    )


def shares(op: Op, lender: Op, inputs: Sequence[Shape]) -> bool:
    """Whether an op can use the weights of another, which reads ``inputs``: the same op, or its transpose."""
    try:
        if isinstance(op, TiedConvTranspose):
            return op == transposed(lender, inputs, op.output_padding)
        return op == (transposed(lender, inputs) if isinstance(op, TiedLinear) else lender)
    except ShapeError:
        return False
