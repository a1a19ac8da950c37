"""Slices of a map whose sizes vary with the image: crops to the size of another step, or by fixed amounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.importers.torch_module.functions import of_size
from archspec.importers.torch_module.layers import Unknown, collapse
from archspec.importers.torch_module.lowering import Lowering
from archspec.importers.torch_module.trace import Call, Value, Varied

Rows = tuple[tuple[int, int], ...]
"""For each traced size, the start and the length of a slice."""


def each(value: Any, count: int) -> tuple[Any, ...]:
    """A number for each traced size."""
    return value.at if isinstance(value, Varied) else (value,) * count


def rows(lowering: Lowering, number: int, at: int, start: Any, stop: Any, step: Any) -> Rows:
    """The rows that a slice of one axis takes; raises :class:`Unknown` for a step other than 1."""
    if step not in (None, 1):
        raise Unknown("a step other than 1")
    count = len(lowering.shapes)
    bounds = zip(each(start, count), each(stop, count), lowering.shapes, strict=True)
    found = [slice(first, last).indices(shapes[number][at]) for first, last, shapes in bounds]
    return tuple((first, last - first) for first, last, _ in found)


def cut(lowering: Lowering, call: Call, number: int, parts: Mapping[int, Rows]) -> None:
    """Crop a map along some axes; crops of a crop are combined into one."""
    known = lowering.parts.get(number)
    origin, parts = (known[1], {**known[2], **parts}) if known is not None and known[0] == "cut" else (number, parts)
    result = call.result
    lowering.parts[result] = ("cut", origin, parts)
    lowering.later(result, lambda: _crop(lowering, call, origin, parts))


def _crop(lowering: Lowering, call: Call, origin: int, parts: Mapping[int, Rows]) -> None:
    result = call.result
    axes = lowering.axes[origin]
    if axes[:1] != ("channels",) or not all(at >= 2 for at in parts):
        raise Unknown("parts that vary with the size, of other axes than a map's")
    spatial = range(2, len(axes) + 1)
    outer = {at: tuple(shapes[origin][at] for shapes in lowering.shapes) for at in spatial}
    whole: dict[int, Rows] = {at: tuple((0, size) for size in outer[at]) for at in spatial} | dict(parts)
    before = {at: {start for start, _ in whole[at]} for at in spatial}
    after = {
        at: {size - start - length for size, (start, length) in zip(outer[at], whole[at], strict=True)}
        for at in spatial
    }
    if all(len(before[at]) == len(after[at]) == 1 for at in spatial):
        amount = [[*before[at], *after[at]] for at in spatial]
        lowering.add(call, "crop", {"amount": amount}, [lowering.number(Value(origin))], result)
        return
    centred = all(
        start == (size - length) // 2
        for at in spatial
        for size, (start, length) in zip(outer[at], whole[at], strict=True)
    )
    arguments: dict[str, Any] = {}
    if not centred:
        if any(len(before[at]) > 1 for at in spatial):
            raise Unknown("a start that varies with the size")
        arguments["offset"] = collapse([min(before[at]) for at in spatial])
    lengths = {at: {length for _, length in whole[at]} for at in spatial}
    refers: dict[str, int] = {}
    if all(len(lengths[at]) == 1 for at in spatial):
        arguments["size"] = collapse([min(lengths[at]) for at in spatial])
    else:
        refers["to"] = of_size(lowering, call)
    lowering.add(call, "crop", arguments, [lowering.number(Value(origin))], result, refers=refers)
