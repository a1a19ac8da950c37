"""Keeps what has no counterpart: the module around such a call becomes one opaque call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import SpecError
from archspec.importers.network import Frame, Layer
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import AXES, Lowering, Rule
from archspec.importers.torch_module.trace import Call, Trace, Value, tensors

if TYPE_CHECKING:
    from torch import nn

OPAQUE = "opaque"
"""The name of an opaque call."""
MOST_DIVIDED = 64
"""The largest number by which an axis of the input may be divided."""


def lowered_opaque(trace: Trace, lowered: Callable[[Trace], Lowering]) -> tuple[Lowering, list[Layer]]:
    """The layers of a trace, what has no counterpart as opaque ones.

    Raises :class:`SpecError` for what cannot be one step: a function of the network itself with several outputs.
    """
    while True:
        lowering = lowered(trace)
        try:
            return lowering, lowering.run()
        except SpecError:
            targets = [_target(call) for call in lowering.refused]
            if any(target is None for target in targets):
                raise
            trace = _hidden(trace, [target for target in targets if target is not None])


def _target(call: Call) -> Call | Frame | None:
    """What becomes opaque for a call without counterpart: the call of a layer, the module around it, or the function.

    None if it is an opaque step of the network itself.
    """
    if call.module is not None:
        return call
    if call.frame.parent is not None:
        return call.frame
    return None if call.what == OPAQUE else call


def _hidden(trace: Trace, targets: Sequence[Call | Frame]) -> Trace:
    """The trace with each target as one opaque call."""
    calls = list(trace.calls)
    frames = {id(target) for target in targets if isinstance(target, Frame)}
    single = {id(target) for target in targets if isinstance(target, Call)}
    found: list[Call] = []
    position = 0
    while position < len(calls):
        call = calls[position]
        frame = next((each for each in reversed(list(_around(call.frame))) if id(each) in frames), None)
        if frame is None:
            found.append(_one(trace, call, calls[position + 1 :]) if id(call) in single else call)
            position += 1
            continue
        end = position
        while end < len(calls) and any(each is frame for each in _around(calls[end].frame)):
            end += 1
        found.append(_joined(trace, calls[position:end], calls[end:], frame))
        position = end
    return Trace(found, trace.shapes, trace.strides, trace.inputs, trace.outputs, trace.asked)


def _around(frame: Frame | None) -> Iterator[Frame]:
    """A frame and those around it, from the inside out, without the network itself."""
    while frame is not None and frame.parent is not None:
        yield frame
        frame = frame.parent


def _one(trace: Trace, call: Call, after: Sequence[Call]) -> Call:
    """A single call as an opaque one."""
    kind = type(call.module).__name__ if call.module is not None else call.what.rpartition(".")[2]
    reads = tuple(dict.fromkeys(tensors((call.arguments, call.keywords))))
    result = _given(trace, [call], after)
    return replace(call, what=OPAQUE, module=None, arguments=reads, keywords={"type": kind}, results=result)


def _joined(trace: Trace, inside: Sequence[Call], after: Sequence[Call], frame: Frame) -> Call:
    """All calls of one call of a module as an opaque one."""
    made = {value.number for call in inside for value in tensors(call.results)}
    reads = [value for call in inside for value in tensors((call.arguments, call.keywords))]
    outside = tuple(dict.fromkeys(value for value in reads if value.number not in made))
    given, training = _given(trace, inside, after), all(call.training for call in inside)
    keywords = {"type": frame.kind}
    around = frame.parent or frame
    place, asked = inside[0].place, inside[-1].asked
    return Call(OPAQUE, None, frame.path, around, outside, keywords, given, place, training, asked)


def _given(trace: Trace, inside: Sequence[Call], after: Sequence[Call]) -> Any:
    """What some calls make and later ones or the outputs read: one value, or several."""
    made = {value.number for call in inside for value in tensors(call.results)}
    later = [value for call in after for value in tensors((call.arguments, call.keywords))]
    later += [value for _, output in trace.outputs for value in tensors(output)]
    given = tuple(dict.fromkeys(value for value in later if value.number in made))
    return given[0] if len(given) == 1 else given


def rule(module: nn.Module, weights: Collection[str]) -> Rule:
    """The rule for opaque calls of parts of a module; ``weights`` are the keys of its ``state_dict``."""

    def opaque(lowering: Lowering, call: Call) -> None:
        if not isinstance(call.results, Value) or not call.arguments:
            raise Unknown("several outputs, or no input")
        reads = [lowering.number(value) for value in call.arguments]
        number = call.result
        axes = lowering.axes[reads[0]]
        after = len(lowering.shape(number)) - 1
        axes = axes if len(axes) == after else AXES.get(after, ())
        if not axes:
            raise Unknown(f"an output of {after} axes")
        arguments: dict[str, Any] = {"type": call.keywords["type"], "shape": _shape(lowering, reads[0], number)}
        arguments["axes"] = None if axes == AXES.get(len(axes)) else axes
        arguments |= _tensors(module, call.path, weights) if call.path else {}
        lowering.add(call, "opaque", arguments, reads, number, call.path, axes=axes)

    return opaque


def _tensors(module: nn.Module, path: str, weights: Collection[str]) -> dict[str, Any]:
    part = module.get_submodule(path)
    trained = {name: list(tensor.shape) for name, tensor in part.named_parameters()}
    buffers = {
        name: list(tensor.shape) for name, tensor in part.named_buffers() if f"{path}.{name}" in weights
    }  # fmt: skip
    return {"trained": trained, "buffers": buffers}


def _shape(lowering: Lowering, source: int, number: int) -> list[int | str]:
    """The sizes of an output in terms of the first input's; raises :class:`Unknown`."""
    known = source < len(lowering.shapes[0])
    columns = list(zip(*(shapes[source][1:] for shapes in lowering.shapes), strict=True)) if known else []
    named = dict(zip(columns, lowering.axes[source], strict=True))
    if any(shapes[number][:1] != shapes[lowering.trace.inputs[0]][:1] for shapes in lowering.shapes):
        raise Unknown("another batch")
    return [
        sizes[0] if len(set(sizes)) == 1 else _entry(sizes, named)
        for sizes in zip(*(shapes[number][1:] for shapes in lowering.shapes), strict=True)
    ]


def _entry(sizes: tuple[int, ...], named: dict[tuple[int, ...], str]) -> str:
    for column, axis in named.items():
        for by in range(1, MOST_DIVIDED + 1):
            if tuple(size // by for size in column) == sizes:
                return axis if by == 1 else f"{axis} // {by}"
    raise Unknown("a size that is not one of its input's")
