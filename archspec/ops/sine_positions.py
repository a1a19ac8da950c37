"""Sines and cosines for the places of a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import AboveZero, Positive, Text, literal
from archspec.ops.common.base import Example, Function, H, Kind, Op, Shape, ShapeError, W, counted
from archspec.ops.common.memory import NOTHING, Numbers, Saved, dense
from archspec.ops.common.spatial import feature_map
from archspec.ops.common.windows import Nothing, Window

SINE_POSITIONS = '''\
def sine_positions(input: Tensor, features: int, temperature: float = 10000) -> Tensor:
    """Sines and cosines for rows and columns.

    They go from 0 to 2 π along the map, slower from pair to pair of channels.
    """
    batch, _, height, width = input.shape
    channels = torch.arange(features, dtype=torch.float32, device=input.device)
    wavelengths = temperature ** (
        2 * torch.div(channels, 2, rounding_mode="floor") / features
    )

    def waves(size: int) -> Tensor:
        places = torch.arange(1, size + 1, dtype=torch.float32, device=input.device)
        angles = (places / (places[-1:] + 1e-6) * (2 * torch.pi))[:, None] / wavelengths
        return torch.stack((angles[:, 0::2].sin(), angles[:, 1::2].cos()), 2).flatten(1)

    rows = waves(height)[:, None].expand(batch, -1, width, -1)
    columns = waves(width).expand(batch, height, -1, -1)
    return torch.cat((rows, columns), 3).permute(0, 3, 1, 2).to(input.dtype)
'''


class SinePositions(Op):
    """Tell each place of a map where it is, by sines and cosines of its row and of its column (arXiv:2005.12872).

    Nothing of the map is read but its size.  `features` numbers are for the row, and as many for the column: the sine
    and the cosine of an angle that runs from 0 to 2 π along the map, and to less and less from pair to pair of them.
    """

    keyword: ClassVar[str] = "sine_positions"
    kind: ClassVar[Kind] = "parameter"
    sources: ClassVar[int] = 0
    references: ClassVar[tuple[str, ...]] = ("to",)
    permutes: ClassVar[bool] = True
    reorders: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"to": "image", "features": 4}, Shape.of(8, H, W)),
        Example((Shape.of(3, 5, 7),), {"to": "image", "features": 2, "temperature": 100}),
    )

    to: Text = Field(description="the step whose size the map has")
    features: Positive = Field(description="numbers for each of the two axes; even")
    temperature: AboveZero = Field(10000, description="by how much the last pair is slower than the first, about")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The size of the step, with ``features`` channels for each axis."""
        shape = feature_map(self, inputs)
        if shape.rank != 2:
            raise ShapeError(f"sine positions are those of an image, and `to` has {counted(shape.rank)}", argument="to")
        if self.features % 2:
            message = f"`features` must be even, for pairs of sine and cosine, not {self.features}"
            raise ShapeError(message, argument="features")
        return shape.with_(channels=2 * self.features)

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """Nothing of the step whose size is used."""
        return Nothing()

    def lay(
        self, inputs: Sequence[Shape], sizes: Sequence[int], strides: Sequence[int], output: Sequence[int]
    ) -> tuple[int, ...]:
        """Channels last."""
        return dense(output, (0, 2, 3, 1))

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The waves along each axis; channels and wavelengths."""
        along = tuple(Numbers(self.features, (dim,), 4, batched=False) for dim in inputs[0].spatial)
        return (*along, Numbers(2 * self.features, (), 4, batched=False))

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing: nothing here is learnt."""
        return NOTHING

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``sine_positions({0}, 32)``."""
        slower = "" if self.temperature == 10000 else f", {literal(self.temperature)}"
        return Function(f"sine_positions({{0}}, {self.features}{slower})", helper=SINE_POSITIONS)

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``sine positions, 64``."""
        return f"sine positions, {2 * self.features}"
