"""Small classes for immutable values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots, equality and a hash; only the type checker prevents assignments.

    ``dataclass(frozen=True)`` also prevents them at run time, but is slower in two ways: defining more than a hundred
    such classes takes a tenth of the time of `archspec check`, and making instances takes twice as long.  For the same
    reason equality, hash and text are functions of our own: dataclasses compiles a text for each of them in each class.
    """
    own = {name for name in ("__eq__", "__hash__", "__repr__") if cls.__dict__.get(name) is not None}
    made: Any = dataclass(slots=True, eq=False, repr=False)(cls)
    compared = [each.name for each in fields(made) if each.compare]
    hashed = [each.name for each in fields(made) if (each.compare if each.hash is None else each.hash)]
    shown = [each.name for each in fields(made) if each.repr]
    given = {"__eq__": _equality(compared), "__hash__": _hash(hashed), "__repr__": _text(shown)}
    for name, function in given.items():
        if name not in own:
            setattr(made, name, function)
    return made


def _values(names: list[str]) -> Callable[[Any], Any]:
    """What gives the values of these fields: a tuple, or the value of a single one."""
    return attrgetter(*names) if names else lambda value: ()


def _equality(names: list[str]) -> Callable[[Any, Any], Any]:
    values = _values(names)

    def equal(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    return equal


def _hash(names: list[str]) -> Callable[[Any], int]:
    values = _values(names)

    def hashed(self: Any) -> int:
        return hash(values(self))

    return hashed


def _text(names: list[str]) -> Callable[[Any], str]:
    def told(self: Any) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({inside})"

    return told
