"""Values that never change, as small classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots, equality and a hash, that nobody assigns to: the type checker sees to that.

    ``dataclass(frozen=True)`` would see to it while running as well, and pays for it twice: more than a hundred
    classes take a tenth of `archspec check` to define, and their instances take twice as long to make.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
