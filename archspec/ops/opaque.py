"""What another tool does and the language has no words for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from archspec.ops.common.arguments import AXIS_NAME, Axes, Text, each, positive, refuse, shown
from archspec.ops.common.base import SPATIAL, Example, H, Kind, Op, Shape, ShapeError, W, Weight
from archspec.ops.common.windows import Hidden, Window
from archspec.sizes import Dim, step

_PART = re.compile(rf"({AXIS_NAME.strip('^$')})(?: // ([1-9][0-9]{{0,5}}))?")
_NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_MOST_TENSORS = 10_000


def _entry(value: object) -> int | str:
    if isinstance(value, str):
        if _PART.fullmatch(value) is None:
            refuse(
                f"{shown(value)} is not a size",
                "write a number, an axis of the input, or one over a number: `height // 2`",
            )
        return value
    return positive(value)


def _tensors(value: object) -> dict[str, tuple[int, ...]]:
    if not isinstance(value, Mapping) or len(value) > _MOST_TENSORS:
        refuse("must be tensors' shapes by their names", "such as {qkv.weight: [288, 96]}")
    found: dict[str, tuple[int, ...]] = {}
    for name, shape in value.items():
        if not isinstance(name, str) or len(name) > 300 or _NAME.fullmatch(name) is None:
            refuse("has a tensor whose name is not words with dots between them")
        found[str(name)] = () if shape == [] or shape == () else each(shape, positive, 8, "a list of sizes")
    return found


Sizes = Annotated[
    tuple[int | str, ...],
    PlainValidator(lambda value: each(value, _entry, 8, "a list of sizes")),
    WithJsonSchema({"type": "array", "items": {"type": ["integer", "string"]}, "minItems": 1, "maxItems": 8}),
]
Tensors = Annotated[
    dict[str, tuple[int, ...]],
    PlainValidator(_tensors),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}}),
]


class Opaque(Op):
    """A step of which only the class, the shape and the tensors are known, as imports with `--opaque` write it.

    It can be drawn, listed and counted.  It is neither compiled nor seen through: what follows it has no receptive
    field, and its multiply-adds and memory are not known.
    """

    keyword: ClassVar[str] = "opaque"
    kind: ClassVar[Kind] = "dense"
    several: ClassVar[bool] = True
    hidden: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            (Shape.of(96, H, W),),
            {"type": "WindowAttention", "shape": [96, "height", "width // 2"], "trained": {"qkv.weight": [288, 96]}},
            Shape.of(96, H, step(W, 1, 0, 2)),
        ),
        Example((Shape.of(8, H, W), Shape.of(4)), {"type": "Mix", "shape": [16]}, Shape.of(16)),
    )

    type: Text = Field(description="the name of its class or operation, where it comes from")
    shape: Sizes = Field(
        description="its output's sizes without the batch: numbers, axes of the first input, or these over a number, "
        "rounded down: `height // 2`"
    )
    axes: Axes | None = Field(None, description="names of the output's axes. Default: channels, then spatial axes")
    trained: Tensors = Field({}, description="its trained tensors by name")
    buffers: Tensors = Field({}, description="its other tensors by name")

    @model_validator(mode="after")
    def _axes_fit(self) -> Self:
        if self.axes is not None and len(self.axes) != len(self.shape):
            refuse(f"`axes` names {len(self.axes)} axes for {len(self.shape)} sizes")
        return self

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The shape that is given, sizes of the first input in place of its axes' names."""
        if not inputs:
            raise ShapeError("opaque takes an input")
        axes = self.axes or ("channels", *SPATIAL.get(len(self.shape) - 1, ()))
        if len(axes) != len(self.shape):
            raise ShapeError(f"{len(self.shape)} axes need names", "add `axes: [channels, …]`", "shape")
        return Shape(tuple(self._size(inputs[0], entry) for entry in self.shape), axes)

    @staticmethod
    def _size(shape: Shape, entry: int | str) -> Dim:
        if isinstance(entry, int):
            return entry
        parts = _PART.fullmatch(entry)
        assert parts is not None
        dim = shape.dims[shape.position(parts[1]) - 1]
        return dim if parts[2] is None else step(dim, 1, 0, int(parts[2]))

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """Not known."""
        return Hidden()

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """The tensors that are given."""
        found = [Weight(name, shape) for name, shape in self.trained.items()]
        return (*found, *(Weight(name, shape, trainable=False) for name, shape in self.buffers.items()))

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``WindowAttention, opaque``."""
        return f"{self.type}, opaque"
