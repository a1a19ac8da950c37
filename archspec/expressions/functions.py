"""The functions of the language: how each is called and what it returns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from archspec.diagnostics import Fault
from archspec.expressions.budget import Budget
from archspec.expressions.values import (
    arithmetic,
    as_text,
    brief,
    checked,
    elements,
    integer,
    is_number,
    kind,
    ordered,
    wrong_type,
    wrong_value,
)


@dataclass(frozen=True)
class Function:
    """One function: how many arguments it takes, which of them may be given by name, and its implementation."""

    least: int
    most: int
    keywords: tuple[str, ...]
    compute: Callable[..., Any]


def _extreme(name: str, symbol: str) -> Callable[..., Any]:
    def compute(budget: Budget, *arguments: Any) -> Any:
        values = elements(arguments[0], f"`{name}` is given", budget) if len(arguments) == 1 else arguments
        if not values:
            raise wrong_value(f"`{name}` of an empty list")
        best = values[0]
        if not isinstance(best, str | list | tuple) and not is_number(best):
            raise wrong_type(f"`{name}` of {kind(best)}")
        for value in values[1:]:
            budget.spend()
            if ordered(symbol, value, best, budget):
                best = value
        return best

    return compute


def _sum(budget: Budget, values: Any, start: Any = 0) -> Any:
    total = start
    if isinstance(start, str):
        raise wrong_type("`sum` of texts")
    for value in elements(values, "`sum` is given", budget):
        budget.spend()
        total = arithmetic("+", total, value, budget)
    return total


def _length(budget: Budget, value: Any) -> int:
    if not isinstance(value, str | list | tuple | dict):
        raise wrong_type(f"`len` of {kind(value)}")
    return len(value)


def _range(budget: Budget, *bounds: Any) -> list[int]:
    numbers = range(*_range_bounds(bounds))
    try:
        length = len(numbers)
    except OverflowError:
        length = budget.items + 1
    budget.make(length)
    return list(numbers)


def _range_bounds(bounds: tuple[Any, ...]) -> list[int]:
    whole = [integer(bound, "an argument of `range`") for bound in bounds]
    if len(whole) == 3 and whole[2] == 0:
        raise wrong_value("the step of a `range` is 0")
    return whole


def _enumerate(budget: Budget, values: Any, start: Any = 0) -> list[list[Any]]:
    items = elements(values, "`enumerate` is given", budget)
    budget.make(2 * len(items))
    return [[number, item] for number, item in enumerate(items, integer(start, "`start`"))]


def _zip(budget: Budget, *lists: Any) -> list[list[Any]]:
    columns = [elements(values, "`zip` is given", budget) for values in lists]
    budget.make(len(columns) * min((len(column) for column in columns), default=0))
    return [list(row) for row in zip(*columns, strict=False)]


def _reversed(budget: Budget, values: Any) -> list[Any]:
    items = elements(values, "`reversed` is given", budget)
    budget.make(len(items))
    return list(items[::-1])


def _number(name: str, value: Any) -> Any:
    if not is_number(value):
        raise wrong_type(f"`{name}` of {kind(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong_value(f"`{name}` of {value!r}")
    return value


def _whole(name: str, compute: Callable[[Any], int]) -> Callable[..., int]:
    return lambda budget, value: compute(_number(name, value))


def _absolute(budget: Budget, value: Any) -> Any:
    return abs(_number("abs", value))


def _log2(budget: Budget, value: Any) -> float:
    if _number("log2", value) <= 0:
        raise wrong_value(f"`log2` of {brief(value)}", "it is defined for numbers above 0")
    return math.log2(value)


def _text(budget: Budget, value: Any) -> str:
    """The text of a number, boolean or text, as in a name: ``str(3.0)`` is ``3``."""
    text = as_text(value)
    if text is None:
        raise wrong_type(f"`str` of {kind(value)}")
    budget.check_text(len(text))
    return text


def _divisible(budget: Budget, value: Any, by: Any) -> int:
    """Rounding as in mobile networks: to the nearest multiple, at least one multiple, never below 90% of the value."""
    _number("divisible", value)
    multiple = integer(by, "the second argument of `divisible`")
    if multiple <= 0:
        raise wrong_value(f"`divisible` by {brief(multiple)}", "it rounds to a multiple of a positive integer")
    try:
        rounded = max(multiple, int(value + multiple / 2) // multiple * multiple)
        if rounded < 0.9 * value:
            rounded += multiple
    except OverflowError:
        raise wrong_value("the result of `divisible` is too large for a number") from None
    return checked(rounded, budget)


FUNCTIONS: dict[str, Function] = {
    "min": Function(1, 1000, (), _extreme("min", "<")),
    "max": Function(1, 1000, (), _extreme("max", ">")),
    "sum": Function(1, 2, ("start",), _sum),
    "len": Function(1, 1, (), _length),
    "range": Function(1, 3, (), _range),
    "enumerate": Function(1, 2, ("start",), _enumerate),
    "zip": Function(0, 1000, (), _zip),
    "reversed": Function(1, 1, (), _reversed),
    "ceil": Function(1, 1, (), _whole("ceil", math.ceil)),
    "floor": Function(1, 1, (), _whole("floor", math.floor)),
    "round": Function(1, 1, (), _whole("round", round)),
    "abs": Function(1, 1, (), _absolute),
    "log2": Function(1, 1, (), _log2),
    "str": Function(1, 1, (), _text),
    "divisible": Function(2, 2, ("by",), _divisible),
}


def call(name: str, arguments: list[Any], keywords: dict[str, Any], budget: Budget) -> Any:
    """The result of a function for arguments whose number the parser has checked; raises :class:`Fault`."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise Fault("unknown-function", f"there is no function `{name}`")
    return function.compute(budget, *arguments, **keywords)
