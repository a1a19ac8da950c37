"""Reshaping."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated, ClassVar, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from archspec.ops.common.arguments import AXIS_NAME, Axes, axis, each, integer, positive, refuse
from archspec.ops.common.base import (
    SPATIAL,
    Argument,
    Example,
    Function,
    H,
    Kind,
    L,
    Module,
    Shape,
    ShapeError,
    W,
    any_one,
)
from archspec.ops.common.reshaping import Reshaping
from archspec.ops.common.windows import POINTWISE, Everything, Window
from archspec.sizes import Dim, text

RESHAPE = '''\
class Reshape(nn.Module):
    """Reshaping of all axes but the batch."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, input: Tensor) -> Tensor:
        return input.reshape(input.shape[0], *self.shape)
'''


def _entry(value: object) -> int | str:
    if isinstance(value, str):
        return axis(value)
    return -1 if integer(value) == -1 else positive(value)


def _entries(value: object) -> tuple[int | str, ...]:
    entries = each(value, _entry, 8, "a list of sizes")
    if entries.count(-1) > 1:
        refuse("has more than one -1", "only one size may be -1")
    return entries


_ENTRY = {"anyOf": [{"type": "integer", "minimum": -1}, {"type": "string", "pattern": AXIS_NAME}]}
Entries = Annotated[
    tuple[int | str, ...],
    PlainValidator(_entries),
    WithJsonSchema({"type": "array", "items": _ENTRY, "minItems": 1, "maxItems": 8}),
]


class Reshape(Reshaping):
    """Reshape the axes, keeping the order of the elements; an axis of any size can be kept by its name.

    ``-1`` stands for the rest, which may be such an axis too.
    """

    keyword: ClassVar[str] = "reshape"
    kind: ClassVar[Kind] = "reshape"
    regroups: ClassVar[bool] = True
    pins: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(48),), {"shape": [3, 4, 4]}, Shape.of(3, 4, 4)),
        Example((Shape.of(48),), {"shape": [3, -1, 2]}, Shape.of(3, 8, 2)),
        Example((Shape.of(6, H, W),), {"shape": [2, 3, "height", "width"]}, Shape.of(2, 3, H, W)),
        Example((Shape.of(6, 4, W),), {"shape": [-1, "width"]}, Shape.of(24, W)),
        Example((Shape.of(6, H, W),), {"shape": [3, 2, "height", -1]}, Shape.of(3, 2, H, W)),
        Example(
            (Shape.of(6, L),),
            {"shape": [3, -1, "length"], "axes": ["groups", "channels", "length"]},
            Shape((3, 2, L), ("groups", "channels", "length")),
        ),
        Example(
            (Shape((6,), ("channels",), batched=False),),
            {"shape": [6, 1, 1]},
            Shape((6, 1, 1), ("channels", "height", "width"), batched=False),
        ),
    )

    shape: Entries = Field(
        description="sizes without the batch; -1: the size that is left; the name of an axis: the size of that axis"
    )
    axes: Axes | None = Field(None, description="names of the new axes. Default: channels, then spatial axes")

    @model_validator(mode="after")
    def _axes_fit(self) -> Self:
        if self.axes is not None and len(self.axes) != len(self.shape):
            refuse(f"`axes` names {len(self.axes)} axes for {len(self.shape)} sizes")
        return self

    def _entries(self, shape: Shape) -> tuple[int | str, ...]:
        """The entries, -1 as the name of a symbolic axis where it stands for that axis alone."""
        left = [axis for axis, dim in zip(shape.axes, shape.dims, strict=True)
                if not isinstance(dim, int) and axis not in self.shape]  # fmt: skip
        if -1 not in self.shape or len(left) != 1:
            return self.shape
        entries = tuple(left[0] if entry == -1 else entry for entry in self.shape)
        sizes = [shape.dims[shape.axes.index(entry)] if entry in shape.axes else entry for entry in entries]
        return entries if _products(sizes) == _products(shape.dims) else self.shape

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The requested sizes, which must have as many elements as the input; the input may be a parameter."""
        shape = any_one(self, inputs)
        entries = self._entries(shape)
        if self.axes is None and len(self.shape) - 1 not in SPATIAL:
            raise ShapeError(f"{len(self.shape)} axes need names", "add `axes: [channels, …]`", "shape")
        wanted = [shape.dims[shape.position(entry) - 1] if isinstance(entry, str) else entry for entry in entries]
        there, asked = _stretches(shape.dims), _stretches(wanted)
        kept = [dim for dim in shape.dims if not isinstance(dim, int)]
        if kept != [dim for dim in wanted if not isinstance(dim, int)]:
            raise ShapeError(
                "reshape needs numbers, or each symbolic axis kept by its name, in order", argument="shape"
            )
        for have, want in zip(there, asked, strict=True):
            count, known = prod(have), prod(size for size in want if size != -1)
            if (-1 in want and count % known) or (-1 not in want and count != known):
                raise ShapeError(
                    f"{' · '.join(str(size) for size in have) or 1} does not fit {list(want)}", None, "shape"
                )
            if -1 in want:
                wanted[wanted.index(-1)] = count // known
        axes = self.axes or ("channels", *SPATIAL[len(self.shape) - 1])
        for name, dim in zip(axes, wanted, strict=True):
            if name == "channels" and not isinstance(dim, int):
                raise ShapeError(
                    f"the number of channels would be {text(dim)}", "name the new axes with `axes`", "shape"
                )
        return Shape(tuple(wanted), axes, shape.batched)

    def pinned(self, inputs: Sequence[Shape]) -> tuple[tuple[int, str], ...]:
        """The symbolic axes that are kept neither by name nor as what is left."""
        entries = self._entries(inputs[0])
        named = zip(inputs[0].axes, inputs[0].dims, strict=True)
        return tuple((0, name) for name, dim in named if not isinstance(dim, int) and name not in entries)

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """The row itself along an axis that is kept; everything along another."""
        axes = self.infer(inputs).axes
        return POINTWISE if self._entries(inputs[0])[axes.index(axis)] == axis else Everything()

    def module(self, inputs: Sequence[Shape]) -> Module | None:
        """``Reshape(3, 4, 4)``; None if more than one size is symbolic."""
        output = self.infer(inputs)
        names = [f"size_{position}" for position in range(1, len(output.dims) + 1)]
        sizes = [dim if isinstance(dim, int) else -1 for dim in output.dims]
        if sizes.count(-1) > 1 or not output.batched:
            return None
        return Module("Reshape", tuple(map(Argument, names, sizes)), helper=RESHAPE)

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``{0}.reshape({0}.shape[0], 3, 4, 4)``."""
        shape, output = inputs[0], self.infer(inputs)
        texts = [
            str(dim) if isinstance(dim, int) else f"{{0}}.shape[{shape.position(str(entry))}]"
            for entry, dim in zip(self._entries(shape), output.dims, strict=True)
        ]
        batch = ["{0}.shape[0]"] if output.batched else []
        return Function(f"{{0}}.reshape({', '.join([*batch, *texts])})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``reshape to 3×4×4``."""
        return f"reshape to {'×'.join(text(dim) for dim in output.dims)}"


def _products(dims: Sequence[object]) -> list[object]:
    """The products of constant sizes between symbolic ones, and these."""
    found: list[object] = [1]
    for dim in dims:
        if isinstance(dim, int):
            assert isinstance(found[-1], int)
            found[-1] *= dim
        else:
            found += [dim, 1]
    return found


def _stretches(dims: Sequence[Dim]) -> list[list[int]]:
    """The constant sizes between symbolic ones."""
    found: list[list[int]] = [[]]
    for dim in dims:
        if isinstance(dim, int):
            found[-1].append(dim)
        else:
            found.append([])
    return found
