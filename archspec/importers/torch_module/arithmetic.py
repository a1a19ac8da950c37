"""Sums, products and concatenations of tensors, as merges, constants and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from math import frexp
from typing import Any

from archspec.importers.torch_module.functions import bound, constant
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import Lowering, Rule
from archspec.importers.torch_module.parameters import operand
from archspec.importers.torch_module.trace import Call, Value, Weight


def _merge(op: str, alone: str) -> Rule:
    """A rule for a sum or product of tensors, or of a tensor with a number."""

    def rule(lowering: Lowering, call: Call) -> None:
        given = bound(call, ("input", "other", "alpha"), alpha=1)
        sides = [given["input"], given["other"]]
        if given["alpha"] != 1:
            raise Unknown("alpha")
        numbers = [side for side in sides if not isinstance(side, Value | Weight)]
        values = _values(lowering, sides)
        result = call.result
        weights = [side for side in sides if isinstance(side, Weight)]
        if op == "multiply" and len(weights) == len(numbers) == 1:
            _scaled(lowering, call, weights[0], constant(numbers[0], "a number"))
            return
        if len(values) == 1 and len(numbers) == 1:
            number = constant(numbers[0], "a number")
            if not isinstance(number, int | float) or isinstance(number, bool):
                raise Unknown("a tensor that no step makes")
            if number == (0 if op == "add" else 1):  # Python's `sum` starts from 0
                lowering.same(call.results, values[0])
                return
            lowering.add(call, alone, {"by": number}, [lowering.number(values[0])], result)
            return
        _elementwise(lowering, call, op, sides)

    return rule


def _scaled(lowering: Lowering, call: Call, weight: Weight, number: Any) -> None:
    """A parameter times a number, which a standardised convolution may take as its gain."""
    if not isinstance(number, int | float) or isinstance(number, bool):
        raise Unknown("a tensor that no step makes")
    result = call.result
    lowering.parts[result] = ("scaled", weight, float(number))

    def refuse() -> None:
        raise Unknown("a parameter times a number")

    lowering.later(result, refuse)


def _values(lowering: Lowering, sides: Sequence[Any]) -> list[Value]:
    """The operands that steps give."""
    found = [lowering.repeated.get(side.number, side) if isinstance(side, Value) else side for side in sides]
    return [side for side in found if isinstance(side, Value) and side.number not in lowering.views]


def _elementwise(lowering: Lowering, call: Call, op: str, sides: Sequence[Any]) -> None:
    """A merge of tensors, some of which may be parameters."""
    values = _values(lowering, sides)
    if not values:
        raise Unknown("no tensor that a step makes")
    axes = max((lowering.axes[lowering.number(value)] for value in values), key=len)
    reads = [operand(lowering, call, side, axes) for side in sides]
    lowering.add(call, op, {}, reads, call.result, axes=axes)


def _extreme(op: str) -> Rule:
    """The elementwise maximum or minimum of two tensors."""

    def rule(lowering: Lowering, call: Call) -> None:
        given = bound(call, ("input", "other"))
        _elementwise(lowering, call, op, (given["input"], given["other"]))

    return rule


def _subtract(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "other", "alpha"), alpha=1)
    if given["alpha"] != 1:
        raise Unknown("alpha")
    _difference(lowering, call, given["input"], given["other"])


def _subtract_from(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "other", "alpha"), alpha=1)
    if given["alpha"] != 1:
        raise Unknown("alpha")
    _difference(lowering, call, given["other"], given["input"])


def _difference(lowering: Lowering, call: Call, one: Any, other: Any) -> None:
    """A difference of tensors, or of a tensor and a number."""
    result = call.result
    numbers = [side for side in (one, other) if not isinstance(side, Value | Weight)]
    if not numbers and isinstance(one, Value):
        _elementwise(lowering, call, "subtract", (one, other))
        return
    if len(numbers) != 1 or isinstance(numbers[0], bool) or not isinstance(numbers[0], int | float):
        raise Unknown("a tensor that no step makes")
    if isinstance(one, Value):
        lowering.add(call, "shift", {"by": -numbers[0]}, [lowering.number(one)], result)
        return
    source = lowering.number(other)
    negative = lowering.fresh(lowering.axes[source])
    lowering.add(call, "scale", {"by": -1}, [source], negative)
    lowering.add(call, "shift", {"by": numbers[0]}, [negative], result)


def _divide(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "other", "rounding_mode"), rounding_mode=None)
    number = given["other"]
    if isinstance(number, Value | Weight) and isinstance(given["input"], Value) and given["rounding_mode"] is None:
        _elementwise(lowering, call, "divide", (given["input"], number))
        return
    if isinstance(number, bool) or not isinstance(number, int | float) or given["rounding_mode"] is not None:
        raise Unknown("a number that varies or is rounded")
    if number == 0:
        raise Unknown("a division by zero")
    exact = abs(frexp(number)[0]) == 0.5  # a power of two: the product is the quotient
    arguments = {"by": 1 / number} if exact else {"by": number, "divide": True}
    lowering.add(call, "scale", arguments, [lowering.number(given["input"])], call.result)


def _negate(lowering: Lowering, call: Call) -> None:
    lowering.add(call, "scale", {"by": -1}, [lowering.number(call.source)], call.result)


def _stack(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("tensors", "dim"), dim=0)
    dim = given["dim"] % len(lowering.shape(call.result))
    parts: Sequence[Any] = given["tensors"]
    lowering.parts[call.result] = ("stack", parts, dim)
    lowering.later(call.result, lambda: _stacked(lowering, call, parts, dim))


def _stacked(lowering: Lowering, call: Call, parts: Sequence[Any], dim: int) -> None:
    """Maps stacked along a new axis before the channels, as a concatenation of groups of one map each."""
    reads = [lowering.number(part) for part in parts]
    axes = ("groups", *lowering.axes[reads[0]])
    if dim != 1 or axes[1] != "channels":
        raise Unknown("a new axis that is not in front of the channels")
    shape = (1, lowering.shape(parts[0].number)[1], *axes[2:])
    made = [lowering.fresh(axes) for _ in reads]
    for read, one in zip(reads, made, strict=True):
        lowering.add(call, "reshape", {"shape": shape, "axes": axes}, [read], one, axes=axes)
    lowering.add(call, "concat", {"axis": "groups"}, made, call.result, axes=axes)


def _sum(lowering: Lowering, call: Call) -> None:
    """A sum along axes; of tensors that were stacked for it, a merge: torch adds up to four of them in sequence."""
    given = bound(call, ("input", "dim", "keepdim"), dim=None, keepdim=False, dtype=None)
    kept = lowering.parts.get(lowering.value(given["input"]))
    count = len(lowering.shape(lowering.value(given["input"])))
    dims = given["dim"] if isinstance(given["dim"], tuple) else (given["dim"],)
    parts, axis = (kept[1], kept[2]) if kept is not None and kept[0] == "stack" else ((), None)
    whole = not given["keepdim"] and None not in dims and [dim % count for dim in dims] == [axis]
    if whole and len(parts) <= 4:
        _elementwise(lowering, call, "add", parts)
        return
    along(lowering, call, "sum", given)


def along(lowering: Lowering, call: Call, op: str, given: dict[str, Any]) -> None:
    """A mean or sum along the axes ``dim``."""
    number = lowering.number(given["input"])
    dims = given["dim"] if isinstance(given["dim"], tuple) else (given["dim"],)
    if None in dims or given["dtype"] is not None:
        raise Unknown("the batch axis or another type")
    axes = lowering.axes[number]
    named = {lowering.axis(number, dim) for dim in dims}
    left = axes if given["keepdim"] else tuple(axis for axis in axes if axis not in named)
    arguments = {"axes": tuple(axis for axis in axes if axis in named), "keepdim": given["keepdim"]}
    lowering.add(call, op, arguments, [number], call.result, axes=left)


def _power(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "exponent"), exponent=2)
    if given["exponent"] != 2 or isinstance(given["exponent"], bool):
        raise Unknown("a power other than 2")
    lowering.add(call, "square", {}, [lowering.number(given["input"])], call.result)


def _norm(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "p", "dim", "keepdim"), p="fro", dim=None, keepdim=False, dtype=None)
    if given["p"] not in (2, "fro"):
        raise Unknown("a norm other than the Euclidean")
    along(lowering, call, "vector_norm", given)


def _vector_norm(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "ord", "dim", "keepdim"), ord=2, dim=None, keepdim=False, dtype=None)
    if given["ord"] != 2:
        raise Unknown("a norm other than the Euclidean")
    along(lowering, call, "vector_norm", given)


def _sum_with_product(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "one", "other", "value"), value=1)
    if given["value"] != 1:
        raise Unknown("a value")
    _elementwise(lowering, call, "addcmul", (given["input"], given["one"], given["other"]))


def _concat(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("tensors", "dim", "axis"), dim=0, axis=None)
    parts: Sequence[Any] = given["tensors"]
    if len(parts) == 1:
        lowering.same(call.results, parts[0])
        return
    values = _values(lowering, parts)
    if not values:
        raise Unknown("no tensor that a step gives")
    first = lowering.number(values[0])
    axes = lowering.axes[first]
    reads = [operand(lowering, call, part, axes) for part in parts]
    dim = given["dim"] if given["axis"] is None else given["axis"]
    lowering.add(call, "concat", {"axis": lowering.axis(first, dim)}, reads, call.result, axes=axes)


def _methods(rule: Rule, *names: str) -> dict[str, Rule]:
    return {f"{origin}{name}": rule for name in names for origin in ("torch.Tensor.", "torch.", "_operator.")}


RULES: dict[str, Rule] = {
    **_methods(_merge("add", "shift"), "add", "add_", "__add__", "__radd__", "__iadd__"),
    **_methods(_merge("multiply", "scale"), "mul", "mul_", "__mul__", "__rmul__", "__imul__", "multiply"),
    **_methods(_subtract, "sub", "sub_", "__sub__", "__isub__", "subtract"),
    **_methods(_subtract_from, "rsub", "__rsub__"),
    **_methods(_power, "pow", "pow_", "__pow__", "square"),
    **_methods(_norm, "norm"),
    "torch.functional.norm": _norm,
    "torch.linalg.vector_norm": _vector_norm,
    **_methods(_sum_with_product, "addcmul", "addcmul_"),
    **_methods(_stack, "stack"),
    **_methods(_sum, "sum"),
    **_methods(_extreme("maximum"), "maximum"),
    **_methods(_extreme("minimum"), "minimum"),
    **_methods(_divide, "div", "div_", "__truediv__", "__itruediv__", "true_divide", "divide"),
    **_methods(_negate, "neg", "__neg__", "negative"),
    **_methods(_concat, "cat", "concat", "concatenate"),
}
