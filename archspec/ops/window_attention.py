"""Attention within windows of a map, as Swin has it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import PerAxis, PerAxisFromZero, Positive, Probability
from archspec.ops.common.base import (
    Argument,
    Example,
    H,
    Kind,
    Module,
    Op,
    Product,
    Shape,
    ShapeError,
    W,
    Weight,
    only,
    per_axis,
)
from archspec.ops.common.memory import Numbers, Saved
from archspec.ops.common.spatial import by_axis, times
from archspec.ops.common.windows import Window, Windowed
from archspec.sizes import Dim, step

LAST = ("height", "width", "channels")

WINDOW_ATTENTION = '''\
class WindowAttention(nn.Module):
    """Attention within windows of a map, channels last (arXiv:2103.14030).

    Each relative position has a bias. Zeros are added at the end of a map that is not
    a whole number of windows. The map is rolled by the shift, if it has more than one
    window; what that brings side by side is kept apart.
    """

    relative_position_index: Tensor

    def __init__(
        self,
        channels: int,
        heads: int,
        window: int | tuple[int, int],
        shift: int | tuple[int, int] = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.window = (window, window) if isinstance(window, int) else window
        self.shift = (shift, shift) if isinstance(shift, int) else shift
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        height, width = self.window
        table = torch.zeros((2 * height - 1) * (2 * width - 1), heads)
        self.relative_position_bias_table = nn.Parameter(
            nn.init.trunc_normal_(table, std=0.02)
        )
        row, column = (
            torch.arange(height).repeat_interleave(width),
            torch.arange(width).repeat(height),
        )
        index = (
            (row[:, None] - row + height - 1) * (2 * width - 1)
            + column[:, None]
            - column
            + width
            - 1
        )
        self.register_buffer("relative_position_index", index.flatten())

    def bias(self) -> Tensor:
        size = self.window[0] * self.window[1]
        bias = self.relative_position_bias_table[self.relative_position_index]
        return bias.view(size, size, -1).permute(2, 0, 1).contiguous()[None]

    def apart(self, x: Tensor, shift: tuple[int, int]) -> Tensor:
        """-100 for places that the roll has brought together, by window."""
        parts: list[Tensor] = []
        for size, window, moved in zip(x.shape[1:3], self.window, shift):
            place = torch.arange(size, device=x.device)
            parts.append((place >= size - window).long() + (place >= size - moved))
        part = 3 * parts[0][:, None] + parts[1]
        part = part.unflatten(1, (-1, self.window[1])).unflatten(
            0, (-1, self.window[0])
        )
        part = part.transpose(1, 2).flatten(2).flatten(0, 1)
        return x.new_zeros(()).masked_fill(part[:, None] != part[:, :, None], -100.0)

    def forward(self, input: Tensor) -> Tensor:
        batch, height, width, channels = input.shape
        rows, columns = self.window
        x = F.pad(input, (0, 0, 0, -width % columns, 0, -height % rows))
        down, across = x.shape[1] // rows, x.shape[2] // columns
        shift = (self.shift[0] if down > 1 else 0, self.shift[1] if across > 1 else 0)
        apart = self.apart(x, shift) if any(shift) else None
        if apart is not None:
            x = x.roll((-shift[0], -shift[1]), (1, 2))
        x = x.view(batch, down, rows, across, columns, channels).transpose(2, 3)
        x = x.reshape(-1, rows * columns, channels)
        x = self.qkv(x)
        query, key, value = x.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
        weights = weights + self.bias()
        if apart is not None:
            weights = (weights.unflatten(0, (batch, -1)) + apart[:, None]).flatten(0, 1)
        weights = F.dropout(F.softmax(weights, dim=-1), self.dropout, self.training)
        x = self.proj((weights @ value).transpose(1, 2).flatten(2))
        x = x.view(batch, down, across, rows, columns, channels).transpose(2, 3)
        x = x.reshape(batch, down * rows, across * columns, channels)
        if apart is not None:
            x = x.roll(shift, (1, 2))
        return x[:, :height, :width].contiguous()
'''


class WindowAttention(Op):
    """Attention of the places of a map to those in the same window, with the projections (arXiv:2103.14030).

    The channels are last.  Each head has a bias that is learnt for each relative position.  A map that is no whole
    number of windows is padded at its end; with more than one window it is rolled by `shift`, and what that brings
    together is kept apart.  Keys are torchvision's.
    """

    keyword: ClassVar[str] = "window_attention"
    kind: ClassVar[Kind] = "dense"
    prelude: ClassVar[str] = "- permute: {axes: [height, width, channels]}\n"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape((H, W, 12), LAST),), {"heads": 2, "size": 3}, Shape((H, W, 12), LAST)),
        Example((Shape((H, 6, 8), LAST),), {"heads": 2, "size": [4, 3], "shift": [2, 1]}),
        Example((Shape((4, 4, 8), LAST),), {"heads": 1, "size": 2, "shift": 1, "dropout": 0.1}),
    )

    heads: Positive = Field(description="number of heads, each of which weighs the places in its own way")
    size: PerAxis = Field(description="rows and columns of a window, one number or one for each")
    shift: PerAxisFromZero = Field(0, description="rows and columns by which the windows are shifted")
    dropout: Probability = Field(0, description="probability with which a weight is zero in training")

    def _windows(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Sizes and shifts, each by axis."""
        return per_axis(self.size, 2, "size"), per_axis(self.shift, 2, "shift")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        shape = only(self, inputs)
        if shape.axes != LAST:
            raise ShapeError(
                f"window attention needs an image with channels last, not ({', '.join(shape.axes)})",
                "`permute: {axes: [height, width, channels]}` first",
            )
        if shape.channels % self.heads:
            raise ShapeError(f"{shape.channels} channels do not divide into {self.heads} heads", argument="heads")
        for size, shift in zip(*self._windows(), strict=True):
            if shift >= size:
                raise ShapeError(f"a shift of {shift} must be less than the window of {size}", argument="shift")
        return shape

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The rows of the same window."""
        at = LAST.index(axis)
        size, shift = (values[at] for values in self._windows())
        return Windowed(size, shift, inputs[0].dims[at])

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """The biases and which of them is meant, then the projections."""
        (height, width), _ = self._windows()
        channels = inputs[0].channels
        return (
            Weight("relative_position_bias_table", ((2 * height - 1) * (2 * width - 1), self.heads)),
            Weight("relative_position_index", ((height * width) ** 2,), trainable=False, dtype="int64"),
            Weight("qkv.weight", (3 * channels, channels)),
            Weight("qkv.bias", (3 * channels,)),
            Weight("proj.weight", (channels, channels)),
            Weight("proj.bias", (channels,)),
        )

    def _padded(self, shape: Shape) -> tuple[Dim, ...]:
        """Height and width up to whole windows."""
        sizes, _ = self._windows()
        return tuple(
            step(step(dim, 1, size - 1, size), size, 0, 1) for dim, size in zip(shape.dims[:2], sizes, strict=True)
        )

    def multiply_adds(self, inputs: Sequence[Shape], output: Shape) -> tuple[Product, ...]:
        """The projections of each place, queries with keys, and weights with values."""
        channels, places = inputs[0].channels, prod(self._windows()[0])
        return ((4 * channels * channels + 2 * channels * places, self._padded(inputs[0])),)

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Queries, keys and values; the weights, and what is copied for them or made of them; less the output.

        What a shift keeps apart is counted also for a map of a single window, which has nothing to keep apart.
        """
        padded, channels, shape = self._padded(inputs[0]), inputs[0].channels, output.dims[:2]
        places = prod(self._windows()[0])
        weights = self.heads * places
        copies = 6 if self.heads > 1 else 5  # a single head lies side by side already
        found = [Numbers(copies * channels + weights, padded), Numbers(-channels, shape)]
        if weights >= 3 * channels:  # twice the weights are more than the copies
            found[0] = Numbers(3 * channels + 2 * weights, padded)
            found.append(Numbers(weights * places, batched=False))
        if any(self._windows()[1]):
            found.append(Numbers(places, padded, batched=False))
        return tuple(found)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The windows, queries, keys, values and what comes of them, each apart, and the weights of each pair."""
        each = 5 * inputs[0].channels + self.heads * prod(self._windows()[0])
        return Saved((), extra=(Numbers(each, self._padded(inputs[0])),))

    @property
    def random(self) -> bool:
        """True unless nothing is dropped."""
        return self.dropout > 0

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``WindowAttention(96, 3, 7, shift=3)``."""
        sizes, shifts = self._windows()
        return Module(
            "WindowAttention",
            (
                Argument("in_channels", inputs[0].channels),
                Argument("heads", self.heads),
                by_axis("size", sizes),
                by_axis("shift", shifts, "shift", 0),
                Argument("dropout", self.dropout, "dropout", 0.0),
            ),
            helper=WINDOW_ATTENTION,
        )

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``attention in 7×7 windows, shifted, 3 heads``."""
        sizes, shifts = self._windows()
        moved = ", shifted" if any(shifts) else ""
        return f"attention in {times(sizes)} windows{moved}, {self.heads} head{'s' * (self.heads > 1)}"
