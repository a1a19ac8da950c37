"""Translates views, slices and permutations of tensors, and means over axes."""

from __future__ import annotations

from math import prod
from typing import Any

from archspec.importers.torch_module import cropping, heads, matrices, standardising, views
from archspec.importers.torch_module.arithmetic import along
from archspec.importers.torch_module.functions import bound, constant
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import AXES, Lowering, Rule
from archspec.importers.torch_module.parameters import viewed
from archspec.importers.torch_module.trace import Call, Value, Varied, Weight
from archspec.ops.common.memory import is_contiguous
from archspec.ops.common.memory import view as strided


def _same(lowering: Lowering, call: Call) -> None:
    """A call that returns its input unchanged."""
    if isinstance(call.results, Value):
        if call.result != lowering.value(call.source):
            lowering.same(call.results, call.source)
        part = lowering.parts.get(lowering.value(call.source))
        if part is not None:
            lowering.parts[call.result] = part


def _contiguous(lowering: Lowering, call: Call) -> None:
    """A copy of what is permuted, unless every call that reads it makes one in any case."""
    source, result = call.source, call.result
    if isinstance(source, Value):
        sizes, strides = lowering.shape(source.number), lowering.trace.strides[source.number]
        views = [one.result for one in lowering.readers(result) if RULES.get(one.what) is _reshape]
        copied = len(views) == len(lowering.readers(result)) > 0 and all(
            strided(sizes, strides, lowering.shape(one)) is None for one in views
        )
        if not copied and not is_contiguous(sizes, strides) and heads.of(lowering, source) is None:
            number = lowering.number(source)
            lowering.add(call, "contiguous", {}, [number], result)
            return
    _same(lowering, call)


def _dims(lowering: Lowering, number: int, at: int) -> tuple[int, ...]:
    """The sizes of one axis of a value at all traced sizes."""
    if number >= len(lowering.shapes[0]):
        raise Unknown("a part of a part")
    return tuple(shapes[number][at] for shapes in lowering.shapes)


def _reshape(lowering: Lowering, call: Call) -> None:
    """Any view: its kind follows from the sizes before and after."""
    source, result = call.source, call.result
    if isinstance(source, Weight):
        viewed(lowering, call, source)
        return
    before, after = lowering.shape(lowering.value(source)), lowering.shape(result)
    if standardising.reshape(lowering, call) or heads.follow(lowering, call, after):
        return
    kept = lowering.parts.get(lowering.value(source))
    if kept is not None and kept[0] == "shuffled":
        origin = kept[1]
        if all(shapes[origin] == shapes[result] for shapes in lowering.shapes):
            lowering.add(call, "channel_shuffle", {"groups": kept[2]}, [origin], result, axes=lowering.axes[origin])
            return
    if len(after) == len(before) + 1 >= 4 and before[1] == after[1] * after[2] and before[2:] == after[3:]:
        lowering.parts[result] = ("groups", lowering.number(source), after[1])
        lowering.later(result, lambda: _view(lowering, call))
        return
    _view(lowering, call)


def _view(lowering: Lowering, call: Call) -> None:
    source, result = call.source, call.result
    number = lowering.number(source)
    before, after = lowering.shape(number), lowering.shape(result)
    if all(shapes[number] == shapes[result] for shapes in lowering.shapes):
        lowering.same(call.results, source)
        return
    if any(shapes[number][0] != shapes[result][0] for shapes in lowering.shapes):
        raise Unknown("a different batch size")
    axes = lowering.axes[number]
    common = 1
    while common < min(len(after) - 1, len(before)) and _dims(lowering, number, common) == _dims(
        lowering, result, common
    ):
        common += 1
    if len(after) == common + 1 and len(before) > len(after):
        start = {} if common == 1 else {"start": axes[common - 1]}
        flat = axes[: common - 1] + (("channels",) if "channels" not in axes[: common - 1] else ("length",))
        lowering.add(call, "flatten", start, [number], result, axes=flat)
        return
    _reaxed(lowering, call, number)


def _permute(lowering: Lowering, call: Call) -> None:
    given = (call.keywords["dims"],) if "dims" in call.keywords else call.arguments[1:]
    order = given[0] if len(given) == 1 and isinstance(given[0], tuple) else given
    _ordered(lowering, call, [constant(dim, "an order") for dim in order])


def _transpose(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "dim0", "dim1"))
    count = len(lowering.shape(lowering.value(given["input"])))
    order = list(range(count))
    one, other = given["dim0"] % count, given["dim1"] % count
    order[one], order[other] = other, one
    kept = lowering.parts.get(lowering.value(given["input"]))
    if kept is not None and kept[0] == "groups" and {one, other} == {1, 2}:
        lowering.parts[call.result] = ("shuffled", *kept[1:])
        lowering.later(call.result, lambda: _ordered(lowering, call, order))
        return
    _ordered(lowering, call, order)


def _movedim(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "source", "destination"))
    count = len(lowering.shape(lowering.value(given["input"])))
    source, target = given["source"], given["destination"]
    if not isinstance(source, int) or not isinstance(target, int):
        raise Unknown("several axes at once")
    order = [axis for axis in range(count) if axis != source % count]
    order.insert(target % count, source % count)
    _ordered(lowering, call, order)


