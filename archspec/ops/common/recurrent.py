"""The base of ``lstm`` and ``gru``: networks that go along an axis and carry a state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from archspec.ops.common.arguments import Flag, Positive, Probability, refuse
from archspec.ops.common.attending import TOKENS, attends
from archspec.ops.common.base import Argument, Example, Kind, L, Module, Op, Product, Shape, Weight
from archspec.ops.common.memory import Numbers, Saved
from archspec.ops.common.windows import Everything, UpTo, Window


class Recurrent(Op):
    """Base of the two.  The input has the axis they go along, and channels last."""

    kind: ClassVar[Kind] = "dense"
    prelude: ClassVar[str] = "- permute: {axes: [length, channels]}\n"
    gates: ClassVar[int]
    """The number of matrices of each kind that a layer has, one above the other."""
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape((L, 6), TOKENS),), {"features": 5}, Shape((L, 5), TOKENS)),
        Example((Shape((4, 3), TOKENS),), {"features": 2, "bidirectional": True}, Shape((4, 4), TOKENS)),
        Example((Shape((6, 3), ("width", "channels")),), {"features": 5, "layers": 2, "bidirectional": True}),
        Example((Shape((9, 8), TOKENS),), {"features": 4, "layers": 3, "dropout": 0.5}),
        Example((Shape((L, 2), TOKENS),), {"features": 3, "bias": False}),
    )

    features: Positive = Field(description="size of the state, which is the output (twice that if it goes both ways)")
    layers: Positive = Field(1, description="number of layers, each of which reads the one before")
    bidirectional: Flag = Field(False, description="whether each layer also goes from the end to the beginning")
    dropout: Probability = Field(
        0, description="probability with which a number between two layers is zero in training"
    )
    bias: Flag = Field(True, description="whether biases are added")

    @model_validator(mode="after")
    def _between_layers(self) -> Self:
        if self.dropout and self.layers == 1:
            refuse("`dropout` acts between layers, and there is one", "a `dropout` step after it acts on its output")
        return self

    @property
    def _ways(self) -> int:
        return 1 + self.bidirectional

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same axis, with the state as channels."""
        shape = attends(self, inputs)
        return Shape((shape.dims[0], self._ways * self.features), shape.axes)

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """All before and at the place; all of the axis if it goes both ways."""
        return Everything() if self.bidirectional else UpTo()

    def _widths(self, inputs: Sequence[Shape]) -> list[int]:
        """The number of channels that each layer reads."""
        return [inputs[0].channels] + [self._ways * self.features] * (self.layers - 1)

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0``, ``bias_hh_l0``; then ``…_l0_reverse``, ``…_l1`` …."""
        rows, found = self.gates * self.features, []
        for layer, width in enumerate(self._widths(inputs)):
            for way in ("", "_reverse")[: self._ways]:
                found += [Weight(f"weight_ih_l{layer}{way}", (rows, width))]
                found += [Weight(f"weight_hh_l{layer}{way}", (rows, self.features))]
                found += [Weight(f"bias_{kind}_l{layer}{way}", (rows,)) for kind in ("ih", "hh") if self.bias]
        return tuple(found)

    def multiply_adds(self, inputs: Sequence[Shape], output: Shape) -> tuple[Product, ...]:
        """One for each weight of the matrices, at each place."""
        each = sum(width + self.features for width in self._widths(inputs))
        return ((self._ways * self.gates * self.features * each, (inputs[0].dims[0],)),)

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input, the output, and gates and states of each layer; what kernels keep besides is not counted."""
        own = self.layers * self._ways * (self.gates + 1) * self.features
        return Saved((0,), output=True, extra=(Numbers(own, inputs[0].dims[:1]),))

    @property
    def random(self) -> bool:
        """Whether numbers between layers are dropped."""
        return self.dropout > 0

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.LSTM(512, 256, bidirectional=True, batch_first=True)``."""
        return Module(
            f"nn.{self.keyword.upper()}",
            (
                Argument("in_features", inputs[0].channels),
                Argument("features", self.features),
                Argument("layers", self.layers, "num_layers", 1),
                Argument("bias", self.bias, "bias", True),
                Argument("batch_first", True, "batch_first", False),
                Argument("dropout", self.dropout, "dropout", 0.0),
                Argument("bidirectional", self.bidirectional, "bidirectional", False),
            ),
            call="{module}({0})[0]",
        )

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``LSTM, 256, both ways, 2 layers``."""
        ways = ", both ways" if self.bidirectional else ""
        layers = f", {self.layers} layers" if self.layers > 1 else ""
        return f"{self.keyword.upper()}, {self.features}{ways}{layers}"
