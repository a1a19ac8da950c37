"""Constant folding: computations on sizes that a file does before the network runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, floor, prod
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.onnx.lowering import Lowering, Rule, refuse
from archspec.importers.onnx.messages import Node, Stored
from archspec.importers.onnx.numbers import MOST_KNOWN
from archspec.importers.onnx.values import VARIES, Extent, Known, Origin, Step, Value

LARGEST = 2**53


def is_known(lowering: Lowering, node: Node) -> bool:
    """Whether a node reads no value of a step, and only small constants."""
    values = [lowering.values[name] for name in node.inputs if name]
    few = all(not isinstance(value, Stored) or prod(value.dims) <= MOST_KNOWN for value in values)
    return few and not any(isinstance(value, Step) for value in values)


def _all(lowering: Lowering, node: Node) -> list[Known]:
    found = [lowering.numbers(node, at) for at in range(len(node.inputs))]
    return [value for value in found if value is not None]


def reckoned(what: Callable[..., Any], scale: Callable[..., Origin] | None = None) -> Rule:
    """An elementwise rule for known numbers; ``scale`` gives the origin of a size combined with a constant."""

    def rule(lowering: Lowering, node: Node) -> Value:
        given = _all(lowering, node)
        if not given:
            raise Fault("wrong-value", "it has no inputs")
        longest = max(given, key=lambda one: (len(one.values), len(one.dims)))
        size = len(longest.values)
        if any(len(one.values) not in (1, size) for one in given):
            raise refuse("constants of different shapes are not supported")
        columns = [one.values * size if len(one.values) == 1 else one.values for one in given]
        values: list[Any] = []
        for row in zip(*columns, strict=True):
            value = what(*row)
            if not abs(value) < LARGEST:
                raise Fault("wrong-value", "its numbers are too large")
            if any(isinstance(one, Extent) for one in row):
                first, *rest = row
                of = VARIES
                if scale is not None and isinstance(first, Extent) and not any(isinstance(o, Extent) for o in rest):
                    of = scale(first.of, *rest)
                value = Extent(int(value), of) if value == int(value) else value
            values.append(value)
        return Known(longest.dims, values)

    return rule


def _times(origin: Origin, factor: Any) -> Origin:
    return _by(origin, Fraction(factor))


def _over(origin: Origin, factor: Any) -> Origin:
    return _by(origin, 1 / Fraction(factor)) if isinstance(factor, int) and factor == 1 else VARIES


def _by(origin: Origin, factor: Fraction) -> Origin:
    return VARIES if origin.axis < 0 else Origin(origin.number, origin.axis, origin.factor * factor)


def _divided(one: Any, other: Any) -> Any:
    return one // other if isinstance(one, int) and isinstance(other, int) else one / other


def _shape(lowering: Lowering, node: Node) -> Value:
    source = lowering.given(node)
    dims: Sequence[int] = lowering.dims(source.number) if isinstance(source, Step) else source.dims
    start, end = node.attributes.get("start", 0), node.attributes.get("end")
    found = list(dims)[start:end]
    return Known((len(found),), found)


def _constant(lowering: Lowering, node: Node) -> Value:
    given = node.attributes
    for name in ("value_int", "value_float", "value_ints", "value_floats"):
        if name in given:
            value = given[name]
            values = value if isinstance(value, list) else [value]
            return Known((len(values),) if isinstance(value, list) else (), values)
    raise refuse("it is not a tensor of numbers")


def _constant_of_shape(lowering: Lowering, node: Node) -> Value:
    (dims,) = _all(lowering, node)
    size = prod(dims.values)
    if not 0 <= size <= MOST_KNOWN:
        raise refuse(f"it makes a constant of {size:,} numbers")
    value = lowering.known(node.attributes.get("value"))
    (one,) = value.values if value is not None else (0.0,)
    return Known(tuple(map(int, dims.values)), [one] * size)


def _gather(lowering: Lowering, node: Node) -> Value:
    source, places = lowering.constant(node, 0), lowering.constant(node, 1)
    if len(source.dims) != 1 or node.attributes.get("axis", 0) != 0:
        raise refuse("parts of a constant of several axes are not supported")
    return Known(places.dims, [source.values[place] for place in places.wholes])


def _concat(lowering: Lowering, node: Node) -> Value:
    given = _all(lowering, node)
    if any(len(one.dims) != 1 for one in given):
        raise refuse("joining constants of several axes is not supported")
    values = [value for one in given for value in one.values]
    if len(values) > MOST_KNOWN:
        raise refuse(f"it makes a constant of {len(values):,} numbers")
    return Known((len(values),), values)


def _slice(lowering: Lowering, node: Node) -> Value:
    source = lowering.constant(node, 0)
    if len(node.inputs) > 1:
        steps = lowering.numbers(node, 4)
        given = [lowering.constant(node, 1).wholes, lowering.constant(node, 2).wholes, steps.wholes if steps else [1]]
    else:
        given = [node.attributes.get("starts") or [], node.attributes.get("ends") or [], [1]]
    if any(len(one) != 1 for one in given) or given[2] == [0]:
        raise Fault("wrong-value", "it needs one start, one end and a step other than 0")
    ((start,), (end,), (step,)) = given
    if len(source.dims) != 1:
        raise refuse("parts of a constant of several axes are not supported")
    found = source.values[start:end:step]
    return Known((len(found),), found)


def _reshape(lowering: Lowering, node: Node) -> Value:
    """Reshape known numbers: to a list, or a single number."""
    source = lowering.constant(node, 0)
    one = len(source.values) == 1 and node.op == "Squeeze"
    return Known(() if one else (len(source.values),), source.values, source.stored)


def _cast(lowering: Lowering, node: Node) -> Value:
    (source,) = _all(lowering, node)
    to = node.attributes["to"]
    if to in (1, 10, 11, 16):
        return Known(source.dims, [one if isinstance(one, Extent) else float(one) for one in source.values])
    return Known(source.dims, [one if isinstance(one, Extent) else int(one) for one in source.values])


def _reduced(lowering: Lowering, node: Node) -> Value:
    source = lowering.constant(node, 0)
    return Known((), [prod(source.values)])


RULES: dict[str, Rule] = {
    "Add": reckoned(lambda one, other: one + other),
    "Cast": _cast,
    "Ceil": reckoned(ceil, lambda origin: origin),
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": reckoned(_divided, _over),
    "Equal": reckoned(lambda one, other: one == other),
    "Floor": reckoned(floor, lambda origin: origin),
    "Gather": _gather,
    "Max": reckoned(lambda *given: max(given)),
    "Min": reckoned(lambda *given: min(given)),
    "Mul": reckoned(lambda one, other: one * other, _times),
    "Neg": reckoned(lambda one: -one),
    "ReduceProd": _reduced,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Sqrt": reckoned(lambda one: one**0.5),
    "Squeeze": _reshape,
    "Sub": reckoned(lambda one, other: one - other),
    "Unsqueeze": _reshape,
    "Where": reckoned(lambda condition, one, other: one if condition else other),
}
"""The rule of each operator for known numbers."""


def folded(rule: Rule | None, known_rule: Rule) -> Rule:
    """A rule that folds numbers if all are known, and makes steps otherwise."""

    def either(lowering: Lowering, node: Node) -> Any:
        if node.op in ("Shape", "Constant") or is_known(lowering, node):
            return known_rule(lowering, node)
        if rule is None:
            raise refuse("it is supported for constants only")
        return rule(lowering, node)

    return either
