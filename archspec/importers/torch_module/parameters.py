"""Parameters and buffers that a module uses by hand: in sums, products and concatenations."""

from __future__ import annotations

from typing import Any

from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import AXES, Lowering, Rule
from archspec.importers.torch_module.trace import Call, Value, Weight


def parameter(
    lowering: Lowering, call: Call, weight: Weight, axes: tuple[str, ...] | None = None, leading: bool = False
) -> int:
    """A parameter as a value with some axes; ``leading``: the first, of size 1, is the batch's.

    Raises :class:`Unknown` for a buffer that the language does not have, or without names for the axes.
    """
    if lowering.buffers.get(weight.path):
        raise Unknown(lowering.buffers[weight.path])
    shape = weight.shape[1:] if leading else weight.shape
    axes = axes or AXES.get(len(shape))
    if axes is None or len(axes) != len(shape):
        raise Unknown(f"a parameter of {len(shape)} axes")
    made = lowering.parameters.get(weight.path)
    if made is None:
        made = lowering.parameters[weight.path] = (lowering.fresh(axes), shape)
        arguments = {"shape": shape, "axes": _named(axes), "leading": leading}
        arguments["trainable"] = weight.path not in lowering.buffers
        lowering.add(call, "parameter", arguments, [], made[0], weight.path, axes=axes)
    return reshaped(lowering, call, made[0], made[1], shape, axes)


def _named(axes: tuple[str, ...]) -> tuple[str, ...] | None:
    return None if axes == AXES.get(len(axes)) else axes


def reshaped(
    lowering: Lowering, call: Call, number: int, before: tuple[int, ...], shape: tuple[int, ...], axes: tuple[str, ...]
) -> int:
    """A parameter's value with another shape and axes."""
    if before == shape and lowering.axes[number] == axes:
        return number
    made = lowering.fresh(axes)
    lowering.add(call, "reshape", {"shape": shape, "axes": _named(axes)}, [number], made, axes=axes)
    return made


def operand(lowering: Lowering, call: Call, given: Any, axes: tuple[str, ...]) -> int:
    """An operand of a merge as a value; a parameter becomes one with as many axes as the map."""
    if isinstance(given, Value):
        given = lowering.repeated.get(given.number, given)
    found = view_of(lowering, given)
    if found is None:
        return lowering.number(given)
    weight, shape = found
    rank = len(axes)
    if len(shape) > rank and set(shape[:-rank]) != {1}:
        raise Unknown(f"a parameter of {len(shape)} axes on a map of {rank}")
    if shape == weight.shape and len(shape) == rank + 1:
        return parameter(lowering, call, weight, axes, leading=True)
    shape = (*(1,) * (rank - len(shape)), *shape[-rank:])
    if shape == weight.shape:
        return parameter(lowering, call, weight, axes)
    leading = len(weight.shape) > 1 and weight.shape[0] == 1
    made = parameter(lowering, call, weight, leading=leading)
    return reshaped(lowering, call, made, weight.shape[1:] if leading else weight.shape, shape, axes)


def view_of(lowering: Lowering, given: Any) -> tuple[Weight, tuple[int, ...]] | None:
    """A parameter and the shape it is used with; None for a step's value.  Raises :class:`Unknown`."""
    if isinstance(given, Weight):
        return given, given.shape
    if not isinstance(given, Value):
        raise Unknown("a tensor that no step makes")
    return lowering.views.get(given.number)


def viewed(lowering: Lowering, call: Call, weight: Weight) -> None:
    """Note that a call gives a parameter under another shape, such as a scale for each channel of a map."""
    result = call.result
    shape = lowering.shape(result)
    lowering.views[result] = (weight, shape)
    lowering.later(result, lambda: _alone(lowering, call, weight, shape))


def _alone(lowering: Lowering, call: Call, weight: Weight, shape: tuple[int, ...]) -> None:
    """The step for a parameter under another shape that is not read by a merge."""
    axes = AXES.get(len(shape) - 1)
    if shape[0] != 1 or axes is None:
        raise Unknown("a parameter under these axes")
    made = parameter(lowering, call, weight)
    lowering.add(call, "reshape", {"shape": shape[1:]}, [made], call.result, axes=axes)


def _expand(lowering: Lowering, call: Call) -> None:
    """A map expanded along axes, which sums and products broadcast by themselves; a parameter for each sample."""
    source, result = call.source, call.results
    found = view_of(lowering, source)
    if found is not None:
        _expanded(lowering, call, *found)
        return
    if lowering.shape(lowering.value(source)) == lowering.shape(result.number):
        lowering.same(result, source)
        return
    if len(lowering.shape(source.number)) != len(lowering.shape(result.number)):
        raise Unknown("further axes")
    _repeated(lowering, result.number, source)


def _expanded(lowering: Lowering, call: Call, weight: Weight, shape: tuple[int, ...]) -> None:
    result = call.result
    after = lowering.shape(result)
    if len(after) == len(shape) and shape[0] == 1 and after[1:] == shape[1:]:
        lowering.views[result] = (weight, shape)
        lowering.later(result, lambda: _alone(lowering, call, weight, shape))
        return
    if call.what.endswith("repeat"):
        raise Unknown("rows that are repeated")
    _repeated(lowering, result, call.source)


def _repeated(lowering: Lowering, result: int, source: Value | Weight) -> None:
    lowering.repeated[result] = source

    def refuse() -> None:
        raise Unknown("rows that are repeated")

    lowering.later(result, refuse)


def _repeat(lowering: Lowering, call: Call) -> None:
    """A parameter repeated for each sample."""
    found = view_of(lowering, call.source)
    if found is None:
        raise Unknown("rows that are repeated")
    _expanded(lowering, call, *found)


RULES: dict[str, Rule] = {
    **{f"{origin}{name}": _expand for name in ("expand", "expand_as") for origin in ("torch.Tensor.", "torch.")},
    "torch.Tensor.repeat": _repeat,
}
