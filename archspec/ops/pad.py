"""Padding of a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from archspec.ops.common.arguments import Number, PerSide, literal, refuse
from archspec.ops.common.base import Argument, Example, Function, H, Kind, L, Module, Op, Shape, ShapeError, W
from archspec.ops.common.memory import INPUT, NOTHING, Numbers, Saved
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.spatial import collapse, feature_map, pad_text, pairs
from archspec.ops.common.windows import Shifted, Window
from archspec.sizes import AtLeast, Condition, step

_MODULES = {"reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}


class Pad(Op):
    """Add rows around a map: a constant, its mirror image, its border row, or the rows of its other end."""

    keyword: ClassVar[str] = "pad"
    kind: ClassVar[Kind] = "reshape"
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"amount": 1}),
        Example((Shape.of(3, H, W),), {"amount": [[0, 1], [2, 0]], "value": -1.5}),
        Example((Shape.of(3, H, W),), {"amount": [2, 0], "mode": "reflect"}),
        Example((Shape.of(3, H, W),), {"amount": [[3, 1], [1, 1]], "mode": "replicate"}),
        Example((Shape.of(3, H, W),), {"amount": [[3, 1], [0, 0]], "mode": "circular"}),
        Example((Shape.of(3, L),), {"amount": 2, "mode": "reflect"}),
        Example((Shape.of(3, L),), {"amount": [[1, 2]]}),
        Example((Shape.of(3, 4, H, W),), {"amount": [1, 0, 1], "mode": "circular"}),
        Example((Shape.of(3, 4, H, W),), {"amount": [3, 0, 1], "mode": "reflect"}),
    )

    amount: PerSide = Field(description="rows to add: a number, one for each axis or [before, after] pairs")
    mode: Literal["constant", "reflect", "replicate", "circular"] = Field(
        "constant", description="what the added rows contain"
    )
    value: Number = Field(0, description="the value of the added rows, for mode constant")

    @model_validator(mode="after")
    def _value_is_used(self) -> Self:
        if self.value != 0 and self.mode != "constant":
            refuse(f"`value` cannot be used with mode `{self.mode}`")
        return self

    def _least(self, before: int, after: int) -> int:
        most = max(before, after)
        return {"reflect": most + 1, "circular": most}.get(self.mode, 1)

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same channels, with the larger size."""
        shape = feature_map(self, inputs)
        sides = pairs(self.amount, shape.rank, "amount")
        for name, dim, pair in zip(shape.spatial_axes, shape.spatial, sides, strict=True):
            if isinstance(dim, int) and dim < self._least(*pair):
                least = f"a {name} of at least {self._least(*pair)}; it is {dim}"
                raise ShapeError(f"padding {max(pair)} by mode `{self.mode}` needs {least}", argument="amount")
        return shape.with_(spatial=[step(dim, 1, sum(pair), 1) for dim, pair in zip(shape.spatial, sides, strict=True)])

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """Mode ``reflect`` needs more rows than it adds, mode ``circular`` at least as many."""
        sides = zip(inputs[0].spatial, pairs(self.amount, inputs[0].rank, "amount"), strict=True)
        least = [(dim, self._least(*pair)) for dim, pair in sides if not isinstance(dim, int)]
        return [AtLeast(dim, rows, author) for dim, rows in least if rows > 1]

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """A shift by the rows added at the beginning."""
        shape = inputs[0]
        before = pairs(self.amount, shape.rank, "amount")[shape.spatial_axes.index(axis)][0]
        return Shifted(-before, self.mode)

    def rows_added(self, inputs: Sequence[Shape], axis: str) -> int:
        """The rows added at the end."""
        shape = inputs[0]
        return pairs(self.amount, shape.rank, "amount")[shape.spatial_axes.index(axis)][1]

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input for ``reflect`` and ``replicate``; only sizes for ``constant`` and ``circular``."""
        if self.mode == "circular":  # torch copies piece by piece, and each copy has its own backward step
            return Saved(backward=(Numbers(2, output.dims),))
        return NOTHING if self.mode == "constant" else INPUT

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.ZeroPad2d((0, 1, 0, 1))``."""
        rank = inputs[0].rank
        sides = tuple(amount for pair in reversed(pairs(self.amount, rank, "amount")) for amount in pair)
        arguments = (Argument("amount", collapse(sides)),)
        if self.mode == "constant" and self.value == 0:
            return Module(f"nn.ZeroPad{rank}d", arguments)
        if self.mode == "constant":
            return Module(f"nn.ConstantPad{rank}d", (*arguments, Argument("value", self.value)))
        return Module(f"nn.{_MODULES[self.mode]}Pad{rank}d", arguments)

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.pad({0}, (0, 1, 0, 1))``."""
        text = f"F.pad({{0}}, {pad_text(pairs(self.amount, inputs[0].rank, 'amount'))}"
        if self.mode != "constant":
            text += f', mode="{self.mode}"'
        elif self.value != 0:
            text += f", value={literal(self.value)}"
        return Function(text + ")")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``pad, 1``; ``reflect pad, 0+1``."""
        sides = [str(a) if a == b else f"{a}+{b}" for a, b in pairs(self.amount, inputs[0].rank, "amount")]
        name = "pad" if self.mode == "constant" else f"{self.mode} pad"
        return f"{name}, {sides[0] if len(set(sides)) == 1 else '×'.join(sides)}"
