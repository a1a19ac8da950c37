"""Local response normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Number, Positive
from archspec.ops.common.base import Argument, Drawn, Example, Function, H, Kind, L, Module, Op, Shape, W
from archspec.ops.common.memory import Numbers, Saved
from archspec.ops.common.spatial import feature_map


class Lrn(Op):
    """Divide by (k + alpha · mean of squares over ``size`` neighbouring channels) ** beta (AlexNet, section 3.3).

    The paper multiplies alpha by a *sum*: for a size of 5 its 1e-4 is ``alpha: 0.0005`` here, as in torch and Caffe.
    """

    keyword: ClassVar[str] = "lrn"
    kind: ClassVar[Kind] = "normalisation"
    drawn: ClassVar[Drawn | None] = "box"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(96, H, W),), {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2}),
        Example((Shape.of(4, H, W),), {"size": 2}),
        Example((Shape.of(4, L),), {"size": 3}),
        Example((Shape.of(4, 2, H, W),), {"size": 3}),
    )

    size: Positive = Field(description="number of neighbouring channels")
    alpha: Number = Field(1e-4, description="factor of the mean of squares")
    beta: Number = Field(0.75, description="exponent")
    k: Number = Field(1.0, description="added to the mean of squares")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        return feature_map(self, inputs)

    def _arguments(self) -> tuple[Argument, ...]:
        return (
            Argument("size", self.size),
            Argument("alpha", self.alpha, "alpha", 1e-4),
            Argument("beta", self.beta, "beta", 0.75),
            Argument("k", self.k, "k", 1.0),
        )

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, its squares with the channels around them, their mean and what that is to the power.

        The gradient of the quotient takes four maps at once, that of the mean the channels around more than is freed.
        """
        channels = output.channels
        around = Numbers(channels + self.size - 1, output.spatial)
        back = Numbers(max(4 * channels, self.size - 1), output.spatial)
        return Saved((0,), extra=(Numbers(2, output.dims), around), backward=(back,))

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Two maps of squares or their means, or the squares with as many channels around as the outer ones look at."""
        channels = output.channels
        return (Numbers(max(2 * channels, channels + self.size - 1), output.spatial),)

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.LocalResponseNorm(5, k=2)``."""
        return Module("nn.LocalResponseNorm", self._arguments())

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.local_response_norm({0}, 5, k=2)``."""
        given = [argument.text for argument in self._arguments() if not argument.needless]
        return Function(f"F.local_response_norm({', '.join(['{0}', *given])})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``LRN``."""
        return "LRN"
