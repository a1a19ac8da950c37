"""The values of expressions, and the operators on them.

Semantics are Python's, except that booleans are not numbers, tuples and lists are one type, and everything is bounded.
Operators raise :class:`~archspec.diagnostics.Fault` without a span; the evaluator adds it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from archspec.diagnostics import Fault, printable
from archspec.expressions.budget import Budget, limit

DEEPEST_VALUE = 50


class Record:
    """A value with attributes that expressions may read (``input.channels``); no other value has any.

    ``kind`` names it in messages, with its article.
    """

    kind: ClassVar[str] = "a record"

    def attribute(self, name: str) -> Any:
        """The value of one of ``attribute_names()``; may raise :class:`Fault` where it is unknown."""
        raise NotImplementedError

    def attribute_names(self) -> Iterable[str]:
        """The names that can be read."""
        raise NotImplementedError


def wrong_type(message: str, hint: str | None = None) -> Fault:
    """The fault of a value of the wrong kind."""
    return Fault("expression-type", message, hint=hint)


def wrong_value(message: str, hint: str | None = None) -> Fault:
    """The fault of a value of the right kind that cannot be used."""
    return Fault("expression-value", message, hint=hint)


def kind(value: object) -> str:
    """The kind of a value in the user's words, with its article."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
        case Record():
            return value.kind
    return "something that is not plain data"


def is_number(value: object) -> bool:
    """Whether a value is an integer or a float; booleans are neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def integer(value: object, what: str) -> int:
    """A value as an integer, whole floats included; ``what`` begins the message where it is not one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float):
        if value.is_integer():
            return int(value)
        raise wrong_type(f"{what} must be an integer, not {value!r}", "`floor(…)` or `round(…)` makes one")
    raise wrong_type(f"{what} must be an integer, not {kind(value)}")


def truth(value: object) -> bool:
    """The truth of plain data as in Python; any other value is true."""
    if value is None or isinstance(value, bool | int | float | str | list | tuple | dict):
        return bool(value)
    return True


def checked(value: Any, budget: Budget) -> Any:
    """A computed number; raises :class:`Fault` where it is infinite, not a number, complex or too large."""
    if isinstance(value, int):
        budget.check_bits(value.bit_length())
    elif isinstance(value, complex):
        raise wrong_value("a fractional power of a negative number is not a number")
    elif not math.isfinite(value):
        raise wrong_value("the result is infinite" if math.isinf(value) else "the result is not a number")
    return value


# Operators ----------------------------------------------------------------------------------------------------------

_NUMERIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}


