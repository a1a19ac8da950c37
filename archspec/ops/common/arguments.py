"""Types of op arguments: numbers, lists with a value for each axis, padding; each with its error message.

Errors are pydantic's own, with an optional ``hint`` in their context.  Nothing here is specific to one op.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, NoReturn

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from archspec.diagnostics import printable
from archspec.expressions import number_text

LARGEST = 2**31 - 1
"""The largest integer that an argument may be; torch's own limits are close to it."""


def refuse(message: str, hint: str | None = None) -> NoReturn:
    """Raise pydantic's error with this message, and the hint in its context."""
    context: dict[str, Any] = {"message": message}
    if hint is not None:
        context["hint"] = hint
    raise PydanticCustomError("argument", "{message}", context)


def shown(value: object) -> str:
    """A value from a spec, safe to print in a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text '{printable(value, 40)}'"
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a number of " + (f"{value.bit_length()} bits" if value.bit_length() > 64 else f"{value:,} or so")
    return printable(repr(value), 60)


def literal(value: object) -> str:
    """A checked argument as Python text, strings in double quotes."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"({', '.join(literal(item) for item in value)}{',' if len(value) == 1 else ''})"
    return number_text(value) if isinstance(value, float) else repr(value)


# -- numbers ----------------------------------------------------------------------------------------------------------


def integer(value: object) -> int:
    """A whole number; 2.0 is one, 2.5, true and text are not."""
    if isinstance(value, float) and math.isfinite(value):
        if not value.is_integer():
            refuse(f"{value!r} is not a whole number", f"write `floor({value!r})` or `round({value!r})`")
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        refuse(f"must be a whole number, not {shown(value)}")
    if abs(value) > LARGEST:
        refuse(f"{shown(value)} is larger than the maximum {LARGEST:,}")
    return value


def number(value: object) -> int | float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(f"must be a number, not {shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        refuse(f"must be a finite number, not {value!r}")
    if isinstance(value, int) and abs(value) >= 2**63:
        refuse(f"{shown(value)} is too large")
    return value


def at_least(least: int, word: str) -> Callable[[object], int]:
    """A whole number from ``least`` on; ``word`` says so in the message."""

    def check(value: object) -> int:
        whole = integer(value)
        if whole < least:
            refuse(f"must be {word}, not {whole}")
        return whole

    return check


positive = at_least(1, "positive")
non_negative = at_least(0, "zero or more")


def flag(value: object) -> bool:
    """true or false; no other value counts as one."""
    if not isinstance(value, bool):
        refuse(f"must be true or false, not {shown(value)}")
    return value


def text(value: object) -> str:
    """Text that is not empty."""
    if not isinstance(value, str) or not value:
        refuse(f"must be a name, not {shown(value)}")
    return value


def probability(value: object) -> int | float:
    """A number from 0 to 1."""
    chance = number(value)
    if not 0 <= chance <= 1:
        refuse(f"must be a probability from 0 to 1, not {chance!r}")
    return chance


def above_zero(value: object) -> int | float:
    """A number above 0."""
    quantity = number(value)
    if not quantity > 0:
        refuse(f"must be above 0, not {quantity!r}")
    return quantity


Positive = Annotated[int, PlainValidator(positive), WithJsonSchema({"type": "integer", "minimum": 1})]
NonNegative = Annotated[int, PlainValidator(non_negative), WithJsonSchema({"type": "integer", "minimum": 0})]
Number = Annotated[int | float, PlainValidator(number), WithJsonSchema({"type": "number"})]
AboveZero = Annotated[
    int | float, PlainValidator(above_zero), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})
]
Probability = Annotated[
    int | float, PlainValidator(probability), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})
]
Flag = Annotated[bool, PlainValidator(flag), WithJsonSchema({"type": "boolean"})]
Text = Annotated[str, PlainValidator(text), WithJsonSchema({"type": "string", "minLength": 1})]


# -- one value for each axis ------------------------------------------------------------------------------------------


