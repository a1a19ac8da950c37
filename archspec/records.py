"""Small classes for immutable values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots, equality and a hash; only the type checker prevents assignments.

    ``dataclass(frozen=True)`` also prevents them at run time, but is slower in two ways: defining more than a hundred
    such classes takes a tenth of the time of `archspec check`, and making instances takes twice as long.  For the same
    reason a class gets its equality and its hash from dataclasses when one of them is first used: a text is compiled
    for each, and most classes need neither.
    """
    own = {name for name in ("__eq__", "__hash__", "__repr__") if cls.__dict__.get(name) is not None}
    made: Any = dataclass(slots=True, eq=False, repr=False)(cls)
    given = {**_compared_late(made, own), "__repr__": _text([each.name for each in fields(made) if each.repr])}
    for name, function in given.items():
        if name not in own:
            setattr(made, name, function)
    return made


def _compared_late(made: Any, own: set[str]) -> dict[str, Callable[..., Any]]:
    """Equality and hash that put those of a dataclass with the same fields in their place, and answer by them."""

    def complete() -> None:
        compared = {each.name: each.type for each in fields(made) if each.compare}
        plain = dataclass(init=False, repr=False, match_args=False, unsafe_hash=True)(
            type(made.__name__, (), {"__annotations__": compared})
        )
        for name in ("__eq__", "__hash__"):
            if name not in own:
                setattr(made, name, getattr(plain, name))

    def equal(self: Any, other: Any) -> Any:
        complete()
        return made.__eq__(self, other)

    def hashed(self: Any) -> int:
        complete()
        return made.__hash__(self)

    return {"__eq__": equal, "__hash__": hashed}


def _text(names: list[str]) -> Callable[[Any], str]:
    def told(self: Any) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({inside})"

    return told