def _ordered(lowering: Lowering, call: Call, order: list[int]) -> None:
    if heads.order(lowering, call, order) or matrices.turn(lowering, call, order):
        return
    number = lowering.number(call.source)
    axes = lowering.axes[number]
    order = [dim % (len(axes) + 1) for dim in order]
    if order == list(range(len(order))):
        lowering.same(call.results, call.source)
        return
    if order[0] != 0:
        raise Unknown("a different batch axis")
    names = tuple(axes[dim - 1] for dim in order[1:])
    lowering.add(call, "permute", {"axes": names}, [number], call.result, axes=names)


def _mean(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "dim", "keepdim"), dim=None, keepdim=False, dtype=None)
    number = lowering.number(given["input"])
    axes, count = lowering.axes[number], len(lowering.shape(number))
    dims = given["dim"] if isinstance(given["dim"], tuple) else (given["dim"],)
    whole = None not in dims and {dim % count for dim in dims} == set(range(2, count)) and axes[0] == "channels"
    if not whole or count < 3 or given["dtype"] is not None:
        along(lowering, call, "mean", given)
        return
    if given["keepdim"]:
        lowering.add(call, "global_avg_pool", {}, [number], call.result)
        return
    pooled = lowering.fresh(axes)
    lowering.add(call, "global_avg_pool", {}, [number], pooled)
    lowering.add(call, "flatten", {}, [pooled], call.result, axes=("channels",))


def _chunk(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "chunks", "dim"), dim=0)
    number = lowering.number(given["input"])
    axis = lowering.axis(number, given["dim"])
    for index, part in enumerate(call.results):
        arguments = {"chunks": given["chunks"], "index": index, "axis": axis}
        lowering.later(part.number, _part(lowering, call, "chunk", arguments, number, part.number))


def _split(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "split_size_or_sections", "dim"), dim=0, split_size=None)
    number = lowering.number(given["input"])
    axis = lowering.axis(number, given["dim"])
    at = lowering.axes[number].index(axis) + 1
    columns = [_dims(lowering, part.number, at) for part in call.results]
    if any(len(set(column)) != 1 for column in columns):
        raise Unknown("parts that vary with the size")
    for index, part in enumerate(call.results):
        arguments = {"sizes": tuple(column[0] for column in columns), "index": index, "axis": axis}
        lowering.later(part.number, _part(lowering, call, "split", arguments, number, part.number))


def _part(lowering: Lowering, call: Call, op: str, arguments: dict[str, Any], source: int, result: int) -> Any:
    """A function that makes one part when it is first read."""
    lowering.axes[result] = lowering.axes[source]
    return lambda: lowering.add(call, op, arguments, [source], result)


def _index(lowering: Lowering, call: Call) -> None:
    """Indexing by slices, numbers and ``None``."""
    source, given = call.arguments
    given = given if isinstance(given, tuple) else (given,)
    if isinstance(source, Weight) and all(one in (None, Ellipsis, slice(None)) for one in given):
        viewed(lowering, call, source)
        return
    if len(given) == 1 and isinstance(given[0], int) and heads.select(lowering, call, given[0]):
        return
    count = len(lowering.shape(lowering.value(source)))
    if any(one is Ellipsis for one in given):
        at = next(index for index, one in enumerate(given) if one is Ellipsis)
        real = sum(one is not None for one in given) - 1
        given = (*given[:at], *(slice(None),) * (count - real), *given[at + 1 :])
    axis, cuts, dropped = 0, [], []
    for one in given:
        if one is None:
            dropped.append(None)
            continue
        if isinstance(one, slice):
            if (one.start, one.stop, one.step) != (None, None, None) or (one.start or 0) != 0:
                cuts.append((axis, one.start or 0, one.stop, one.step))
        elif isinstance(one, int) and not isinstance(one, bool):
            cuts.append((axis, one, one + 1, None))
            dropped.append(axis)
        else:
            raise Unknown("an index that is a tensor")
        axis += 1
    plain = not dropped
    if plain and any(isinstance(bound_, Varied) for cut in cuts for bound_ in cut[1:3]):
        known = lowering.value(source)
        cropping.cut(lowering, call, known, {cut[0]: cropping.rows(lowering, known, *cut) for cut in cuts})
        return
    number = lowering.number(source)
    for at, (dim, start, stop, step) in enumerate(cuts):
        last = plain and at == len(cuts) - 1
        result = call.result if last else lowering.fresh(lowering.axes[number])
        _cut(lowering, call, number, result, dim, start, stop, step)
        number = result
    if plain:
        if not cuts:
            lowering.same(call.results, source)
        return
    if None not in dropped and len(dropped) == 1:  # one index of an axis: `unsqueeze` may restore the axis
        lowering.parts[call.result] = ("row", number, dropped[0])
    lowering.later(call.result, lambda: _reaxed(lowering, call, number))


