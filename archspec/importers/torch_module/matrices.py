"""Translates products of matrices, such as the weights of attention and its values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from archspec.importers.torch_module import heads
from archspec.importers.torch_module.functions import bound
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import Lowering, Rule
from archspec.importers.torch_module.trace import Call, Value, tensors

COLUMNS = ("keys", "columns")
"""Names for the columns of a product if the rows have theirs."""


def _product(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "other"))
    _multiplied(lowering, call, given["input"], given["other"])


def _multiplied(lowering: Lowering, call: Call, left: Any, right: Any) -> None:
    """The product of two tensors."""
    if any(not isinstance(side, Value) for side in (left, right)):
        raise Unknown("a matrix that no step makes")
    one = lowering.number(left)
    two, transposed = _turned(lowering, call, right)
    rows, columns = lowering.axes[one], lowering.axes[two]
    if len(rows) < 2 or len(columns) != len(rows):
        raise Unknown("matrices of different numbers of axes")
    if rows[:-2] != columns[:-2]:
        raise Unknown(f"the axes {', '.join(rows[:-2])} and {', '.join(columns[:-2])} before rows and columns")
    last = columns[-2 if transposed else -1]
    if last in rows[:-1]:
        last = next((name for name in COLUMNS if name not in rows[:-1]), "")
    usual = last == columns[-2 if transposed else -1]
    axes = (*rows[:-1], last)
    arguments = {"transpose": transposed, "axes": None if usual else axes}
    lowering.add(call, "matmul", arguments, [one, two], call.result, axes=axes)


def _turned(lowering: Lowering, call: Call, right: Value) -> tuple[int, bool]:
    """The value of the second matrix, and whether it is transposed, in which case that before the transposition."""
    known = heads.of(lowering, right)
    if known is not None and known.turned:
        *axes, one, other = known.axes
        return heads.made(lowering, call, replace(known, axes=(*axes, other, one))), True
    part = lowering.parts.get(lowering.value(right))
    if part is not None and part[0] == "turned":
        return lowering.number(Value(part[1])), True
    return lowering.number(right), False


def _einsum(lowering: Lowering, call: Call) -> None:
    """Two operands whose common letters come first, such as ``bhid,bhjd->bhij``."""
    given = call.arguments
    if len(given) == 2 and isinstance(given[1], tuple):
        given = (given[0], *given[1])
    if len(given) != 3 or not isinstance(given[0], str):
        raise Unknown("other than two operands")
    found = re.fullmatch(r"(\w+),(\w+)->(\w+)", given[0].replace(" ", ""), flags=re.ASCII)
    if found is None:
        raise Unknown("such an equation")
    left, right, result = found.groups()
    count = len(left) - 2
    whole = count > 0 and len(right) == len(result) == len(left) and left[:count] == right[:count] == result[:count]
    rows, inner, columns = (*left[count:], result[-1]) if whole else ("", "", "")
    if not whole or result[count] != rows or len(set(left + columns)) != len(left) + 1:
        raise Unknown("an equation that is not a product of matrices")
    if right[count:] == inner + columns:
        _multiplied(lowering, call, given[1], given[2])
    elif right[count:] == columns + inner:
        _multiplied(lowering, call, given[1], _transposed(lowering, given[2]))
    else:
        raise Unknown("an equation that is not a product of matrices")


def _transposed(lowering: Lowering, value: Any) -> Value:
    """A matrix with rows and columns exchanged, which only a product reads."""
    number = lowering.number(value)
    *axes, rows, columns = lowering.axes[number]
    made = lowering.fresh((*axes, columns, rows))
    lowering.parts[made] = ("turned", number)
    return Value(made)


def turn(lowering: Lowering, call: Call, order: Sequence[int]) -> bool:
    """Follow a matrix whose rows and columns are exchanged; False unless only products read it, as their second."""
    result = call.result
    if not heads.exchanges(order) or len(order) < 3:
        return False
    readers = lowering.readers(result)
    outputs = {value.number for _, found in lowering.trace.outputs for value in tensors(found)}
    if not readers or result in outputs or any(not _is_second(one, result) for one in readers):
        return False
    number = lowering.number(call.source)
    *axes, rows, columns = lowering.axes[number]
    lowering.axes[result] = (*axes, columns, rows)
    lowering.parts[result] = ("turned", number)
    return True


def _is_second(call: Call, number: int) -> bool:
    known = call.what in RULES and RULES[call.what] is _product
    return known and call.arguments[1:] == (Value(number),) and call.arguments[0] != Value(number)


def _methods(rule: Rule, *names: str) -> dict[str, Rule]:
    return {f"{origin}{name}": rule for name in names for origin in ("torch.Tensor.", "torch.", "_operator.")}


RULES: dict[str, Rule] = {
    **_methods(_product, "matmul", "__matmul__", "bmm"),
    "torch.functional.einsum": _einsum,
    "torch.einsum": _einsum,
}