def arithmetic(symbol: str, left: Any, right: Any, budget: Budget) -> Any:
    """``left symbol right`` for ``+ - * / // % **``; raises :class:`Fault`."""
    if is_number(left) and is_number(right):
        return _numeric(symbol, left, right, budget)
    if symbol == "+" and isinstance(left, str) and isinstance(right, str):
        budget.check_text(len(left) + len(right))
        budget.spend(1 + (len(left) + len(right)) // 16)
        return left + right
    if symbol == "+" and isinstance(left, list | tuple) and isinstance(right, list | tuple):
        budget.make(len(left) + len(right))
        return [*left, *right]
    if symbol == "*":
        if isinstance(right, str | list | tuple):
            left, right = right, left
        if isinstance(left, str | list | tuple) and is_number(right):
            return _repeated(left, integer(right, "how often to repeat"), budget)
    raise wrong_type(f"`{symbol}` between {kind(left)} and {kind(right)}")


def _numeric(symbol: str, left: Any, right: Any, budget: Budget) -> Any:
    if symbol == "**" and isinstance(left, int) and isinstance(right, int) and right > 0 and abs(left) > 1:
        budget.check_bits((abs(left).bit_length() - 1) * right)
    try:
        return checked(_NUMERIC[symbol](left, right), budget)
    except ZeroDivisionError:
        said = "a power of 0 with a negative exponent" if symbol == "**" else "division by zero"
        raise wrong_value(said) from None
    except OverflowError:
        raise wrong_value(f"the result of `{symbol}` is too large for a number") from None


def _repeated(value: Any, times: int, budget: Budget) -> Any:
    length = len(value) * max(times, 0)
    if isinstance(value, str):
        budget.check_text(length)
        budget.spend(1 + length // 16)
        return value * times
    budget.make(length)
    return list(value) * times


def negative(value: Any) -> Any:
    """``-value``."""
    if not is_number(value):
        raise wrong_type(f"`-` before {kind(value)}")
    return -value


def positive(value: Any) -> Any:
    """``+value``."""
    if not is_number(value):
        raise wrong_type(f"`+` before {kind(value)}")
    return value


def equal(left: Any, right: Any, budget: Budget, depth: int = 0) -> bool:
    """``left == right``, where a list may equal a tuple; each element compared costs a step."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        _check_depth(depth)
        if len(left) != len(right):
            return False
        budget.spend(1 + len(left))
        return all(equal(a, b, budget, depth + 1) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        _check_depth(depth)
        if left.keys() != right.keys():
            return False
        budget.spend(1 + len(left))
        return all(equal(value, right[key], budget, depth + 1) for key, value in left.items())
    return bool(left == right)


def _check_depth(depth: int) -> None:
    if depth > DEEPEST_VALUE:
        raise limit(f"lists nested more than {DEEPEST_VALUE} deep")


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def ordered(symbol: str, left: Any, right: Any, budget: Budget, depth: int = 0) -> bool:
    """``left symbol right`` for ``< <= > >=``: numbers, texts, and lists by their first difference."""
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return _ORDERS[symbol](left, right)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        _check_depth(depth)
        for a, b in zip(left, right, strict=False):
            budget.spend()
            if not equal(a, b, budget, depth + 1):
                return ordered(symbol, a, b, budget, depth + 1)
        return _ORDERS[symbol](len(left), len(right))
    raise wrong_type(f"`{symbol}` between {kind(left)} and {kind(right)}")


def contains(container: Any, value: Any, budget: Budget) -> bool:
    """``value in container``."""
    if isinstance(container, str):
        if not isinstance(value, str):
            raise wrong_type(f"`in` looks for {kind(value)} in a text")
        budget.spend(1 + len(container) // 16)
        return value in container
    if isinstance(container, list | tuple):
        return any(_found(item, value, budget) for item in container)
    if isinstance(container, dict):
        return _hashable(value) in container
    raise wrong_type(f"`in` looks into {kind(container)}", "it looks into a list, a text or a mapping")


def _found(item: Any, value: Any, budget: Budget) -> bool:
    budget.spend()
    return equal(item, value, budget)


def _hashable(key: Any) -> Any:
    if isinstance(key, list | tuple | dict):
        raise wrong_type(f"{kind(key)} cannot be a key")
    return key


def indexed(value: Any, index: Any) -> Any:
    """``value[index]``."""
    if isinstance(value, dict):
        try:
            return value[_hashable(index)]
        except KeyError:
            shown = ", ".join(brief(key) for key in list(value)[:10])
            raise wrong_value(f"there is no key {brief(index)}", f"there are {shown}" if shown else None) from None
    if not isinstance(value, str | list | tuple):
        raise wrong_type(f"{kind(value)} cannot be indexed")
    position = integer(index, "an index")
    if not -len(value) <= position < len(value):
        raise wrong_value(f"index {brief(position)} is out of range: there are {len(value)} elements")
    return value[position]


def sliced(value: Any, bounds: Sequence[Any], budget: Budget) -> Any:
    """``value[start:stop:step]``."""
    if not isinstance(value, str | list | tuple):
        raise wrong_type(f"{kind(value)} cannot be sliced")
    start, stop, step = (None if bound is None else integer(bound, "the bound of a slice") for bound in bounds)
    if step == 0:
        raise wrong_value("the step of a slice is 0")
    part = slice(start, stop, step)
    if isinstance(value, str):
        return value[part]
    budget.make(len(range(*part.indices(len(value)))))
    return list(value[part])


def elements(value: Any, what: str, budget: Budget) -> Sequence[Any]:
    """The elements of a list, the characters of a text or the keys of a mapping; ``what`` begins the message."""
    if not isinstance(value, str | list | tuple | dict):
        raise wrong_type(f"{what} {kind(value)}, which is not a list")
    budget.spend(1 + len(value) // 16)
    return value if isinstance(value, list | tuple) else list(value)


def brief(value: Any) -> str:
    """A value as shown in a message, with its length bounded."""
    if isinstance(value, int) and value.bit_length() > 100:
        return "an integer of many digits"
    if isinstance(value, str):
        return f"`{printable(value, 40)}`"
    return repr(value) if value is None or isinstance(value, bool | int | float) else kind(value)


def as_text(value: Any) -> str | None:
    """A value as written in a text: whole floats as integers, booleans as in YAML; None for other types."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float | str) else None


def check_result(value: Any, budget: Budget) -> None:
    """Refuse a result nested too deeply, or too large when a shared part is counted each time it occurs."""
    level: list[Any] = [value]
    for _ in range(DEEPEST_VALUE + 1):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, list | tuple):
                inner.extend(item)
            elif isinstance(item, dict):
                inner.extend(item.values())
            if len(inner) > budget.items:
                raise limit(f"a result of more than {budget.items:,} elements")
        if not inner:
            return
        budget.spend(len(inner) // 16)
        level = inner
    raise limit(f"lists nested more than {DEEPEST_VALUE} deep")
