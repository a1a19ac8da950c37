"""Merges one module's traces at several sizes into one, in which some numbers vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from archspec.diagnostics import Diagnostic, SpecError
from archspec.importers.torch_module.trace import Call, Constant, Trace, Value, Varied, Weight, tensors


def together(traces: Sequence[Trace]) -> Trace:
    """One trace for all sizes, with numbers that differ as :class:`Varied`.

    Raises :class:`SpecError` if the module makes different calls at different sizes.
    """
    first = traces[0]
    for other in traces[1:]:
        for one, two in zip(first.calls, other.calls, strict=False):
            if not _alike(one, two):
                raise _differs(one, "the module runs other steps at another size")
            if [*tensors(one.results)] != [*tensors(two.results)]:
                raise _differs(one, "a step gives more tensors at some sizes")
        if len(first.calls) != len(other.calls):
            longer = max(first.calls, other.calls, key=len)
            raise _differs(longer[min(len(first.calls), len(other.calls))], "the module runs more steps at some sizes")
    calls = [
        replace(
            rows[0],
            arguments=_merged([row.arguments for row in rows]),
            keywords=_merged([row.keywords for row in rows]),
        )
        for rows in zip(*(trace.calls for trace in traces), strict=True)
    ]
    return Trace(calls, first.shapes, first.strides, first.inputs, first.outputs, first.asked)


def mark_training(trained: Trace, evaluated: Trace) -> dict[str, bool]:
    """Mark the calls of a training trace that evaluation lacks; returns by output name whether it is in training only.

    Raises :class:`SpecError` if evaluation makes calls that training does not.
    """
    same: dict[int, int] = dict(zip(evaluated.inputs, trained.inputs, strict=True))
    position = 0
    for call in trained.calls:
        other = evaluated.calls[position] if position < len(evaluated.calls) else None
        if other is None or not _alike(call, other) or not _reads_alike(call, other, same):
            call.training = True
            continue
        same |= {two.number: one.number for one, two in zip(tensors(call.results), tensors(other.results), strict=True)}
        position += 1
    if position < len(evaluated.calls):
        raise _differs(evaluated.calls[position], "evaluation runs a step that training does not")
    live = {same[value.number] for _, found in evaluated.outputs for value in tensors(found)}
    return {name: value.number not in live for name, found in trained.outputs for value in tensors(found)}


def _alike(one: Call, other: Call) -> bool:
    return (one.what, one.path, one.frame.path) == (other.what, other.path, other.frame.path)


def _reads_alike(one: Call, other: Call, same: dict[int, int]) -> bool:
    read = [value.number for part in (one.arguments, one.keywords) for value in tensors(part)]
    others = [same.get(value.number) for part in (other.arguments, other.keywords) for value in tensors(part)]
    return read == others


def _merged(found: Sequence[Any]) -> Any:
    """The arguments at all sizes merged into one."""
    first = found[0]
    if all(_equal(first, other) for other in found[1:]):
        return first
    if isinstance(first, Value | Weight | Constant):
        return first
    if isinstance(first, tuple) and all(isinstance(one, tuple) and len(one) == len(first) for one in found):
        return tuple(_merged(column) for column in zip(*found, strict=True))
    if isinstance(first, slice) and all(isinstance(one, slice) for one in found):
        parts = [_merged(column) for column in zip(*((one.start, one.stop, one.step) for one in found), strict=True)]
        return slice(*parts)
    if isinstance(first, dict) and all(isinstance(one, dict) and one.keys() == first.keys() for one in found):
        return {key: _merged([one[key] for one in found]) for key in first}
    return Varied(tuple(found))


def _equal(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    return bool(one == other)


def _differs(call: Call, message: str) -> SpecError:
    where = f"in `{call.frame.path}`: " if call.frame.path else ""
    hint = "give the sizes it is for; what chooses its steps by the size has no spec that is right at all sizes"
    return SpecError([Diagnostic("not-importable", f"{where}{message}: `{call.what}`", None, hint, (call.place,))])
