"""Sums and products of tensors, with constants and with tensors of the file."""

from __future__ import annotations

from math import prod
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.onnx.lowering import Lowering, Rule, refuse
from archspec.importers.onnx.messages import Node, Stored
from archspec.importers.onnx.values import Known, Step, Value


def _single(lowering: Lowering, value: Value) -> Any:
    """The number of a scalar constant; None for any other value."""
    if isinstance(value, Step) or (isinstance(value, Stored) and prod(value.dims) != 1):
        return None
    found = lowering.known(value)
    one = found.scalar if found is not None else None
    return int(one) if isinstance(one, float) and one.is_integer() else one


def _parameter(lowering: Lowering, value: Value, axes: tuple[str, ...]) -> int:
    """A tensor of the file as a parameter, with as many axes as the map it is combined with."""
    stored = value.stored if isinstance(value, Known) else value
    if not isinstance(stored, Stored):
        raise refuse("its constant is not a tensor of the file")
    dims = stored.dims
    if len(dims) > len(axes):
        if any(size != 1 for size in dims[: len(dims) - len(axes)]):
            raise refuse(f"a constant of {len(dims)} axes is not supported")
        dims = dims[len(dims) - len(axes) :]
    dims = (1,) * (len(axes) - len(dims)) + dims
    plain = axes[:1] == ("channels",)
    found = lowering.learnt("parameter", [], {"": stored}, shape=list(dims), axes=None if plain else list(axes))
    return found.number


def _merge(op: str, alone: str) -> Rule:
    """A sum or product of any number of tensors, or of one with a number."""

    def rule(lowering: Lowering, node: Node) -> Value:
        given = [lowering.given(node, at) for at in range(len(node.inputs))]
        steps = [value.number for value in given if isinstance(value, Step)]
        if not steps:
            raise refuse("its constants are too large to be computed here")
        if len(given) == 2 and len(steps) == 1:
            number = _single(lowering, next(value for value in given if not isinstance(value, Step)))
            if number is not None:
                return _alone(lowering, alone, steps[0], number)
        shapes = lowering.assembly.shapes
        axes = max((shapes[value].axes for value in steps), key=len)
        reads = [
            _meeting(lowering, value.number, axes) if isinstance(value, Step) else _parameter(lowering, value, axes)
            for value in given
        ]
        return Step(reads[0]) if len(reads) == 1 else lowering.add(op, reads)

    return rule


def _meeting(lowering: Lowering, value: int, axes: tuple[str, ...]) -> int:
    if len(lowering.assembly.shapes[value].axes) != len(axes):
        raise refuse("its tensors have different numbers of axes")
    return value


def _alone(lowering: Lowering, op: str, value: int, number: Any) -> Step:
    if (op, number) in (("scale", 1), ("shift", 0)):
        return Step(value)
    return lowering.add(op, [value], by=number)


def _subtract(lowering: Lowering, node: Node) -> Value:
    one, other = lowering.given(node, 0), lowering.given(node, 1)
    if isinstance(one, Step) and isinstance(other, Step):
        return lowering.add("subtract", [one.number, other.number])
    if isinstance(one, Step):
        number = _single(lowering, other)
        if number is None:
            axes = lowering.assembly.shapes[one.number].axes
            return lowering.add("subtract", [one.number, _parameter(lowering, other, axes)])
        return _alone(lowering, "shift", one.number, -number)
    number = _single(lowering, one)
    if number is None or not isinstance(other, Step):
        raise refuse("subtracting from a tensor of the file is not supported")
    return _alone(lowering, "shift", lowering.add("scale", [other.number], by=-1).number, number)


def _divide(lowering: Lowering, node: Node) -> Value:
    one, other = lowering.given(node, 0), lowering.given(node, 1)
    number = None if isinstance(other, Step) else _single(lowering, other)
    if not isinstance(one, Step) or number is None:
        raise refuse("only division by a single number is supported")
    if number == 0:
        raise Fault("wrong-value", "it divides by 0")
    return _alone(lowering, "scale", one.number, 1 / number)


def _extreme(op: str, bound: str) -> Rule:
    def rule(lowering: Lowering, node: Node) -> Value:
        given = [lowering.given(node, at) for at in range(len(node.inputs))]
        steps = [value.number for value in given if isinstance(value, Step)]
        if len(steps) == len(given):
            return Step(steps[0]) if len(steps) == 1 else lowering.add(op, steps)
        number = _single(lowering, next(value for value in given if not isinstance(value, Step)))
        if len(given) != 2 or len(steps) != 1 or number is None:
            raise refuse("only comparison with a single number is supported")
        if (bound, number) == ("min", 0):
            return lowering.add("relu", steps)
        return lowering.add("clamp", steps, **{bound: number})

    return rule


def _negate(lowering: Lowering, node: Node) -> Value:
    return lowering.add("scale", [lowering.step(node)], by=-1)


RULES: dict[str, Rule] = {
    "Add": _merge("add", "shift"),
    "Div": _divide,
    "Max": _extreme("maximum", "min"),
    "Min": _extreme("minimum", "max"),
    "Mul": _merge("multiply", "scale"),
    "Neg": _negate,
    "Sub": _subtract,
    "Sum": _merge("add", "shift"),
}
"""The translation rule of each operator."""
