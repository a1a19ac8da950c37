"""Upsampling by interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from archspec.ops.common.arguments import Flag, PerAxis, Text, above_zero, each, refuse
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
from archspec.ops.common.memory import NOTHING, Layout, Saved
from archspec.ops.common.spatial import by_axis, feature_map, times
from archspec.ops.common.windows import Nothing, Resized, Scaled, Window
from archspec.sizes import Dim, step

FINEST = 10_000
"""The largest denominator of a factor: 1.3333 has 10,000, 4/3 has 3."""


def _factor(value: object) -> int | float:
    found = above_zero(value)
    if found > FINEST or float(_exact(found)) != found:
        refuse(
            f"{found!r} is not a fraction of small numbers",
            f"write it as a fraction: `$(4 / 3)`, denominator ≤ {FINEST:,}",
        )
    return found


def _exact(factor: int | float) -> Fraction:
    """The fraction of small numbers that a factor stands for."""
    return Fraction(factor).limit_denominator(FINEST)


def _scale(value: object) -> Any:
    return (
        each(value, _factor, 3, "a factor for each spatial axis") if isinstance(value, list | tuple) else _factor(value)
    )


_FACTOR = {"type": "number", "exclusiveMinimum": 0, "maximum": FINEST}
Scale = Annotated[
    int | float | tuple[int | float, ...],
    PlainValidator(_scale),
    WithJsonSchema({"anyOf": [_FACTOR, {"type": "array", "items": _FACTOR, "minItems": 1, "maxItems": 3}]}),
]
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
"""torch's name for linear interpolation, by the number of axes."""


