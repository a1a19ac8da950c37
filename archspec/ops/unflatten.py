"""One axis parted into several."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated, ClassVar, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from archspec.ops.common.arguments import Axes, Axis, Text, each, integer, positive, refuse
from archspec.ops.common.base import Argument, Drawn, Example, Function, H, Kind, L, Module, Shape, ShapeError, W
from archspec.ops.common.reshaping import Reshaping
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.windows import POINTWISE, Everything, Nothing, Sliding, Window
from archspec.sizes import Condition, Dim, Equal, Residue, product, step, text


def _sizes(value: object) -> tuple[int, ...]:
    sizes = each(value, lambda entry: -1 if integer(entry) == -1 else positive(entry), 8, "a list of sizes")
    if sizes.count(-1) > 1:
        refuse("has more than one -1", "only one size may be -1")
    return sizes


Sizes = Annotated[
    tuple[int, ...],
    PlainValidator(_sizes),
    WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": -1}, "minItems": 1, "maxItems": 8}),
]


class Unflatten(Reshaping):
    """Part an axis into several, keeping the order of the elements: the inverse of `flatten`.

    With `to` their sizes are those of another step's axes, which makes a map of tokens again, at any size.
    """

    keyword: ClassVar[str] = "unflatten"
    kind: ClassVar[Kind] = "reshape"
    drawn: ClassVar[Drawn | None] = "never"
    references: ClassVar[tuple[str, ...]] = ("to",)
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            (Shape.of(6, H, W),),
            {"axis": "height", "sizes": [-1, 2], "axes": ["height", "down"]},
            Shape((6, step(H, 1, 0, 2), 2, W), ("channels", "height", "down", "width")),
        ),
        Example((Shape.of(3, product([H, W])), Shape.of(5, H, W)), {"axis": "length", "to": "skip"}, Shape.of(3, H, W)),
        Example(
            (Shape((L, 12), ("length", "channels")),),
            {"sizes": [3, 4], "axes": ["heads", "channels"]},
            Shape((L, 3, 4), ("length", "heads", "channels")),
        ),
        Example((Shape.of(3, L),), {"axis": "length", "sizes": [2, -1], "axes": ["height", "width"]}),
        Example((Shape.of(3, L),), {"axis": "length", "sizes": [4, 2], "axes": ["length", "across"]}),
        Example((Shape.of(3, L), Shape.of(5, 2, 4)), {"axis": "length", "to": "skip", "axes": ["height", "width"]}),
        Example((Shape.of(48),), {"sizes": [3, -1, 2], "axes": ["channels", "height", "width"]}, Shape.of(3, 8, 2)),
    )

    axis: Axis = Field("channels", description="the axis that is parted")
    sizes: Sizes | None = Field(None, description="the sizes of its parts; -1: the size that is left")
    to: Text | None = Field(None, description="a step that has axes of the sizes")
    axes: Axes | None = Field(None, description="names of the new axes. Default: the spatial axes of `to`")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.sizes is None) == (self.to is None):
            refuse("needs one of `sizes` and `to`" + (", not both" if self.to else ""))
        if self.sizes is not None and self.axes is None:
            refuse("needs names for the new axes", f"add `axes` with {len(self.sizes)} names")
        if self.sizes is not None and self.axes is not None and len(self.axes) != len(self.sizes):
            refuse(f"`axes` names {len(self.axes)} axes for {len(self.sizes)} sizes")
        return self

    def _parts(self, inputs: Sequence[Shape]) -> tuple[tuple[str, ...], tuple[Dim, ...]]:
        """Names and sizes of the new axes; raises :class:`ShapeError` where they cannot fit."""
        shape = inputs[0]
        whole = shape.dims[shape.position(self.axis) - 1]
        if self.sizes is None:
            other = inputs[1]
            names = self.axes or other.spatial_axes
            if not names:
                raise ShapeError("`to` needs a step that has spatial axes", "name some of its axes with `axes`", "to")
            sizes = tuple(other.dims[other.position(name) - 1] for name in names)
            self._together(sizes)
        else:
            names, known = self.axes or (), prod(size for size in self.sizes if size != -1)
            sizes = tuple(step(whole, 1, 0, known) if size == -1 else size for size in self.sizes)
        if isinstance(whole, int) and all(isinstance(size, int) for size in sizes) and self._together(sizes) != whole:
            parts = " · ".join(map(str, self.sizes or sizes))
            raise ShapeError(f"{whole} {self.axis} cannot be parted into {parts}", argument=self._given)
        return names, sizes

    @property
    def _given(self) -> str:
        return "sizes" if self.to is None else "to"

    def _together(self, sizes: Sequence[Dim]) -> Dim:
        try:
            return product(sizes)
        except ValueError:
            shown = " and ".join(text(size) for size in sizes)
            raise ShapeError(
                f"the product of {shown} is not a size that can be compared", argument=self._given
            ) from None

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The new axes in place of the one that is parted."""
        if len(inputs) != 1 + self.referred:
            raise ShapeError(f"unflatten takes one input, not {len(inputs) - self.referred}")
        shape = inputs[0]
        if not shape.batched:
            raise ShapeError("unflatten cannot take a parameter, which has no batch", "`reshape` can")
        if any(other.pooled is not None for other in inputs):
            raise ShapeError("unflatten cannot take the indices of a pool", "only `max_unpool` reads them")
        at = shape.position(self.axis) - 1
        names, sizes = self._parts(inputs)
        axes = (*shape.axes[:at], *names, *shape.axes[at + 1 :])
        for name in names:
            if axes.count(name) > 1:
                raise ShapeError(f"there would be two axes `{name}`", "name the new axes with `axes`", "axes")
        for name, size in zip(names, sizes, strict=True):
            if name == "channels" and not isinstance(size, int):
                raise ShapeError(f"the number of channels would be {text(size)}", argument="axes")
        return Shape((*shape.dims[:at], *sizes, *shape.dims[at + 1 :]), axes)

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """The axis is a multiple of the sizes that are given, or their product."""
        whole = inputs[0].dims[inputs[0].position(self.axis) - 1]
        if self.sizes is None or -1 not in self.sizes:
            parts = self._together(self._parts(inputs)[1])
            numbers = isinstance(whole, int) and isinstance(parts, int)
            return [] if parts == whole or numbers else [Equal(whole, parts, author)]
        known = prod(size for size in self.sizes if size != -1)
        return [] if isinstance(whole, int) or known == 1 else [Residue(whole, known, ((0, 0),), author)]

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The rows that lie in one of the first of the new axes, if it keeps the name; everything along another."""
        if index:
            return Nothing()
        names, sizes = self._parts(inputs)
        if axis not in names:
            return POINTWISE
        inner = [size for size in sizes[1:] if isinstance(size, int)]
        if axis == self.axis == names[0] and len(inner) == len(sizes) - 1:
            return Sliding(prod(inner), prod(inner))
        return Everything()

    def _numbers(self, inputs: Sequence[Shape]) -> tuple[int, ...]:
        """The sizes as torch is given them, where they are written down."""
        return tuple(size if isinstance(size, int) else -1 for size in self._parts(inputs)[1])

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.Unflatten(1, (3, -1))``; None if the sizes are another step's."""
        if self.to is not None:
            return None
        at = inputs[0].position(self.axis)
        return Module("nn.Unflatten", (Argument("axis", at), Argument("sizes", self._numbers(inputs))))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.unflatten(1, (3, -1))``, ``{0}.unflatten(2, {1}.shape[2:])``."""
        shape = inputs[0]
        if self.to is None:
            numbers = ", ".join(map(str, self._numbers(inputs)))
            return Function(f"{{0}}.unflatten({shape.position(self.axis)}, ({numbers}))")
        other = inputs[1]
        places = [other.position(name) for name in self._parts(inputs)[0]]
        stop = "" if places[-1] == len(other.axes) else str(places[-1] + 1)
        sizes = f"{{1}}.shape[{places[0]}:{stop}]"
        if places != list(range(places[0], places[-1] + 1)):
            sizes = f"({', '.join(f'{{1}}.shape[{place}]' for place in places)})"
        return Function(f"{{0}}.unflatten({shape.position(self.axis)}, {sizes})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``height as height×down``."""
        return f"{self.axis} as {'×'.join(self._parts(inputs)[0])}"
