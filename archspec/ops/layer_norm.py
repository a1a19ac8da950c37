"""Layer normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import AboveZero, Axes, Flag
from archspec.ops.common.base import Argument, Example, H, Kind, L, Module, Op, Shape, ShapeError, W, Weight, only
from archspec.ops.common.memory import Numbers, Saved, dense
from archspec.ops.common.windows import POINTWISE, Everything, Window
from archspec.sizes import Dim

CHANNELS_FIRST = '''\
class ChannelLayerNorm(nn.LayerNorm):
    """Layer normalisation over the channels of a channels-first map."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)
'''


class LayerNorm(Op):
    """Normalise each sample to mean 0 and variance 1 over the given axes (https://arxiv.org/abs/1607.06450).

    For the channels of a channels-first map, the emitted code moves them to the end and back, as ConvNeXt does; any
    other axes must be the last ones.
    """

    keyword: ClassVar[str] = "layer_norm"
    kind: ClassVar[Kind] = "normalisation"
    acts_per_channel: ClassVar[bool] = True
    pins: ClassVar[bool] = True
    permutes: ClassVar[bool] = True
    reorders: ClassVar[bool] = True
    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape((H, W, 6), ("height", "width", "channels")),), {"eps": 1e-6}),
        Example((Shape.of(6, H, W),), {"eps": 1e-6}),
        Example((Shape.of(6, L),), {"affine": False}),
        Example((Shape.of(6, H, W),), {"bias": False}),
        Example((Shape.of(6, 4, 5),), {"axes": ["channels", "height", "width"]}),
        Example((Shape.of(6, H, 5),), {"axes": ["width"]}),
        Example((Shape.of(6),)),
    )

    axes: Axes = Field(("channels",), description="the axes to normalise over")
    eps: AboveZero = Field(1e-5, description="added to the variance")
    affine: Flag = Field(True, description="whether a scale and a shift are learnt for each position on the axes")
    bias: Flag = Field(True, description="whether, if so, the shift is there")

    def _moved(self, shape: Shape) -> bool:
        return self.axes == ("channels",) and shape.channels_first and len(shape.axes) > 1

    def _sizes(self, shape: Shape) -> tuple[int, ...]:
        sizes: list[int] = []
        for axis in self.axes:
            dim = shape.dims[shape.position(axis) - 1]
            if not isinstance(dim, int):
                raise ShapeError(f"layer norm needs a constant {axis}", argument="axes")
            sizes.append(dim)
        return tuple(sizes)

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        shape = only(self, inputs)
        for axis in self.axes:
            shape.position(axis)
        if not self._moved(shape) and shape.axes[-len(self.axes) :] != self.axes:
            raise ShapeError(
                f"layer norm needs the channels or the last axes of ({', '.join(shape.axes)}), in this order",
                argument="axes",
            )
        self._sizes(shape)
        return shape

    def pinned(self, inputs: Sequence[Shape]) -> tuple[tuple[int, str], ...]:
        """The symbolic axes that are normalised."""
        shape = inputs[0]
        named = zip(shape.axes, shape.dims, strict=True)
        return tuple((0, axis) for axis, dim in named if axis in self.axes and not isinstance(dim, int))

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """Everything along a normalised axis; the row itself along the others."""
        return Everything() if axis in self.axes else POINTWISE

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight`` and ``bias``, with the sizes of the normalised axes."""
        sizes = self._sizes(inputs[0])
        found = (Weight("weight", sizes), Weight("bias", sizes)) if self.affine else ()
        return found if self.bias else found[:1]

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, and the mean and deviation at each position of the other axes."""
        return Saved((0,), extra=(Numbers(2, self._others(inputs[0])),))

    def lay(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...]:
        """Channels last, if the channels are moved to the end."""
        return dense(output, (0, *range(2, len(output)), 1) if self._moved(inputs[0]) else None)

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Means and deviations."""
        return (Numbers(2, self._others(inputs[0])),)

    def _others(self, shape: Shape) -> tuple[Dim, ...]:
        return tuple(dim for axis, dim in zip(shape.axes, shape.dims, strict=True) if axis not in self.axes)

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``nn.LayerNorm(96, eps=1e-6)``."""
        sizes = self._sizes(inputs[0])
        moved = self._moved(inputs[0])
        shape = Argument("in_channels", sizes[0]) if self.axes == ("channels",) else Argument("sizes", sizes)
        return Module(
            "ChannelLayerNorm" if moved else "nn.LayerNorm",
            (
                shape,
                Argument("eps", self.eps, "eps", 1e-5),
                Argument("affine", self.affine, "elementwise_affine", True),
                Argument("bias", self.bias, "bias", True),
            ),
            helper=CHANNELS_FIRST if moved else None,
        )
