"""ONNX's operators that reshape, slice or concatenate tensors."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.onnx.lowering import Lowering, Rule, refuse
from archspec.importers.onnx.messages import Node
from archspec.importers.onnx.values import BATCH, Extent, Step, Value

ENDLESS = 2**31 - 2
"""An end from this number on means the end of the axis."""


def view(lowering: Lowering, source: int, wanted: Sequence[int]) -> Step:
    """A value reshaped to the sizes ``wanted``, without the batch; raises :class:`Fault`.

    Unchanged axes at the end keep their names, and so their symbols; the image's other sizes become numbers here.
    """
    shape = lowering.assembly.shapes[source]
    before = [int(str(dim)) for dim in shape.dims]
    if prod(before) != prod(wanted):
        raise Fault("shape-mismatch", f"{before} does not fit {list(map(int, wanted))}")
    if before == list(wanted):
        return Step(source)
    last = len(wanted) - 1
    if 0 <= last < len(before) - 1 and before[:last] == list(wanted[:last]):
        return lowering.add("flatten", [source], start=shape.axes[last] if last else None)
    end, kept = 0, shape.axes[::-1]
    while end < min(len(before), len(wanted)) and before[-1 - end] == wanted[-1 - end] and kept[end] != "channels":
        end += 1
    entries: list[int | str] = [int(size) for size in wanted]
    for at in range(1, end + 1):
        entries[-at] = shape.axes[-at]
    lost = [axis for axis in shape.spatial_axes if axis not in entries and axis not in lowering.fixed.get(source, ())]
    if any(before[shape.axes.index(axis)] != 1 for axis in lost):
        lowering.assembly.pinned = True
    names: list[str] | None = None
    if not 1 <= len(entries) <= 4 or end == len(entries):
        names = ["channels", *(f"axis{at}" for at in range(1, len(entries)))]
        names[len(names) - end :] = shape.axes[len(shape.axes) - end :]
    found = lowering.add("reshape", [source], shape=entries, axes=names)
    axes = lowering.assembly.shapes[found.number].axes
    lowering.fixed[found.number] = {axis for axis, entry in zip(axes, entries, strict=True) if entry != axis}
    return found


def _target(lowering: Lowering, source: int, wanted: Sequence[Any], zero_keeps: bool) -> list[int]:
    """The requested sizes without the batch, which must not change; raises :class:`Fault`."""
    own = lowering.dims(source)
    if zero_keeps and any(size == 0 and at >= len(own) for at, size in enumerate(wanted)):
        raise Fault("wrong-value", f"{list(map(int, wanted))} are not sizes")
    dims = [own[at] if size == 0 and zero_keeps else size for at, size in enumerate(wanted)]
    if not dims or any(size < -1 or size == 0 for size in dims) or dims.count(-1) > 1:
        raise Fault("wrong-value", f"{list(map(int, wanted))} are not sizes")
    first, rest = dims[0], dims[1:]
    total = prod(own[1:])
    given = prod(size for size in rest if size != -1)
    batch = isinstance(first, Extent) and first.of == BATCH
    if -1 in rest:
        if total % given:
            raise Fault("shape-mismatch", f"{list(map(int, own[1:]))} does not fit {list(map(int, rest))}")
        rest = [total // given if size == -1 else size for size in rest]
    elif given != total:
        raise refuse("a reshape that mixes samples of the batch is not supported")
    # torch's exporter may fix the batch at 1 inside, although the inputs leave it free.
    if not batch and first != -1 and first not in (lowering.batches or {1}):
        raise refuse("a reshape that mixes samples of the batch is not supported")
    return [int(size) for size in rest]


def _reshape(lowering: Lowering, node: Node) -> Value:
    source, wanted = lowering.step(node), lowering.numbers(node, 1)
    if wanted is None:
        raise Fault("wrong-value", "its sizes are missing")
    return view(lowering, source, _target(lowering, source, wanted.wholes, not node.attributes.get("allowzero", 0)))


def _flatten(lowering: Lowering, node: Node) -> Value:
    if node.attributes.get("axis", 1) not in (1, 1 - len(lowering.dims(lowering.step(node)))):
        raise refuse("flattening across the batch is not supported")
    source = lowering.step(node)
    return view(lowering, source, [prod(map(int, lowering.dims(source)[1:]))])


def _axes(lowering: Lowering, node: Node, at: int, count: int) -> list[int] | None:
    """The axes that a node names, as an attribute or an input, counted from the front; None for all."""
    given = lowering.numbers(node, at)
    found = node.attributes.get("axes") if given is None else given.wholes
    if found is None:
        return None
    if any(not -count <= axis < count for axis in found):
        raise Fault("wrong-value", f"there are {count} axes")
    return [axis % count for axis in found]


def _squeeze(lowering: Lowering, node: Node) -> Value:
    source = lowering.step(node)
    own = lowering.dims(source)
    axes = _axes(lowering, node, 1, len(own))
    if axes is None:
        axes = [at for at, size in enumerate(own) if at and size == 1]
    if 0 in axes or any(own[at] != 1 for at in axes):
        raise refuse("only axes of size 1 after the batch can be removed")
    return view(lowering, source, [int(size) for at, size in enumerate(own) if at and at not in axes])


def _unsqueeze(lowering: Lowering, node: Node) -> Value:
    source = lowering.step(node)
    own: list[int] = [int(size) for size in lowering.dims(source)]
    given = lowering.numbers(node, 1)
    found = node.attributes.get("axes", []) if given is None else given.wholes
    for axis in sorted(axis % (len(own) + len(found)) for axis in found):
        if axis == 0:
            raise refuse("a new axis before the batch is not supported")
        own.insert(axis, 1)
    return view(lowering, source, own[1:])


def _transpose(lowering: Lowering, node: Node) -> Value:
    source = lowering.step(node)
    axes = lowering.assembly.shapes[source].axes
    order = node.attributes.get("perm") or list(range(len(axes), -1, -1))
    if sorted(order) != list(range(len(axes) + 1)):
        raise Fault("wrong-value", f"`perm` must be an order of {len(axes) + 1} axes")
    if order[0] != 0:
        raise refuse("moving the batch axis is not supported")
    if order == sorted(order):
        return Step(source)
    found = lowering.add("permute", [source], axes=tuple(axes[at - 1] for at in order[1:]))
    lowering.fixed[found.number] = lowering.fixed.get(source, set())
    return found


def axis_of(lowering: Lowering, source: int, at: int) -> str:
    """The name of an axis; raises :class:`Fault` for the batch."""
    axes = lowering.assembly.shapes[source].axes
    if not -len(axes) - 1 <= at <= len(axes):
        raise Fault("wrong-value", f"there is no axis {at}")
    at %= len(axes) + 1
    if at == 0:
        raise refuse("the batch axis is not supported")
    return axes[at - 1]


def _concat(lowering: Lowering, node: Node) -> Value:
    reads = [lowering.step(node, at) for at in range(len(node.inputs))]
    if len(reads) == 1:
        return Step(reads[0])
    return lowering.add("concat", reads, axis=axis_of(lowering, reads[0], node.attributes["axis"]))


def _split(lowering: Lowering, node: Node) -> list[Value]:
    source = lowering.step(node)
    axis = axis_of(lowering, source, node.attributes.get("axis", 0))
    shape = lowering.assembly.shapes[source]
    whole = int(str(shape.dims[shape.axes.index(axis)]))
    given = lowering.numbers(node, 1)
    sizes = node.attributes.get("split") if given is None else given.wholes
    count = len(node.outputs)
    if sizes is None:
        part = -(-whole // count)
        sizes = [part] * (count - 1) + [whole - part * (count - 1)]
    if axis != "channels":
        lowering.assembly.pinned = True
    if len(sizes) != count or min(sizes) < 1 or sum(sizes) != whole:
        raise Fault("shape-mismatch", f"{whole} cannot be divided into {list(sizes)}")
    if count == 1:
        return [Step(source)]
    return [
        lowering.add("split", [source], sizes=list(sizes), index=index, axis=axis)
        if name and lowering.readers[name]
        else Step(source)
        for index, name in enumerate(node.outputs)
    ]


def _slice(lowering: Lowering, node: Node) -> Value:
    source = lowering.step(node)
    if len(node.inputs) > 1:
        given = [lowering.numbers(node, at) for at in range(1, 5)]
        starts, ends, axes, steps = (None if one is None else one.wholes for one in given)
    else:
        starts, ends, axes, steps = (node.attributes.get(name) for name in ("starts", "ends", "axes", "steps"))
    if starts is None or ends is None:
        raise Fault("wrong-value", "its starts or ends are missing")
    axes = axes if axes is not None else range(len(starts))
    if not len(starts) == len(ends) == len(axes):
        raise Fault("wrong-value", "its starts, ends and axes differ in number")
    if any(step != 1 for step in steps or ()):
        raise refuse("steps other than 1 are not supported")
    value = source
    for axis, start, end in zip(axes, starts, ends, strict=True):
        value = _cut(lowering, value, axis, start, end)
    return Step(value)


def _cut(lowering: Lowering, source: int, axis: int, start: int, end: int) -> int:
    name = axis_of(lowering, source, axis)
    shape = lowering.assembly.shapes[source]
    size = int(str(shape.dims[shape.axes.index(name)]))
    first = min(start + size if start < 0 else start, size)
    last = min(end + size if end < 0 else end, size)
    if last <= first:
        raise Fault("shape-mismatch", f"rows {first} to {last} of {size} are empty")
    if (first, last) == (0, size) and (end >= ENDLESS or not isinstance(end, Extent)):
        return source
    whole = end >= ENDLESS or (isinstance(end, Extent) and end.of.number is not None and int(end) >= size)
    if name == "channels" or (start >= 0 and (whole or (not isinstance(end, Extent) and end >= 0))):
        return lowering.add(
            "slice", [source], axis=name, start=int(first), length=None if whole else int(last - first)
        ).number
    if end < 0 and not isinstance(end, Extent) and start >= 0 and shape.channels_first:
        amount = [[int(first), -end] if axis == name else [0, 0] for axis in shape.spatial_axes]
        return lowering.add("crop", [source], amount=amount).number
    lowering.assembly.pinned = True
    return lowering.add("slice", [source], axis=name, start=int(first), length=int(last - first)).number


def _gather(lowering: Lowering, node: Node) -> Value:
    """One index of an axis, which is removed."""
    source, places = lowering.step(node), lowering.numbers(node, 1)
    place = places.wholes[0] if places is not None and len(places.values) == 1 else None
    if place is None or places is None:
        raise refuse("only a single index is supported")
    at = node.attributes.get("axis", 0)
    name = axis_of(lowering, source, at)
    own = lowering.dims(source)
    at %= len(own)
    row = lowering.add("slice", [source], axis=name, start=int(place) % own[at], length=1).number
    if places.dims:
        return Step(row)
    return view(lowering, row, [int(size) for index, size in enumerate(own) if index not in (0, at)])


def _pad(lowering: Lowering, node: Node) -> Value:
    source = lowering.step(node)
    given, value = lowering.numbers(node, 1), lowering.numbers(node, 2)
    pads = node.attributes.get("pads") if given is None else given.wholes
    filled = node.attributes.get("value", 0.0) if value is None else value.scalar
    count = len(lowering.dims(source))
    axes = _axes(lowering, node, 3, count) or list(range(count))
    if pads is None or len(pads) != 2 * len(axes):
        raise Fault("wrong-value", f"{len(axes)} axes need {2 * len(axes)} numbers")
    sides = {axis: [int(pads[at]), int(pads[at + len(axes)])] for at, axis in enumerate(axes)}
    if any(isinstance(pad, Extent) for pad in pads):
        lowering.assembly.pinned = True
    if min(min(pair) for pair in sides.values()) < 0:
        raise refuse("negative padding is not supported")
    if any(sides.get(0, (0, 0))):
        raise refuse("padding the batch is not supported")
    if not any(any(pair) for pair in sides.values()):
        return Step(source)
    modes = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    mode = modes.get(node.attributes.get("mode", "constant"))
    if mode is None:
        raise Fault("wrong-value", f"`mode` must be one of {', '.join(modes)}")
    arguments: dict[str, Any] = {"amount": [sides.get(axis, [0, 0]) for axis in range(2, count)], "mode": mode}
    if any(sides.get(1, (0, 0))):
        arguments["channels"] = sides[1]
    if mode == "constant" and filled:
        arguments["value"] = filled
    amount = arguments["amount"]
    if all(pair == [pair[0]] * 2 for pair in amount):
        arguments["amount"] = [pair[0] for pair in amount]
        if len(set(arguments["amount"])) == 1:
            arguments["amount"] = arguments["amount"][0]
    return lowering.add("pad", [source], **arguments)


def _reduce_mean(lowering: Lowering, node: Node) -> Value:
    source = lowering.step(node)
    shape = lowering.assembly.shapes[source]
    axes = _axes(lowering, node, 1, len(shape.axes) + 1)
    if axes is None or 0 in axes:
        raise refuse("a mean over the batch is not supported")
    kept = bool(node.attributes.get("keepdims", 1))
    names = [shape.axes[axis - 1] for axis in sorted(axes)]
    if names == list(shape.spatial_axes) and shape.channels_first and names:
        value = lowering.add("global_avg_pool", [source])
        return value if kept else lowering.add("flatten", [value.number])
    return lowering.add("mean", [source], axes=names, keepdim=kept)


def _global(op: str) -> Rule:
    return lambda lowering, node: lowering.add(op, [lowering.step(node)])


def _depth_to_space(lowering: Lowering, node: Node) -> Value:
    if node.attributes.get("mode", "DCR") != "CRD":
        raise refuse("only `mode: CRD` is supported")
    return lowering.add("pixel_shuffle", [lowering.step(node)], factor=node.attributes["blocksize"])


def _cast(lowering: Lowering, node: Node) -> Value:
    if node.attributes["to"] not in (1, 10, 11, 16):
        raise refuse("casting a tensor of the network to whole numbers is not supported")
    return lowering.given(node)


RULES: dict[str, Rule] = {
    "Cast": _cast,
    "Concat": _concat,
    "DepthToSpace": _depth_to_space,
    "Flatten": _flatten,
    "Gather": _gather,
    "GlobalAveragePool": _global("global_avg_pool"),
    "GlobalMaxPool": _global("global_max_pool"),
    "Pad": _pad,
    "ReduceMean": _reduce_mean,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""The translation rule of each operator."""
