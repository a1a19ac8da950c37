"""Attention with its projections, as torch's module has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Flag, Positive, Probability
from archspec.ops.common.attending import TOKENS, attends
from archspec.ops.common.base import Argument, Example, Kind, Module, Op, Product, Shape, ShapeError, Weight
from archspec.ops.common.memory import Numbers, Saved
from archspec.ops.common.windows import Everything, Window


class MultiheadAttention(Op):
    """Attention of tokens to one another, with the projections before and after it (arXiv:1706.03762).

    It is torch's module, whose weights are one matrix for queries, keys and values, and one for what comes out.
    """

    keyword: ClassVar[str] = "multihead_attention"
    kind: ClassVar[Kind] = "dense"
    prelude: ClassVar[str] = "- permute: {axes: [length, channels]}\n"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape((8, 8), TOKENS),), {"heads": 2}, Shape((8, 8), TOKENS)),
        Example((Shape((5, 8), TOKENS),), {"heads": 4, "dropout": 0.1, "bias": False}),
    )

    heads: Positive = Field(description="number of heads, each of which weighs the tokens in its own way")
    dropout: Probability = Field(0, description="probability with which a weight is zero in training")
    bias: Flag = Field(True, description="whether biases are added")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        shape = attends(self, inputs)
        if shape.channels % self.heads:
            raise ShapeError(f"{shape.channels} channels do not divide into {self.heads} heads", argument="heads")
        return shape

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """All tokens."""
        return Everything()

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """The matrices and biases, in torch's order."""
        width = inputs[0].channels
        found = [Weight("in_proj_weight", (3 * width, width))]
        found += [Weight("in_proj_bias", (3 * width,))] if self.bias else []
        found += [Weight("out_proj.weight", (width, width))]
        return (*found, Weight("out_proj.bias", (width,))) if self.bias else tuple(found)

    def multiply_adds(self, inputs: Sequence[Shape], output: Shape) -> tuple[Product, ...]:
        """The four projections of each token; queries with keys, and weights with values."""
        tokens, width = inputs[0].dims[0], inputs[0].channels
        return ((4 * width * width, (tokens,)), (2 * width, (tokens, tokens)))

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """Queries, keys and values, twice while they are parted; torch's fused path for inference is not counted."""
        return (Numbers(5, output.dims),)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input; queries, keys, values and what attention makes of them; the logarithm of each sum of weights."""
        return Saved((0,), extra=(Numbers(4, output.dims), Numbers(self.heads, inputs[0].dims[:1])))

    @property
    def random(self) -> bool:
        """True unless nothing is dropped."""
        return self.dropout > 0

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.MultiheadAttention(768, 12, batch_first=True)``."""
        return Module(
            "nn.MultiheadAttention",
            (
                Argument("in_features", inputs[0].channels),
                Argument("heads", self.heads),
                Argument("dropout", self.dropout, "dropout", 0.0),
                Argument("bias", self.bias, "bias", True),
                Argument("batch_first", True, "batch_first", False),
            ),
            call="{module}({0}, {0}, {0}, need_weights=False)[0]",
        )

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``multihead attention, 12 heads``."""
        return f"{self.title()}, {self.heads} head{'s' * (self.heads > 1)}"
