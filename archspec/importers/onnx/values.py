"""The kinds of values: a tensor that a step gives, known numbers, or a tensor of the file.

Numbers remember which size they come from, so that a file's computations on sizes can be expressed by names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.onnx.messages import Stored
from archspec.records import record


@record
class Origin:
    """The size of an axis of a value, times a factor; ``number`` is None for the batch."""

    number: int | None
    axis: int
    factor: Fraction = Fraction(1)


BATCH = Origin(None, 0)
VARIES = Origin(None, -1)
"""The origin of a number that depends on sizes, but is not one of them times a factor."""


class Extent(int):
    """A whole number that depends on sizes."""

    of: Origin

    def __new__(cls, value: int, of: Origin) -> Extent:
        """The number with its origin."""
        made = super().__new__(cls, value)
        made.of = of
        return made


@record
class Step:
    """A tensor that a step of the network gives, by its number in the assembly."""

    number: int


@dataclass(slots=True, eq=False)
class Known:
    """Numbers that are known before the network runs."""

    dims: tuple[int, ...]
    values: list[Any]
    stored: Stored | None = None
    """The tensor of the file that holds these numbers."""

    @property
    def scalar(self) -> Any:
        """The single number; None if there are more."""
        return self.values[0] if len(self.values) == 1 else None

    @property
    def wholes(self) -> list[int]:
        """The numbers as integers; raises :class:`Fault` where one is none."""
        if not all(
            isinstance(value, int) or (isinstance(value, float) and value.is_integer()) for value in self.values
        ):
            raise Fault("wrong-value", "a constant must hold whole numbers")
        return [value if isinstance(value, int) else int(value) for value in self.values]


Value = Step | Known | Stored


def varies(values: Sequence[Any]) -> bool:
    """Whether any number depends on sizes."""
    return any(isinstance(value, Extent) and value.of != BATCH for value in values)


def count(dims: Sequence[int]) -> int:
    """The count of numbers."""
    return prod(dims)
