"""A learnt tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from archspec.ops.common.arguments import Axes, Flag, each, positive, refuse
from archspec.ops.common.base import SPATIAL, Argument, Example, Kind, Module, Op, Shape, ShapeError, Weight

BUFFER = "nn.Buffer({0})"
"""How a tensor is wrapped that is not trained."""

Sizes = Annotated[
    tuple[int, ...],
    PlainValidator(lambda value: each(value, positive, 8, "a list of sizes")),
    WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "maxItems": 8}),
]


class Parameter(Op):
    """A learnt tensor without input or batch, initialised with zeros, for example to scale a gate or a shortcut.

    It can be added to a map, or multiplied with one, that has the same axes; axes of size 1 are broadcast.
    """

    keyword: ClassVar[str] = "parameter"
    kind: ClassVar[Kind] = "parameter"
    sources: ClassVar[int] = 0
    tensors: ClassVar[tuple[str, ...]] = ("",)
    examples: ClassVar[tuple[Example, ...]] = (
        Example((), {"shape": [96, 1, 1], "init": {"constant": 1e-6}}),
        Example((), {"shape": [8]}),
        Example((), {"shape": [5, 8], "axes": ["length", "channels"], "leading": True}),
        Example((), {"shape": [4, 6], "axes": ["tokens", "channels"], "init": {"trunc_normal": {"std": 0.02}}}),
        Example((), {"shape": [3, 1, 1], "trainable": False}),
    )

    shape: Sizes = Field(description="its sizes: channels, then spatial axes, unless `axes` names others")
    axes: Axes | None = Field(None, description="names of its axes")
    leading: Flag = Field(False, description="whether the tensor has an axis of size 1 for the batch, as some have")

    trainable: Flag = Field(True, description="whether it is trained; a tensor that is not is a buffer")

    @model_validator(mode="after")
    def _axes_fit(self) -> Self:
        if self.axes is not None and len(self.axes) != len(self.shape):
            refuse(f"`axes` names {len(self.axes)} axes for {len(self.shape)} sizes")
        if not self.trainable and self.init is not None:
            refuse("`init` is for a tensor that is trained; the numbers of another are loaded")
        return self

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """Its own shape."""
        if inputs:
            raise ShapeError("a parameter takes no input")
        if self.axes is None and len(self.shape) - 1 not in SPATIAL:
            raise ShapeError(f"{len(self.shape)} axes need names", "add `axes: [channels, …]`", "shape")
        return Shape(self.shape, self.axes or ("channels", *SPATIAL[len(self.shape) - 1]), batched=False)

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """The tensor itself, which has the name of the step."""
        return (Weight("", (1, *self.shape) if self.leading else self.shape, self.trainable),)

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.Parameter(torch.zeros(96, 1, 1))``."""
        axes = self.infer(inputs).axes
        sizes = tuple(Argument(axis, size) for axis, size in zip(axes, self.shape, strict=True))
        if self.leading:
            sizes = (Argument("batch", 1), *sizes)
        wrap = "nn.Parameter({0})" if self.trainable else BUFFER
        return Module("torch.zeros", sizes, call="{module}", wrap=wrap)

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``parameter, 96×1×1``."""
        return f"{'parameter' if self.trainable else 'buffer'}, {'×'.join(str(size) for size in self.shape)}"