def each(value: object, item: Callable[[object], Any], most: int, what: str) -> tuple[Any, ...]:
    """Check a list of one to ``most`` items; returns a tuple."""
    if not isinstance(value, list | tuple):
        refuse(f"must be {what}, not {shown(value)}")
    if not 1 <= len(value) <= most:
        refuse(f"must be {what}, not a list of {len(value)}")
    return tuple(item(entry) for entry in value)


def _by_axis(item: Callable[[object], int]) -> Callable[[object], int | tuple[int, ...]]:
    def check(value: object) -> int | tuple[int, ...]:
        if isinstance(value, list | tuple):
            return each(value, item, 3, "a number for each spatial axis")
        return item(value)

    return check


def _by_axis_schema(item: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item, "minItems": 1, "maxItems": 3}]})


by_axis_from_zero = _by_axis(non_negative)

PerAxis = Annotated[
    int | tuple[int, ...], PlainValidator(_by_axis(positive)), _by_axis_schema({"type": "integer", "minimum": 1})
]
"""A positive number for all spatial axes, or one for each."""

PerAxisFromZero = Annotated[
    int | tuple[int, ...], PlainValidator(by_axis_from_zero), _by_axis_schema({"type": "integer", "minimum": 0})
]
"""The same, zero allowed."""


# -- padding ----------------------------------------------------------------------------------------------------------

Sides = int | tuple[int | tuple[int, int], ...]
"""Padding as it is stored: one number, or for each axis a number or (before, after)."""


def _side(value: object) -> int | tuple[int, int]:
    if isinstance(value, list | tuple):
        if len(value) != 2:
            refuse(f"must be [before, after] for an axis, not a list of {len(value)}")
        return (non_negative(value[0]), non_negative(value[1]))
    return non_negative(value)


def sides(value: object) -> Sides:
    """A number, or for each axis a number or [before, after]."""
    if isinstance(value, list | tuple):
        return each(value, _side, 3, "a number or [before, after] for each spatial axis")
    return non_negative(value)


def padding(value: object) -> Sides | Literal["same"]:
    """As :func:`sides`, or the word ``same``."""
    if isinstance(value, str):
        if value != "same":
            refuse(f"must be numbers or the word `same`, not {shown(value)}", "leave it out for no padding")
        return "same"
    return sides(value)


_SIDE = {"type": "integer", "minimum": 0}
_SIDES = [
    _SIDE,
    {
        "type": "array",
        "minItems": 1,
        "maxItems": 3,
        "items": {"anyOf": [_SIDE, {"type": "array", "items": _SIDE, "minItems": 2, "maxItems": 2}]},
    },
]

PerSide = Annotated[Sides, PlainValidator(sides), WithJsonSchema({"anyOf": _SIDES})]
Padding = Annotated[
    Sides | Literal["same"], PlainValidator(padding), WithJsonSchema({"anyOf": [*_SIDES, {"const": "same"}]})
]


# -- axes -------------------------------------------------------------------------------------------------------------

AXIS_NAME = r"^[a-z][a-z0-9_]{0,30}$"


def axis(value: object) -> str:
    """The name of an axis: lower-case letters, digits and underscores."""
    name = text(value)
    if not (name.isascii() and name.isidentifier() and name == name.lower() and name[0] != "_" and len(name) <= 31):
        refuse(f"{shown(value)} is not the name of an axis", "axes are called `channels`, `height`, `width`, …")
    return name


def axes(value: object) -> tuple[str, ...]:
    """A list of axes, each once."""
    names = each(value, axis, 8, "a list of axes")
    for name in names:
        if names.count(name) > 1:
            refuse(f"names the axis `{name}` twice")
    return names


_AXIS_SCHEMA = {"type": "string", "pattern": AXIS_NAME}
Axis = Annotated[str, PlainValidator(axis), WithJsonSchema(_AXIS_SCHEMA)]
Axes = Annotated[
    tuple[str, ...],
    PlainValidator(axes),
    WithJsonSchema({"type": "array", "items": _AXIS_SCHEMA, "minItems": 1, "maxItems": 8, "uniqueItems": True}),
]
