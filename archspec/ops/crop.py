"""Cropping of a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from archspec.ops.common.arguments import PerAxis, PerAxisFromZero, PerSide, Text, refuse
from archspec.ops.common.base import Example, Function, H, Kind, L, Op, Shape, ShapeError, W, counted, per_axis
from archspec.ops.common.memory import NOTHING, Saved
from archspec.ops.common.runs import EVALUATION, Run
from archspec.ops.common.spatial import feature_map, pairs, times
from archspec.ops.common.windows import Centred, Nothing, Shifted, Window
from archspec.sizes import AtLeast, AtMost, Condition, Dim, step, symbol

CENTER_CROP = '''\
def center_crop(input: Tensor, size: tuple[int, ...]) -> Tensor:
    """Crop the centre of a map to a smaller size."""
    for dim, length in enumerate(size, start=2):
        input = input.narrow(dim, (input.shape[dim] - length) // 2, length)
    return input
'''


class Crop(Op):
    """Crop a map, at its centre or from an offset, to a given size or to that of another step (arXiv:1505.04597).

    The centre begins at floor((outer − inner)/2): if an odd number of rows is cut, one more is cut after than before.
    """

    keyword: ClassVar[str] = "crop"
    titled_by_size: ClassVar[bool] = True
    kind: ClassVar[Kind] = "reshape"
    permutes: ClassVar[bool] = True
    references: ClassVar[tuple[str, ...]] = ("to",)
    examples: ClassVar[tuple[Example, ...]] = (
        Example((Shape.of(64, 64, 64), Shape.of(128, 56, 56)), {"to": "previous"}, Shape.of(64, 56, 56)),
        Example((Shape.of(3, H, W), Shape.of(2, symbol("P"), symbol("Q"))), {"to": "skip"}),
        Example((Shape.of(3, H, W), Shape.of(2, symbol("P"), symbol("Q"))), {"to": "input", "offset": 2}),
        Example((Shape.of(3, H, W),), {"size": 4}),
        Example((Shape.of(3, H, W),), {"size": [4, 3], "offset": [0, 2]}),
        Example((Shape.of(3, H, W),), {"amount": 1}),
        Example((Shape.of(3, H, W),), {"amount": [[0, 2], [3, 0]]}),
        Example((Shape.of(3, L),), {"size": 2}),
        Example((Shape.of(3, 4, H, W),), {"amount": [1, 0, 1]}),
    )

    to: Text | None = Field(None, description="the step whose size to crop to")
    size: PerAxis | None = Field(None, description="the output size, one number or one for each spatial axis")
    amount: PerSide | None = Field(
        None, description="rows to cut: a number, one for each axis or [before, after] pairs"
    )
    offset: PerAxisFromZero | None = Field(None, description="where the part begins. Default: the centre")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("to", "size", "amount") if getattr(self, name) is not None]
        if len(given) != 1:
            refuse("needs one of `to`, `size` and `amount`" + (f", not {' and '.join(given)}" if given else ""))
        if self.amount is not None and self.offset is not None:
            refuse("`offset` cannot be used together with `amount`")
        return self

    def _offsets(self, rank: int) -> tuple[int, ...]:
        return (0,) * rank if self.offset is None else per_axis(self.offset, rank, "offset")

    def _inner(self, inputs: Sequence[Shape]) -> tuple[Dim, ...]:
        """The sizes to crop to, if they are given."""
        if self.to is not None:
            return inputs[1].spatial
        assert self.size is not None
        return per_axis(self.size, inputs[0].rank, "size")

    def infer(self, inputs: Sequence[Shape]) -> Shape:
        """The same channels, with the smaller size."""
        shape = feature_map(self, inputs[:1])
        names = shape.spatial_axes
        if self.amount is not None:
            cuts = [before + after for before, after in pairs(self.amount, shape.rank, "amount")]
            sizes = [step(dim, 1, -cut, 1) for dim, cut in zip(shape.spatial, cuts, strict=True)]
            for name, size, cut in zip(names, sizes, cuts, strict=True):
                if isinstance(size, int) and size < 1:
                    raise ShapeError(f"a crop by {cut} leaves an empty {name}", argument="amount")
            return shape.with_(spatial=sizes)
        if self.to is not None and feature_map(self, inputs[1:]).rank != shape.rank:
            raise ShapeError(f"crop needs a reference step with {counted(shape.rank)}", argument="to")
        inner = self._inner(inputs)
        for name, outer, size, offset in zip(names, shape.spatial, inner, self._offsets(shape.rank), strict=True):
            if isinstance(outer, int) and isinstance(size, int) and offset + size > outer:
                start = f" from {offset} on" if offset else ""
                raise ShapeError(f"a {name} of {size}{start} cannot be cropped out of {outer}")
        return shape.with_(spatial=inner)

    def conditions(self, inputs: Sequence[Shape], author: object, run: Run = EVALUATION) -> list[Condition]:
        """The part must lie inside the map."""
        if self.amount is not None:
            return []
        found: list[Condition] = []
        axes = zip(inputs[0].spatial, self._inner(inputs), self._offsets(inputs[0].rank), strict=True)
        for outer, inner, offset in axes:
            end = step(inner, 1, offset, 1)
            if isinstance(end, int):
                found += [] if isinstance(outer, int) else [AtLeast(outer, end, author)]
            else:
                found.append(AtMost(end, outer, author))
        return found

    def window(self, inputs: Sequence[Shape], index: int, axis: str) -> Window:
        """A shift by the number of rows cut at the beginning."""
        if index:
            return Nothing()
        at = inputs[0].spatial_axes.index(axis)
        if self.amount is not None:
            return Shifted(pairs(self.amount, inputs[0].rank, "amount")[at][0])
        if self.offset is not None:
            return Shifted(self._offsets(inputs[0].rank)[at])
        outer, inner = inputs[0].spatial[at], self._inner(inputs)[at]
        if isinstance(outer, int) and isinstance(inner, int):
            return Shifted((outer - inner) // 2)
        return Centred(outer, inner)

    def aliases(self, inputs: Sequence[Shape], training: bool = False) -> int | None:
        """A view."""
        return 0

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """Nothing."""
        return NOTHING

    def function(self, inputs: Sequence[Shape]) -> Function | None:
        """``center_crop({0}, {1}.shape[2:])``."""
        rank = inputs[0].rank
        if self.amount is not None:
            cuts = pairs(self.amount, rank, "amount")
            slices = [f"{before or ''}:{-after if after else ''}" for before, after in cuts]
            return Function(f"{{0}}[{', '.join([':', ':', *slices])}]")
        if self.size is None:
            lengths = [f"{{1}}.shape[{dim}]" for dim in range(2, rank + 2)]
        else:
            lengths = [str(length) for length in per_axis(self.size, rank, "size")]
        if self.offset is None:
            size = "{1}.shape[2:]" if self.size is None else f"({', '.join(lengths)}{',' if rank == 1 else ''})"
            return Function(f"center_crop({{0}}, {size})", helper=CENTER_CROP)
        narrowed = zip(range(2, rank + 2), self._offsets(rank), lengths, strict=True)
        return Function("{0}" + "".join(f".narrow({dim}, {start}, {length})" for dim, start, length in narrowed))

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``crop to 56×56``."""
        constant = [dim for dim in output.spatial if isinstance(dim, int)]
        return f"crop to {times(constant)}" if len(constant) == output.rank else "crop"
