"""Sums, products and joins of tensors, as merges, constants and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from math import frexp
from typing import Any

from archspec.importers.torch_module.functions import bound, constant
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import AXES, Lowering, Rule, parameter
from archspec.importers.torch_module.trace import Call, Value, Weight


def _operand(lowering: Lowering, call: Call, operand: Any, axes: tuple[str, ...]) -> int:
    """A side of a sum or product: a value, or a parameter made one, with as many axes as the map."""
    if isinstance(operand, Value):
        return lowering.number(operand)
    if not isinstance(operand, Weight):
        raise Unknown("a tensor that no step gives")
    rank = len(axes)
    value = parameter(lowering, call, operand)
    shape = operand.shape[-rank:]
    if len(operand.shape) > rank and set(operand.shape[:-rank]) != {1}:
        raise Unknown(f"a parameter of {len(operand.shape)} axes on a map of {rank}")
    shape = (*(1,) * (rank - len(shape)), *shape)
    if shape == operand.shape:
        lowering.axes[value] = axes
        return value
    found = lowering.fresh(axes)
    lowering.add(
        call, "reshape", {"shape": shape, "axes": None if axes == AXES[rank] else axes}, [value], found, axes=axes
    )
    return found


def _merge(op: str, alone: str) -> Rule:
    """A sum or product: of tensors, or of one with a number."""

    def rule(lowering: Lowering, call: Call) -> None:
        given = bound(call, ("input", "other", "alpha"), alpha=1)
        sides = [given["input"], given["other"]]
        if given["alpha"] != 1:
            raise Unknown("alpha")
        numbers = [side for side in sides if not isinstance(side, Value | Weight)]
        values = [side for side in sides if isinstance(side, Value)]
        result = call.results.number
        if len(values) == 1 and len(numbers) == 1:
            number = constant(numbers[0], "a number")
            if not isinstance(number, int | float) or isinstance(number, bool):
                raise Unknown("a tensor that no step gives")
            lowering.add(call, alone, {"by": number}, [lowering.number(values[0])], result)
            return
        if not values:
            raise Unknown("no tensor that a step gives")
        axes = max((lowering.axes[lowering.number(value)] for value in values), key=len)
        reads = [_operand(lowering, call, side, axes) for side in sides]
        lowering.add(call, op, {}, reads, result, axes=axes)

    return rule


def _subtract(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "other", "alpha"), alpha=1)
    number = given["other"]
    if isinstance(number, bool) or not isinstance(number, int | float) or given["alpha"] != 1:
        raise Unknown("a difference of tensors")
    lowering.add(call, "shift", {"by": -number}, [lowering.number(given["input"])], call.results.number)


def _divide(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "other", "rounding_mode"), rounding_mode=None)
    number = given["other"]
    if isinstance(number, bool) or not isinstance(number, int | float) or given["rounding_mode"] is not None:
        raise Unknown("a quotient of tensors")
    if abs(frexp(number)[0]) != 0.5:
        raise Unknown("a number that is no power of two, by which dividing is not multiplying")
    lowering.add(call, "scale", {"by": 1 / number}, [lowering.number(given["input"])], call.results.number)


def _negate(lowering: Lowering, call: Call) -> None:
    lowering.add(call, "scale", {"by": -1}, [lowering.number(call.arguments[0])], call.results.number)


def _concat(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("tensors", "dim", "axis"), dim=0, axis=None)
    parts: Sequence[Any] = given["tensors"]
    reads = [lowering.number(part) for part in parts]
    if len(reads) == 1:
        lowering.same(call.results, parts[0])
        return
    dim = given["dim"] if given["axis"] is None else given["axis"]
    lowering.add(call, "concat", {"axis": lowering.axis(reads[0], dim)}, reads, call.results.number)


def _methods(rule: Rule, *names: str) -> dict[str, Rule]:
    return {f"{origin}{name}": rule for name in names for origin in ("torch.Tensor.", "torch.", "_operator.")}


RULES: dict[str, Rule] = {
    **_methods(_merge("add", "shift"), "add", "add_", "__add__", "__radd__", "__iadd__"),
    **_methods(_merge("multiply", "scale"), "mul", "mul_", "__mul__", "__rmul__", "__imul__", "multiply"),
    **_methods(_subtract, "sub", "sub_", "__sub__", "__isub__", "subtract"),
    **_methods(_divide, "div", "div_", "__truediv__", "__itruediv__", "true_divide", "divide"),
    **_methods(_negate, "neg", "__neg__", "negative"),
    **_methods(_concat, "cat", "concat", "concatenate"),
}
