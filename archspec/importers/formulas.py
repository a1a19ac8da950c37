"""Formulas for arguments that differ between the uses of a block, over its input's channels and its parameters."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class Column:
    """One argument of one step, use by use."""

    values: list[Any]
    before: list[int]
    """The channels of what the step reads."""
    name: str
    step: str

    @property
    def varies(self) -> bool:
        """Whether the uses differ."""
        return len({repr(value) for value in self.values}) > 1


class Solver:
    """The parameters found so far, with their values use by use."""

    def __init__(self, inputs: list[int]) -> None:
        self.inputs = inputs
        self.params: dict[str, list[Any]] = {}

    def formula(self, column: Column) -> str:
        """What the block writes for an argument; a parameter of its own where no formula is right in every use."""
        for text, values in self._guesses(column):
            if list(map(repr, values)) == list(map(repr, column.values)):
                return text
        name = column.name
        if name in self.params or keyword.iskeyword(name) or name in ("input", "previous"):
            name = f"{column.step}_{column.name}".strip("_")
        base = name
        number = 2
        while name in self.params:
            name, number = f"{base}_{number}", number + 1
        self.params[name] = column.values
        return f"${name}"

    def _guesses(self, column: Column) -> Iterator[tuple[str, list[Any]]]:
        """Formulas and what they give, the plainest first."""
        for name, values in self.params.items():
            yield f"${name}", values
        if column.name == "groups":
            yield "$(previous.channels)", list(column.before)
        if column.name == "padding":
            for name, values in self.params.items():
                if all(_is_whole(value) for value in values):
                    yield f"$({name} // 2)", [value // 2 for value in values]
        if not all(_is_whole(value) for value in column.values):
            return
        known = [("input.channels", self.inputs), *self.params.items(), ("previous.channels", column.before)]
        for name, values in known:
            if all(_is_whole(value) and value > 0 for value in values):
                yield from _multiples(name, values, column.values)

    def __repr__(self) -> str:
        return f"<solver of {', '.join(self.params)}>"


def _multiples(name: str, values: list[int], wanted: list[int]) -> Iterator[tuple[str, list[Any]]]:
    """A name by itself, times a number, divided by one."""
    yield f"$({name})", list(values)
    first, target = values[0], wanted[0]
    if target and target % first == 0 and target > first:
        factor = target // first
        yield f"$({factor} * {name})", [factor * value for value in values]
    if target and first % target == 0 and first > target:
        factor = first // target
        if all(value % factor == 0 for value in values):
            yield f"$({name} // {factor})", [value // factor for value in values]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