def _reaxed(lowering: Lowering, call: Call, number: int) -> None:
    """A reshape: sizes that vary must be those of existing axes."""
    result = call.result
    count = len(lowering.shape(result)) - 1
    if count == 1:
        lowering.add(call, "flatten", {}, [number], result, axes=("channels",))
        return
    names = _grouped(lowering, number, result) or AXES.get(count)
    if views.parted(lowering, call, number):
        return
    if names is None:
        raise Unknown(f"a view of {count} axes")
    before = {_dims(lowering, number, at): axis for at, axis in reversed(list(enumerate(lowering.axes[number], 1)))}
    entries: list[int | str] = []
    for at in range(1, count + 1):
        sizes = _dims(lowering, result, at)
        if len(set(sizes)) > 1 and sizes not in before:
            raise Unknown("a view whose sizes are products of the input's")
        entries.append(sizes[0] if len(set(sizes)) == 1 else before[sizes])
    arguments = {"shape": tuple(entries), "axes": None if names == AXES.get(count) else names}
    lowering.add(call, "reshape", arguments, [number], result, axes=names)


def _grouped(lowering: Lowering, number: int, result: int) -> tuple[str, ...] | None:
    """The axes of a map whose channels are split into groups; None for any other view."""
    axes = lowering.axes[number]
    before, after = lowering.shape(number), lowering.shape(result)
    if axes[:1] == ("channels",) and len(before) >= 4 and len(after) == len(before) + 1 and before[2:] == after[3:]:
        return ("groups", *axes)
    return None


def _cut(lowering: Lowering, call: Call, number: int, result: int, dim: int, start: Any, stop: Any, step: Any) -> None:
    axis = lowering.axis(number, dim)
    if step not in (None, 1):
        raise Unknown("a step other than 1")
    if isinstance(start, Varied) or start < 0:
        raise Unknown("a start that varies or is counted from the end")
    arguments: dict[str, Any] = {"axis": axis, "start": start}
    if isinstance(stop, Varied):
        raise Unknown("an end that varies")
    if stop is not None and stop < 0:
        if start == 0 and axis != "channels":
            names = lowering.axes[number][1:]
            amount = [[0, -stop if name == axis else 0] for name in names]
            lowering.add(call, "crop", {"amount": amount}, [number], result)
            return
        sizes = _dims(lowering, number, dim)
        if len(set(sizes)) != 1:
            raise Unknown("an end that is counted from the end")
        stop += sizes[0]
    if stop is not None and stop < 2**31:
        arguments["length"] = stop - start
    lowering.add(call, "slice", arguments, [number], result)


def _narrow(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "dim", "start", "length"))
    start, length = given["start"], given["length"]
    if isinstance(start, Varied) or isinstance(length, Varied):
        number = lowering.value(given["input"])
        size = len(lowering.shapes)
        starts, lengths = cropping.each(start, size), cropping.each(length, size)
        at = given["dim"] % len(lowering.shape(number))
        cropping.cut(lowering, call, number, {at: tuple(zip(starts, lengths, strict=True))})
        return
    number = lowering.number(given["input"])
    _cut(lowering, call, number, call.result, given["dim"], start, start + length, None)


def _squeeze(lowering: Lowering, call: Call) -> None:
    if isinstance(call.source, Weight):
        viewed(lowering, call, call.source)
        return
    number = lowering.number(call.source)
    if lowering.shape(number) == lowering.shape(call.result):
        lowering.same(call.results, call.source)
        return
    before, after = lowering.shape(number), lowering.shape(call.result)
    if len(after) == 2 and before[1] == after[1] and prod(before[2:]) == 1:
        lowering.add(call, "flatten", {}, [number], call.result, axes=("channels",))
        return
    _reaxed(lowering, call, number)


def _unsqueeze(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "dim"))
    if isinstance(given["input"], Weight):
        viewed(lowering, call, given["input"])
        return
    kept = lowering.parts.get(lowering.value(given["input"]))
    count = len(lowering.shape(call.result))
    if kept is not None and kept[0] == "row" and kept[2] == given["dim"] % count:
        lowering.kept.pop(lowering.value(given["input"]), None)
        lowering.same(call.results, Value(kept[1]))
        return
    _reaxed(lowering, call, lowering.number(given["input"]))


def _both(rule: Rule, *names: str) -> dict[str, Rule]:
    return {f"{origin}{name}": rule for name in names for origin in ("torch.Tensor.", "torch.")}


RULES: dict[str, Rule] = {
    **_both(_contiguous, "contiguous"),
    **_both(_same, "clone", "float", "requires_grad_"),
    **_both(_reshape, "view", "reshape", "flatten", "unflatten"),
    **_both(_permute, "permute"),
    **_both(_transpose, "transpose", "swapaxes", "swapdims"),
    **_both(_movedim, "movedim", "moveaxis"),
    **_both(_mean, "mean"),
    **_both(_chunk, "chunk"),
    **_both(_split, "split", "split_with_sizes"),
    **_both(_narrow, "narrow"),
    **_both(_squeeze, "squeeze"),
    **_both(_unsqueeze, "unsqueeze"),
    "torch.Tensor.__getitem__": _index,
    "torch.functional.split": _split,
}