class Upsample(Op):
    """Resize a map by copying the nearest rows or interpolating between neighbours.

    With a factor the size is exactly floor(x·factor).  For a fractional factor the emitted code has this size, since
    torch would compute it in floating point.
    """

    keyword: ClassVar[str] = "upsample"
    kind: ClassVar[Kind] = "upsampling"
    layout: ClassVar[Layout] = "channels"
    references: ClassVar[tuple[str, ...]] = ("to",)
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(3, H, W),), {"scale": 2}),
        Example((Shape.of(3, H, W),), {"scale": [3, 2], "mode": "bilinear"}),
        Example((Shape.of(3, H, W),), {"scale": 2, "mode": "bilinear", "align_corners": True}),
        Example((Shape.of(3, H, W),), {"scale": 1.5, "mode": "bilinear"}),
        Example((Shape.of(3, H, W),), {"scale": [0.5, 2]}),
        Example((Shape.of(3, H, W),), {"scale": 2, "mode": "bicubic"}),
        Example((Shape.of(3, 6, W),), {"scale": 4 / 3, "mode": "bicubic", "align_corners": True}),
        Example((Shape.of(3, 7, 7),), {"size": [14, 21]}, Shape.of(3, 14, 21)),
        Example((Shape.of(3, H, W), Shape.of(5, 9, 11)), {"to": "skip", "mode": "linear"}, Shape.of(3, 9, 11)),
        Example((Shape.of(3, L),), {"scale": 4, "mode": "linear"}),
        Example((Shape.of(3, 2, H, W),), {"scale": 2, "mode": "trilinear"}),
        Example((Shape.of(3, 2, H, W),), {"size": 4}),
    )

    scale: Scale | None = Field(None, description="factor, one number or one for each spatial axis")
    to: Text | None = Field(None, description="the step whose size to use")
    size: PerAxis | None = Field(None, description="the output size, one number or one for each spatial axis")
    mode: Literal["nearest", "linear", "bilinear", "trilinear", "bicubic"] = Field(
        "nearest",
        description="copy the nearest row, or interpolate along every axis: linear (`bilinear`: along two) or cubic",
    )
    align_corners: Flag = Field(False, description="whether the centres of the corner pixels keep their places")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("scale", "to", "size") if getattr(self, name) is not None]
        if len(given) != 1:
            refuse("needs one of `scale`, `to` and `size`" + (f", not {' and '.join(given)}" if given else ""))
        if self.align_corners and self.mode == "nearest":
            refuse("`align_corners` cannot be used with mode `nearest`", "add `mode: bilinear`")
        return self

    @property
    def neighbours(self) -> int:
        """How many input rows an output row depends on, if its position lies between them."""
        return {"nearest": 1, "bicubic": 4}.get(self.mode, 2)

    def _mode(self, rank: int) -> str:
        return LINEAR[rank] if self.neighbours == 2 else self.mode

    def factors(self, rank: int) -> tuple[Fraction, ...]:
        """The exact factor along each spatial axis, if ``scale`` is given; raises :class:`ShapeError`."""
        assert self.scale is not None
        factors = self.scale if isinstance(self.scale, tuple) else (self.scale,) * rank
        if len(factors) != rank:
            raise ShapeError(f"`scale` has {len(factors)} numbers for {counted(rank)}", argument="scale")
        return tuple(map(_exact, factors))

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same channels, with the new size."""
        shape = feature_map(self, inputs[:1])
        if self.mode == "bicubic" and shape.rank != 2:
            raise ShapeError(f"bicubic is not for {counted(shape.rank)}", f"write `mode: {LINEAR[shape.rank]}`", "mode")
        if self.mode in ("bilinear", "trilinear") and self.mode != LINEAR[shape.rank]:
            raise ShapeError(
                f"mode {self.mode} does not work on {counted(shape.rank)}",
                f"write `mode: {LINEAR[shape.rank]}`",
                "mode",
            )
        if self.to is not None:
            if len(inputs) != 2:
                raise ShapeError(f"upsample takes an input and a reference step, not {len(inputs)} inputs")
            if feature_map(self, inputs[1:]).rank != shape.rank:
                raise ShapeError(
                    f"upsample of {counted(shape.rank)} cannot take its size from a step with {inputs[1].rank}",
                    argument="to",
                )
            return shape.with_(spatial=inputs[1].spatial)
        if self.size is not None:
            return shape.with_(spatial=per_axis(self.size, shape.rank, "size"))
        sizes: list[Dim] = []
        for name, dim, factor in zip(shape.spatial_axes, shape.spatial, self.factors(shape.rank), strict=True):
            size = step(dim, factor.numerator, 0, factor.denominator)
            if size == 0:
                raise ShapeError(f"factor {float(factor):g} leaves an empty {name}", argument="scale")
            sizes.append(size)
        return shape.with_(spatial=sizes)

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The nearest row or the two neighbours."""
        if index:
            return Nothing()
        shape = inputs[0]
        at = shape.spatial_axes.index(axis)
        source, target = shape.spatial[at], self.infer(inputs).spatial[at]
        if not self.align_corners:
            if self.scale is not None:
                factor = self.factors(shape.rank)[at]
                if factor.denominator == 1 or (isinstance(source, int) and source % factor.denominator == 0):
                    return Scaled(factor.numerator, factor.denominator, self.neighbours)
            elif isinstance(source, int) and isinstance(target, int):
                factor = Fraction(target, source)
                return Scaled(factor.numerator, factor.denominator, self.neighbours)
        return Resized(source, target, self.neighbours, self.align_corners)

    def _options(self, rank: int) -> tuple[Argument, ...]:
        return (
            Argument("mode", self._mode(rank), "mode", "nearest"),
            Argument("align_corners", True if self.align_corners else None, "align_corners", None),
        )

    def _target(self, rank: int) -> Argument | None:
        if self.size is not None:
            return by_axis("size", per_axis(self.size, rank, "size"), "size")
        if self.scale is not None:
            factors = self.factors(rank)
            if all(factor.denominator == 1 for factor in factors):
                return by_axis("scale", tuple(factor.numerator for factor in factors), "scale_factor")
        return None

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``nn.Upsample(scale_factor=2, mode="bilinear")``; None if the size comes from another tensor."""
        target = self._target(inputs[0].rank)
        return None if target is None else Module("nn.Upsample", (target, *self._options(inputs[0].rank)))

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``F.interpolate({0}, size={1}.shape[2:], mode="bilinear")``."""
        rank = inputs[0].rank
        target = self._target(rank)
        if target is not None:
            size = target.text
        elif self.to is not None:
            size = "size={1}.shape[2:]"
        else:
            sizes = [_scaled(f"{{0}}.shape[{at}]", factor) for at, factor in enumerate(self.factors(rank), 2)]
            size = f"size=({', '.join(sizes)}{',' if rank == 1 else ''})"
        given = [argument.text for argument in self._options(rank) if not argument.needless]
        return Function(f"F.interpolate({', '.join(['{0}', size, *given])})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``bilinear ↑2``; ``bilinear, /2`` where the map becomes smaller; ``nearest to 14×21``."""
        rank = inputs[0].rank
        name = self._mode(rank)
        if self.scale is not None:
            factors = self.factors(rank)
            smaller = all(factor < 1 and factor.numerator == 1 for factor in factors)
            shown = [f"{factor.denominator}" if smaller else _shown(factor) for factor in factors]
            return f"{name}{', /' if smaller else ' ↑'}{shown[0] if len(set(shown)) == 1 else '×'.join(shown)}"
        constant = [dim for dim in output.spatial if isinstance(dim, int)]
        return f"{name} to {times(constant)}" if len(constant) == rank else f"{name} resize"


def _shown(factor: Fraction) -> str:
    return f"{float(factor):g}" if 10_000 % factor.denominator == 0 else str(factor)


def _scaled(text: str, factor: Fraction) -> str:
    if factor.numerator != 1:
        text = f"{text} * {factor.numerator}"
    return text if factor.denominator == 1 else f"{text} // {factor.denominator}"
