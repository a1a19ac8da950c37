"""Convolution by a weight that is standardised each time it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import AboveZero, Flag
from archspec.ops.common.base import Argument, Example, H, L, Module, Shape, ShapeError, W, Weight
from archspec.ops.common.convolution import Convolution
from archspec.ops.common.memory import Numbers, Saved

STANDARDIZED = '''\
class StandardizedConv2d(nn.Conv2d):
    """A convolution with a standardised weight: mean 0, variance 1 per output channel.

    With a gain, which is learnt, the variance is (gain · gamma)² over the number of
    inputs.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: str | Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        gain: bool = False,
        gamma: float = 1.0,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
        )
        self.eps = eps
        self.scale = gamma * self.weight[0].numel() ** -0.5
        self.gain = nn.Parameter(torch.ones(out_channels, ONES)) if gain else None

    def forward(self, input: Tensor) -> Tensor:
        gain = None if self.gain is None else (self.gain * self.scale).view(-1)
        flat = self.weight.reshape(1, self.out_channels, -1)
        weight = F.batch_norm(
            flat, None, None, gain, training=True, momentum=0.0, eps=self.eps
        )
        return self._conv_forward(input, weight.reshape_as(self.weight), self.bias)
'''


class StandardizedConv(Convolution):
    """Convolution whose weight is standardised for each output channel each time it is used (arXiv:1903.10520).

    With `gain` the variance is that of a scaled weight (arXiv:2101.08692): (gain · `gamma`)² over the number of inputs.
    """

    keyword: ClassVar[str] = "standardized_conv"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(4, H, W),), {"channels": 6, "kernel": 3, "padding": 1}),
        Example((Shape.of(4, H, W),), {"channels": 2, "kernel": 1, "gain": True, "gamma": 1.7, "eps": 1e-5}),
        Example((Shape.of(4, L),), {"channels": 4, "kernel": 3, "stride": 2, "groups": 2, "gain": True, "bias": False}),
    )

    gain: Flag = Field(False, description="whether each output channel has a gain that is learnt")
    gamma: AboveZero = Field(1.0, description="with a gain, what makes up for the activation before it")
    eps: AboveZero = Field(1e-6, description="added to the variance")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The requested channels; each size is the number of windows that fit."""
        found = super().infer(inputs)
        weight = super().weights(inputs)[0]
        if prod(weight.shape[1:]) < 2:
            raise ShapeError("a single number for each output channel cannot be standardised", argument="kernel")
        return found

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight``, ``bias``, and ``gain``: one number for each output channel."""
        found = super().weights(inputs)
        ones = (1,) * (len(found[0].shape) - 1)
        return (*found, Weight("gain", (self.channels, *ones))) if self.gain else found

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The standardised weight and the scaled gain, besides what any convolution needs."""
        own = prod(super().weights(inputs)[0].shape) + self.gain * self.channels
        return (*super().scratch(inputs, output), Numbers(own, batched=False))

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The standardised weight, its means and deviations, besides what any convolution saves."""
        found = super().saved(inputs, output)
        own = Numbers(prod(super().weights(inputs)[0].shape) + 2 * self.channels, batched=False)
        return replace(found, extra=(*found.extra, own))

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``StandardizedConv2d(3, 64, 7, gain=True)``."""
        found = super().module(inputs)
        own = (
            Argument("gain", self.gain, "gain", False),
            Argument("gamma", self.gamma, "gamma", 1.0),
            Argument("eps", self.eps, "eps", 1e-6),
        )
        rank = inputs[0].rank
        helper = STANDARDIZED.replace("Conv2d", f"Conv{rank}d").replace("ONES", ", ".join(["1"] * (rank + 1)))
        helper = helper.replace("Size", f"int | tuple[{', '.join(['int'] * rank)}]")
        target = f"StandardizedConv{rank}d"
        if found.helper is not None:
            raise ShapeError("strided `same` needs a size in numbers here", "write the padding as numbers", "padding")
        return replace(found, target=target, arguments=(*found.arguments, *own), helper=helper)

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``3×3 standardised conv, 64``."""
        return super().words(inputs, output).replace(" conv", " standardised conv", 1)
