"""What a network for inference has in place of the language's ops: one call for what were several steps.

No spec can write them.  They know, beside what an op knows, which batch norms of the plain form they have taken in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from archspec.ops.common.arguments import Flag
from archspec.ops.common.base import Argument, Function, Kind, Module, Op, Shape, Weight
from archspec.ops.common.memory import Layout
from archspec.ops.conv import Conv
from archspec.ops.linear import Linear

EPS = 1e-5
"""The default of batch norm's ``eps``."""


class Folding(Op):
    """Base of layers whose weights take in batch norms: ``norm`` after them, and the affine part of ``before``.

    Both are paths from the scope around the layer, with a leading dot for each scope further out.
    """

    norm: str = ""
    eps: float = EPS
    before: str = ""
    before_eps: float = EPS
    activation: str = "none"

    def _own(self) -> tuple[Argument, ...]:
        return (
            Argument("norm", self.norm, "norm", ""),
            Argument("eps", self.eps, "eps", EPS),
            Argument("before", self.before, "before", ""),
            Argument("before_eps", self.before_eps, "before_eps", EPS),
            Argument("activation", self.activation, "activation", "none"),
        )


class FusedConv(Conv, Folding):
    """A convolution over two axes with batch norm, a sum and an activation."""

    keyword: ClassVar[str] = "fused_conv"

    sums: Flag = False
    """Whether a second input is added before the activation."""

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The convolution's shape."""
        return super().infer(inputs[:1])

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight`` and ``bias``, which is there even if the plain form has none."""
        weight = super().weights(inputs)[0]
        return Weight("weight", weight.shape, trainable=False), Weight("bias", (self.channels,), trainable=False)

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``Conv(64, 64, 3, padding=1, norm="bn1", activation="relu")``."""
        plain = super().module(inputs)
        kept = [each for each in plain.arguments if each.slot not in ("bias", "padding_mode")]
        call = "{module}({0}, {1})" if self.sums else "{module}({0})"
        return replace(plain, target="Conv", arguments=(*kept, *self._own()), call=call)

    @property
    def merges_two(self) -> bool:
        """Whether it reads two maps."""
        return self.sums


class FusedLinear(Linear, Folding):
    """A dense layer with batch norm and an activation."""

    keyword: ClassVar[str] = "fused_linear"

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight`` and ``bias``, which is there even if the plain form has none."""
        weight = super().weights(inputs)[0]
        return Weight("weight", weight.shape, trainable=False), Weight("bias", (self.features,), trainable=False)

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``Linear(512, 1000)``."""
        kept = [each for each in super().module(inputs).arguments if each.slot != "bias"]
        return Module("Linear", (*kept, *self._own()))


class Clip(Op):
    """The bounds that a batch norm and the ReLU after it put on each channel, before they are scaled."""

    keyword: ClassVar[str] = "clip"
    kind: ClassVar[Kind] = "activation"
    layout: ClassVar[Layout] = "kept"

    eps: float = EPS

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        return inputs[0]

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``low`` and ``high``, a number for each channel."""
        each = (inputs[0].channels, *([1] * inputs[0].rank))
        return Weight("low", each, trainable=False), Weight("high", each, trainable=False)

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``Clip(64)``."""
        return Module("Clip", (Argument("in_channels", inputs[0].channels), Argument("eps", self.eps, "eps", EPS)))


class Entry(Op):
    """The network's input, in the layout and precision that all steps after it keep."""

    keyword: ClassVar[str] = "entry"
    kind: ClassVar[Kind] = "reshape"

    precision: Literal["f32", "bf16"] = "f32"
    map: Flag = True

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        return inputs[0]

    def function(self, inputs: Sequence[Shape]) -> Function:
        """``{0}.contiguous(memory_format=torch.channels_last)``."""
        layout = "memory_format=torch.channels_last" if self.map else ""
        if self.precision == "f32":
            return Function(f"{{0}}.contiguous({layout})")
        return Function(f"{{0}}.to(torch.bfloat16{', ' if layout else ''}{layout})")


class Exit(Op):
    """An output of the network, in float32 again."""

    keyword: ClassVar[str] = "exit"
    kind: ClassVar[Kind] = "reshape"
    layout: ClassVar[Layout] = "kept"

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        return inputs[0]

    def function(self, inputs: Sequence[Shape]) -> Function:
        """``{0}.float()``."""
        return Function("{0}.float()")
