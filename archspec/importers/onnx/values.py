"""What is known of a value: a tensor that a step gives, numbers that are known, or a tensor of the file.

Numbers remember of which size they are, so that what a file works out of sizes can be said by names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

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
"""Of a number that comes of sizes, and is not one of them times a factor."""


class Extent(int):
    """A whole number that comes of sizes."""

    of: Origin

    def __new__(cls, value: int, of: Origin) -> Extent:
        """The number and where it is from."""
        made = super().__new__(cls, value)
        made.of = of
        return made


@record
class Step:
    """A tensor that a step of the network gives: its number in the assembly, and whether it has a batch."""

    number: int


@dataclass(slots=True, eq=False)
class Known:
    """Numbers that are known before the network runs."""

    dims: tuple[int, ...]
    values: list[Any]
    stored: Stored | None = None
    """The tensor of the file that it is."""

    @property
    def scalar(self) -> Any:
        """The one number, None where there are more."""
        return self.values[0] if len(self.values) == 1 else None


Value = Step | Known | Stored


def varies(values: Sequence[Any]) -> bool:
    """Whether any number comes of sizes."""
    return any(isinstance(value, Extent) and value.of != BATCH for value in values)


def count(dims: Sequence[int]) -> int:
    """How many numbers there are."""
    return prod(dims)
