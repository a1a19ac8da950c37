"""The base of ``scale`` and ``shift``: one constant, or one for each channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator, WithJsonSchema

from archspec.ops.common.arguments import each, literal, number
from archspec.ops.common.base import Function, Kind, Op, Shape, ShapeError, any_one, only
from archspec.ops.common.memory import NOTHING, Layout, Numbers, Saved


def _constants(value: object) -> Any:
    return (
        each(value, number, 65_536, "a number for each channel") if isinstance(value, list | tuple) else number(value)
    )


_NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 65_536}
Constants = Annotated[
    int | float | tuple[int | float, ...],
    PlainValidator(_constants),
    WithJsonSchema({"anyOf": [{"type": "number"}, _NUMBERS]}),
]


class Affine(Op):
    """Base of ops with constants, computed in the input's dtype."""

    kind: ClassVar[Kind] = "normalisation"
    layout: ClassVar[Layout] = "kept"
    sign: ClassVar[str]
    helper: ClassVar[str]

    by: Constants = Field(description="the constant, or one for each channel")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The input's own shape."""
        if not isinstance(self.by, tuple):
            return any_one(self, inputs)
        shape = only(self, inputs)
        if not shape.channels_first:
            raise ShapeError(f"{self.title()} by channel needs channels first", "`permute` them to the front first")
        if len(self.by) != shape.channels:
            raise ShapeError(f"`by` has {len(self.by)} numbers for {shape.channels} channels", argument="by")
        return shape

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The channels one by one, if each has its own constant."""
        return (Numbers(1, output.dims),) if isinstance(self.by, tuple) else ()

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0} * 0.5``, or a helper for constants that differ."""
        if isinstance(self.by, tuple):
            return Function(f"{self.keyword}_channels({{0}}, {literal(self.by)})", helper=self.helper)
        if self.sign == "+" and self.by < 0:
            return Function(f"{{0}} - {literal(-self.by)}", atomic=False)
        return Function(f"{{0}} {self.sign} {literal(self.by)}", atomic=False)

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``scale by 0.5``."""
        return self.title() if isinstance(self.by, tuple) else f"{self.title()} by {self.by:g}"
