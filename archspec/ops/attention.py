"""Scaled dot-product attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import Positive, Probability, literal
from archspec.ops.common.attending import TOKENS, attends
from archspec.ops.common.base import Example, Function, Kind, L, Op, Product, Shape, ShapeError
from archspec.ops.common.memory import Numbers, Saved
from archspec.ops.common.windows import POINTWISE, Everything, Window

ATTEND = '''\
def attend(input: Tensor, heads: int, dropout: float = 0) -> Tensor:
    """Scaled dot-product attention of heads over tokens.

    Queries, keys and values are side by side in the channels.
    """
    query, key, value = input.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    return (
        F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        .transpose(1, 2)
        .flatten(2)
    )
'''

ATTEND_WITHIN = '''\
def attend_within(input: Tensor, heads: int, dropout: float = 0) -> Tensor:
    """Scaled dot-product attention over tokens, at each place of the axes before.

    Queries, keys and values are side by side in the channels.
    """
    query, key, value = (
        input.flatten(0, -3).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    )
    found = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
    return found.transpose(1, 2).reshape(*input.shape[:-1], -1)
'''


class Attention(Op):
    """Let each token take the others' values, weighed by how well its query fits their keys (arXiv:1706.03762).

    The input has tokens and channels: queries, keys and values side by side, as a `linear` of three times the width
    gives them, each of `heads` parts.  The output is a third as wide.  With axes before the tokens, such as the places
    within a patch, there is an attention for each of their places.
    """

    keyword: ClassVar[str] = "attention"
    kind: ClassVar[Kind] = "dense"
    prelude: ClassVar[str] = "- permute: {axes: [length, channels]}\n"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape((24, 24), TOKENS),), {"heads": 2}, Shape((24, 8), TOKENS)),
        Example((Shape((5, 24), TOKENS),), {"heads": 4, "dropout": 0.1}),
        Example((Shape((4, L, 12), ("places", *TOKENS)),), {"heads": 2}, Shape((4, L, 4), ("places", *TOKENS))),
        Example((Shape((2, 3, 5, 6), ("down", "across", *TOKENS)),), {"heads": 1, "dropout": 0.5}),
    )

    heads: Positive = Field(description="number of heads, each of which weighs the tokens in its own way")
    dropout: Probability = Field(0, description="probability with which a weight is zero in training")

    def _width(self, shape: Shape) -> int:
        """The channels of queries, of keys and of values."""
        if shape.channels % (3 * self.heads):
            raise ShapeError(
                f"{shape.channels} channels are not queries, keys and values of {self.heads} heads",
                "a `linear` before it gives three times the width",
                "heads",
            )
        return shape.channels // 3

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same tokens with a third of the channels."""
        shape = attends(self, inputs, within=True)
        return Shape((*shape.dims[:-1], self._width(shape)), shape.axes)

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """All tokens; the place itself along the axes before them."""
        return POINTWISE if axis in inputs[0].axes[:-2] else Everything()

    def multiply_adds(self, inputs: Sequence[Shape], output: Shape) -> tuple[Product, ...]:
        """Queries with keys, and weights with values: one for each channel and pair of tokens."""
        *before, tokens, _ = inputs[0].dims
        return ((2 * self._width(inputs[0]), (*before, tokens, tokens)),)

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The logarithm of each sum of weights."""
        return (Numbers(self.heads, inputs[0].dims[:-1]),)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, the output, and the logarithm of each sum of weights."""
        return Saved((0,), output=True, extra=(Numbers(self.heads, inputs[0].dims[:-1]),))

    @property
    def random(self) -> bool:
        """True unless nothing is dropped."""
        return self.dropout > 0

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``attend({0}, 3)``."""
        dropout = f", {literal(self.dropout)} if self.training else 0" if self.dropout else ""
        name, helper = ("attend", ATTEND) if len(inputs[0].axes) == 2 else ("attend_within", ATTEND_WITHIN)
        return Function(f"{name}({{0}}, {self.heads}{dropout})", helper=helper)

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``attention, 3 heads``."""
        return f"attention, {self.heads} head{'s' * (self.heads > 1)}"
