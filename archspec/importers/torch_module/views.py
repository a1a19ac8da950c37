"""Translates views that part one axis into several, at any size: tokens to a map, channels to heads."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import AXES, Lowering
from archspec.importers.torch_module.trace import Call, Value

Sizes = tuple[int, ...]
"""The size of an axis at each traced size."""
INNER = {"height": "down", "width": "across", "length": "within"}
"""The name of the inner of two axes that an axis is parted into."""


def parted(lowering: Lowering, call: Call, number: int) -> bool:
    """Part one axis of a value to give a call's result; False for a view of another kind."""
    if number >= len(lowering.shapes[0]):
        return False
    axes, before, after = lowering.axes[number], _sizes(lowering, number), _sizes(lowering, call.result)
    count = len(after) - len(before) + 1
    at = next((at for at in range(len(before)) if _parts(before, after, at, count)), None)
    if count < 2 or at is None:
        return False
    axis, parts = axes[at], after[at : at + count]
    varied = sum(len(set(sizes)) > 1 for sizes in parts)
    if axis == "channels":
        names = ("parts", "heads", "channels")[-count:]
        whole = len(axes) == 1 and sum(set(sizes) != {1} for sizes in parts) < 2  # a vector as a map of one cell or row
        usual = whole or count > 3 or len(axes) > 2 or not set(names[:-1]).isdisjoint(axes)
    else:
        over = axis == "length" and {"height", "width"}.isdisjoint(axes)
        names = ("height", "width") if over else (axis, INNER.get(axis, f"{axis}_2"))
        usual = count != 2 or names[1] in axes or (not varied and _is_map(axes, at, len(after)))
    if usual:
        return False
    refers: dict[str, int] = {}
    if varied > 1:
        refers["to"] = _with(lowering, call, parts)
        arguments = {"axis": axis, "axes": None if names == ("height", "width") else names}
    else:
        sizes = tuple(one[0] if len(set(one)) == 1 else -1 for one in parts)
        arguments = {"axis": axis, "sizes": sizes if varied or axis != "channels" else (*sizes[:-1], -1), "axes": names}
    made = (*axes[:at], *names, *axes[at + 1 :])
    lowering.add(call, "unflatten", arguments, [number], call.result, refers=refers, axes=made)
    return True


def _is_map(axes: Sequence[str], at: int, count: int) -> bool:
    """Whether a view has the axes of a map, its channels first, so that `reshape` can write it."""
    return axes[0] == "channels" and at > 0 and AXES.get(count) is not None


def _sizes(lowering: Lowering, number: int) -> list[Sizes]:
    """The sizes of a value's axes, without the batch."""
    return list(zip(*(shapes[number][1:] for shapes in lowering.shapes), strict=True))


def _parts(before: Sequence[Sizes], after: Sequence[Sizes], at: int, count: int) -> bool:
    """Whether the axis at a position is parted into as many, and the others stay."""
    rest = before[:at] == after[:at] and before[at + 1 :] == after[at + count :]
    return rest and tuple(map(prod, zip(*after[at : at + count], strict=True))) == before[at]


def _with(lowering: Lowering, call: Call, parts: Sequence[Sizes]) -> int:
    """An earlier map with the sizes; raises :class:`Unknown`."""
    for known in lowering.asked(call):
        axes = lowering.axes.get(known, ())
        is_map = axes[:1] == ("channels",) and len(axes) == len(parts) + 1
        if is_map and known < len(lowering.shapes[0]) and _sizes(lowering, known)[1:] == list(parts):
            return lowering.number(Value(known))
    raise Unknown("sizes that no step has")
