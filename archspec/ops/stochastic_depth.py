"""Stochastic depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field, PlainValidator, WithJsonSchema

from archspec.ops.common.arguments import probability, refuse
from archspec.ops.common.base import Argument, Drawn, Example, H, Kind, Module, Op, Shape, W, only
from archspec.ops.common.memory import NOTHING, Numbers, Saved

STOCHASTIC_DEPTH = '''\
class StochasticDepth(nn.Module):
    """Drops a sample's branch with probability p in training (arXiv:1603.09382)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return input
        keep = 1 - self.p
        kept = input.new_empty((len(input), *(1,) * (input.ndim - 1))).bernoulli_(keep)
        return input * kept.div_(keep)
'''


def _below_one(value: object) -> int | float:
    chance = probability(value)
    if chance == 1:
        refuse("must be below 1: 1 would always drop the branch")
    return chance


class StochasticDepth(Op):
    """Set each sample to zero with probability p in training and scale up the rest; used before a shortcut is added."""

    keyword: ClassVar[str] = "stochastic_depth"
    kind: ClassVar[Kind] = "dropout"
    drawn: ClassVar[Drawn | None] = "never"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"p": 0.2}),
        Example((Shape.of(3, H, W),), {"p": 0}),
        Example((Shape.of(3),), {"p": 0.5}),
    )

    p: Annotated[
        int | float,
        PlainValidator(_below_one),
        WithJsonSchema({"type": "number", "minimum": 0, "exclusiveMaximum": 1}),
    ] = Field(description="probability of zero")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        return only(self, inputs)

    @property
    def random(self) -> bool:
        """True unless p is 0."""
        return self.p > 0

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """The input itself, if nothing is dropped."""
        return None if training and self.p > 0 else 0

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The factor of each sample."""
        return Saved(extra=(Numbers(1),)) if self.p > 0 else NOTHING

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``StochasticDepth(0.2)``."""
        return Module("StochasticDepth", (Argument("p", self.p),), helper=STOCHASTIC_DEPTH)

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``stochastic depth, 0.2``."""
        return f"stochastic depth, {self.p:g}"
