"""Padding of a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from archspec.ops.common.arguments import Number, PerAxis, PerAxisFromZero, PerSide, Text, literal, refuse, sides
from archspec.ops.common.base import (
    Argument,
    Example,
    Function,
    H,
    Kind,
    L,
    Module,
    Op,
    Shape,
    ShapeError,
    W,
    counted,
    per_axis,
)
from archspec.ops.common.memory import INPUT, NOTHING, Numbers, Saved
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.spatial import collapse, feature_map, pairs, per, times
from archspec.ops.common.windows import Fill, Nothing, Shifted, Surrounded, Window
from archspec.sizes import AtLeast, AtMost, Condition, step, symbol

_MODULES = {"reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}

PAD_TO = '''\
def pad_to(
    input: Tensor, size: tuple[int, ...], offset: tuple[int, ...] = ()
) -> Tensor:
    """Zeros around a map up to a larger size.

    The map begins at an offset, or lies in the centre.
    """
    amounts: list[int] = []
    for dim in range(input.ndim - 1, 1, -1):
        extra = size[dim - 2] - input.shape[dim]
        torch._check(
            (offset[dim - 2] if offset else 0) <= extra,
            lambda: "a map cannot be padded to a smaller size",
        )
        before = offset[dim - 2] if offset else extra // 2
        amounts += [before, extra - before]
    return F.pad(input, amounts)
'''


def _both(value: object) -> tuple[int, int]:
    found = sides([value]) if isinstance(value, list | tuple) else sides(value)
    (pair,) = found if isinstance(found, tuple) else (found,)
    return pair if isinstance(pair, tuple) else (pair, pair)


_AMOUNT = {"type": "integer", "minimum": 0}
Both = Annotated[
    tuple[int, int],
    PlainValidator(_both),
    WithJsonSchema({"anyOf": [_AMOUNT, {"type": "array", "items": _AMOUNT, "minItems": 2, "maxItems": 2}]}),
]
"""An amount on both sides, or [before, after]."""


class Pad(Op):
    """Add rows around a map, by amounts, up to a multiple or another step's size, or add channels of zeros.

    The rows contain one value, the mirror image of the map, its border row, or the rows of its other end.  Up to a
    size, the map lies in the centre: of an odd number of rows, one more is added at the end than at the start.
    """

    keyword: ClassVar[str] = "pad"
    kind: ClassVar[Kind] = "reshape"
    titled_by_size: ClassVar[bool] = True
    references: ClassVar[tuple[str, ...]] = ("to",)
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
        Example((Shape.of(16, H, W),), {"channels": 8}, Shape.of(32, H, W)),
        Example((Shape.of(16, H, W),), {"channels": [0, 4], "amount": [1, 0]}),
        Example((Shape.of(3, H, W), Shape.of(2, symbol("P"), symbol("Q"))), {"to": "skip"}),
        Example((Shape.of(3, 6, 7), Shape.of(2, 9, 8)), {"to": "skip"}, Shape.of(3, 9, 8)),
        Example((Shape.of(3, H, W), Shape.of(2, symbol("P"), symbol("Q"))), {"to": "input", "offset": 0}),
        Example((Shape.of(3, H, 5),), {"multiple": [2, 4]}),
    )

    amount: PerSide = Field(0, description="rows to add: a number, one for each axis or [before, after] pairs")
    to: Text | None = Field(None, description="the step whose size the map is padded to")
    multiple: PerAxis | None = Field(
        None, description="pads at the end up to a multiple of this: a number, or one for each axis"
    )
    offset: PerAxisFromZero | None = Field(
        None, description="the rows before the map, together with `to`; without it the map is centred"
    )
    channels: Both = Field((0, 0), description="channels of zeros to add: a number on both sides or [before, after]")
    mode: Fill = Field("constant", description="what the added rows contain")
    value: Number = Field(0, description="the value of the added rows, for mode constant")

    @model_validator(mode="after")
    def _value_is_used(self) -> Self:
        if self.value != 0 and self.mode != "constant":
            refuse(f"`value` cannot be used with mode `{self.mode}`")
        return self

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.to is None and not {"amount", "channels", "multiple"} & self.model_fields_set:
            refuse("needs `amount`, `to`, `multiple` or `channels`")
        if self.multiple is not None and {"amount", "to", "channels", "mode", "value"} & self.model_fields_set:
            refuse("`multiple` adds zeros at the end, and is given alone")
        if self.to is None and self.offset is not None:
            refuse("`offset` needs `to`")
        if self.to is not None and (self.amount != 0 or self.mode != "constant" or self.value != 0):
            refuse("`to` adds zeros; it cannot be used with `amount`, `mode` or `value`")
        if any(self.channels) and (self.to is not None or self.mode != "constant" or self.value != 0):
            refuse("`channels` adds zeros; it cannot be used with `to`, `mode` or `value`")
        return self

    def _least(self, before: int, after: int) -> int:
        most = max(before, after)
        return {"reflect": most + 1, "circular": most}.get(self.mode, 1)

    def _offsets(self, rank: int) -> tuple[int, ...]:
        return (0,) * rank if self.offset is None else per_axis(self.offset, rank, "offset")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The larger size, with the added channels."""
        shape = feature_map(self, inputs[:1])
        names = shape.spatial_axes
        if self.to is not None:
            if len(inputs) != 2 or feature_map(self, inputs[1:]).rank != shape.rank:
                raise ShapeError(f"pad needs a step with {counted(shape.rank)} to follow", argument="to")
            axes = zip(names, shape.spatial, inputs[1].spatial, self._offsets(shape.rank), strict=True)
            for name, inner, outer, offset in axes:
                if isinstance(outer, int) and isinstance(inner, int) and offset + inner > outer:
                    raise ShapeError(f"a {name} of {inner} cannot be padded to {outer}", argument="to")
            return shape.with_(spatial=inputs[1].spatial)
        if self.multiple is not None:
            whole = zip(shape.spatial, per_axis(self.multiple, shape.rank, "multiple"), strict=True)
            return shape.with_(spatial=[step(step(dim, 1, each - 1, each), each, 0, 1) for dim, each in whole])
        around = pairs(self.amount, shape.rank, "amount")
        for name, dim, pair in zip(names, shape.spatial, around, strict=True):
            if isinstance(dim, int) and dim < self._least(*pair):
                least = f"a {name} of at least {self._least(*pair)}; it is {dim}"
                raise ShapeError(f"padding {max(pair)} by mode `{self.mode}` needs {least}", argument="amount")
        spatial = [step(dim, 1, sum(pair), 1) for dim, pair in zip(shape.spatial, around, strict=True)]
        return shape.with_(shape.channels + sum(self.channels), spatial)

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """Mode ``reflect`` needs more rows than it adds, ``circular`` as many; with ``to`` the map must fit inside."""
        if self.to is not None:
            ends = [
                step(dim, 1, at, 1) for dim, at in zip(inputs[0].spatial, self._offsets(inputs[0].rank), strict=True)
            ]
            return [
                AtMost(end, outer, author)
                for end, outer in zip(ends, inputs[1].spatial, strict=True)
                if not (isinstance(end, int) and isinstance(outer, int))
            ]
        around = zip(inputs[0].spatial, pairs(self.amount, inputs[0].rank, "amount"), strict=True)
        least = [(dim, self._least(*pair)) for dim, pair in around if not isinstance(dim, int)]
        return [AtLeast(dim, rows, author) for dim, rows in least if rows > 1]

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """A shift by the rows added at the beginning."""
        if index:
            return Nothing()
        shape = inputs[0]
        at = shape.spatial_axes.index(axis)
        if self.to is None:
            return Shifted(-pairs(self.amount, shape.rank, "amount")[at][0], self.mode)
        if self.offset is not None:
            return Shifted(-self._offsets(shape.rank)[at])
        outer, inner = inputs[1].spatial[at], shape.spatial[at]
        if isinstance(outer, int) and isinstance(inner, int):
            return Shifted(-((outer - inner) // 2))
        return Surrounded(outer, inner)

    def rows_added(self, inputs: Sequence[Shape], axis: str) -> int | None:
        """The rows added at the end, if that is a number."""
        shape = inputs[0]
        if self.to is not None or self.multiple is not None:
            return None
        return pairs(self.amount, shape.rank, "amount")[shape.spatial_axes.index(axis)][1]

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The input for ``reflect`` and ``replicate``; only sizes for ``constant`` and ``circular``."""
        if self.mode == "circular":  # torch copies piece by piece, and each copy has its own backward step
            return Saved(backward=(Numbers(2, output.dims),))
        return NOTHING if self.mode == "constant" else INPUT

    def _flat(self, rank: int) -> tuple[int, ...]:
        """All amounts as torch wants them, last axis first."""
        around = [amount for pair in reversed(pairs(self.amount, rank, "amount")) for amount in pair]
        return (*around, *self.channels) if any(self.channels) else tuple(around)

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.ZeroPad2d((0, 1, 0, 1))``; none for further channels or up to a size."""
        rank = inputs[0].rank
        if self.to is not None or self.multiple is not None or any(self.channels):
            return None
        arguments = (Argument("amount", collapse(self._flat(rank))),)
        if self.mode == "constant" and self.value == 0:
            return Module(f"nn.ZeroPad{rank}d", arguments)
        if self.mode == "constant":
            return Module(f"nn.ConstantPad{rank}d", (*arguments, Argument("value", self.value)))
        return Module(f"nn.{_MODULES[self.mode]}Pad{rank}d", arguments)

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.pad({0}, (0, 1, 0, 1))``; ``pad_to({0}, {1}.shape[2:])``."""
        rank = inputs[0].rank
        if self.to is not None:
            return self._up_to(rank)
        if self.multiple is not None:
            each = list(enumerate(per_axis(self.multiple, rank, "multiple"), 2))
            return Function(f"F.pad({{0}}, ({', '.join(f'0, -{{0}}.shape[{at}] % {by}' for at, by in each[::-1])}))")
        text = f"F.pad({{0}}, {literal(self._flat(rank))}"
        if self.mode != "constant":
            text += f', mode="{self.mode}"'
        elif self.value != 0:
            text += f", value={literal(self.value)}"
        return Function(text + ")")

    def _up_to(self, rank: int) -> Function:
        offset = "" if self.offset is None else f", {literal(self._offsets(rank))}"
        return Function(f"pad_to({{0}}, {{1}}.shape[2:]{offset})", helper=PAD_TO)

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``pad, 1``; ``reflect pad, 0+1``; ``pad to 56×56``."""
        if self.to is not None:
            constant = [dim for dim in output.spatial if isinstance(dim, int)]
            return f"pad to {times(constant)}" if len(constant) == output.rank else "pad"
        if self.multiple is not None:
            return f"pad to multiples of {per(per_axis(self.multiple, inputs[0].rank, 'multiple'))}"
        around = [str(a) if a == b else f"{a}+{b}" for a, b in pairs(self.amount, inputs[0].rank, "amount")]
        name = "pad" if self.mode == "constant" else f"{self.mode} pad"
        said = (
            []
            if self.amount == 0 and any(self.channels)
            else [around[0] if len(set(around)) == 1 else "×".join(around)]
        )
        if any(self.channels):
            before, after = self.channels
            said.append(f"channels {before if before == after else f'{before}+{after}'}")
        return ", ".join([name, *said])
