"""Formulas for arguments that differ between a block's uses, in terms of its input's channels and its parameters."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archspec.syntax import Bare


@dataclass(slots=True, eq=False)
class Column:
    """The values of one argument of one step in each use."""

    values: list[Any]
    before: list[int]
    """The channels of the step's input."""
    name: str
    step: str
    present: list[bool]
    """Whether each use has the step."""
    kind: str = ""
    """The step's op or block."""

    @property
    def known(self) -> list[Any]:
        """The values of the uses that have the step."""
        return [value for value, there in zip(self.values, self.present, strict=True) if there]

    @property
    def varies(self) -> bool:
        """Whether the uses differ."""
        return len({repr(value) for value in self.known}) > 1

    def is_(self, values: list[Any]) -> bool:
        """Whether values equal the column's wherever the step exists."""
        rows = zip(self.values, values, self.present, strict=True)
        return all(repr(own) == repr(value) for own, value, there in rows if there)


class Solver:
    """The parameters found so far, with their values in each use."""

    def __init__(self, inputs: list[int]) -> None:
        self.inputs = inputs
        self.params: dict[str, list[Any]] = {}
        self._columns: dict[str, Column] = {}
        """The column that each parameter was made for."""
        self._series: dict[str, list[str]] = {}
        """By a name, the parameters that would have it if they were one."""

    def formula(self, column: Column) -> str:
        """The formula for an argument in the block; a new parameter if no formula is right in every use."""
        for text, values in self._guesses(column):
            if column.is_(values):
                return text
        name = column.name
        if name in self.params:
            name = f"{column.step}_{column.name}".strip("_")
        known = self._columns.get(name)
        if known is not None and (known.kind, known.present) != (column.kind, column.present):  # no series of numbers
            name = f"{column.kind}_{column.name}"
        made = self._new(name, list(column.values))
        self._columns[made] = column
        return f"${made}"

    def _new(self, name: str, values: list[Any]) -> str:
        if keyword.iskeyword(name) or name in ("input", "previous"):
            name = f"{name}_"
        base, number = name, 2
        while name in self.params:
            name, number = f"{base}_{number}", number + 1
        self.params[name] = values
        self._series.setdefault(base, []).append(name)
        return name

    def listed(self) -> dict[str, str]:
        """Put numbers that would have one name into a list; returns the formula for each parameter that is gone."""
        gone: dict[str, str] = {}
        for base, names in self._series.items():
            rows = [list(row) for row in zip(*(self.params[name] for name in names), strict=True)]
            if len(names) == 1 or not all(all(map(_is_whole, row)) or set(row) == {None} for row in rows):
                continue
            gone |= {name: f"{base}[{index}]" for index, name in enumerate(names)}
            kept = {name: values for name, values in self.params.items() if name not in names[1:]}
            self.params = kept | {base: [None if row[0] is None else row for row in rows]}
        return gone

    def count(self, word: str, counts: list[int]) -> str:
        """The name of a parameter with these values, a new one if there is none."""
        known = (name for name, values in self.params.items() if values == counts and "channels" not in name)
        return next(known, None) or self._new(word, list(counts))

    def condition(self, present: list[bool], there: list[bool], word: str) -> str:
        """The condition under which a use has a step; only uses in which the enclosing scope is ``there`` count."""
        single = [(text, values) for text, values in self._conditions() if _fits(present, values, there, one_way=True)]
        for text, values in single:
            if _fits(present, values, there):
                return text
        every = list(self._conditions())
        for sign, way in (("or", any), ("and", all)):
            for index, (one, first) in enumerate(every):
                for two, second in every[index + 1 :]:
                    both = [way(pair) for pair in zip(first, second, strict=True)]
                    if _fits(present, both, there):
                        return f"{one} {sign} {two}"
        return self._new(word or "has_step", list(present))

    def _conditions(self) -> Iterator[tuple[str, list[bool]]]:
        """Simple conditions with their values in each use."""
        for name, values in self.params.items():
            if all(isinstance(value, bool) for value in values):
                yield name, list(values)
                yield f"not {name}", [not value for value in values]
        whole = {name: values for name, values in self.params.items() if all(map(_is_whole, values))}
        for name, values in whole.items():
            if "stride" in name:
                yield f"{name} != 1", [value != 1 for value in values]
                yield f"{name} == 1", [value == 1 for value in values]
        for name, values in whole.items():
            if "channels" in name or "features" in name:
                pairs = list(zip(self.inputs, values, strict=True))
                yield f"input.channels != {name}", [one != two for one, two in pairs]
                yield f"input.channels == {name}", [one == two for one, two in pairs]
        for name, values in whole.items():
            for bound in sorted(set(values)):
                yield f"{name} != {bound}", [value != bound for value in values]
                yield f"{name} == {bound}", [value == bound for value in values]

    def _guesses(self, column: Column) -> Iterator[tuple[str, list[Any]]]:
        """Candidate formulas with their values in each use, the simplest first."""
        for name, values in self.params.items():
            yield f"${name}", values
        if column.name == "groups":
            yield "$(previous.channels)", list(column.before)
        if column.name == "padding":
            for name, values in self.params.items():
                if all(_is_whole(value) for value in values):
                    yield f"$({name} // 2)", [value // 2 for value in values]
        if not all(_is_whole(value) for value in column.known):
            return
        if not self.params:  # the first parameter is the output's channels, unless they are the input's
            yield "$(input.channels)", list(self.inputs)
            return
        known = [("input.channels", self.inputs), *self.params.items(), ("previous.channels", column.before)]
        at = column.present.index(True)
        for name, values in known:
            if all(_is_whole(value) for value in values) and values[at] > 0:
                yield from _multiples(name, values, column.values[at], at)

    def __repr__(self) -> str:
        return f"<solver of {', '.join(self.params)}>"


def _multiples(name: str, values: list[int], target: int, at: int) -> Iterator[tuple[str, list[Any]]]:
    """Formulas: a name alone, times a number, divided by a number; one use determines the number."""
    yield f"$({name})", list(values)
    first = values[at]
    if target and target % first == 0 and target > first:
        factor = target // first
        yield f"$({factor} * {name})", [factor * value for value in values]
    if target and first % target == 0 and first > target:
        factor = first // target
        if all(value % factor == 0 for value in values):
            yield f"$({name} // {factor})", [value // factor for value in values]


def _fits(present: list[bool], values: list[bool], there: list[bool], one_way: bool = False) -> bool:
    """Whether a condition holds in exactly the uses with the step; ``one_way``: in no use without it."""
    rows = zip(present, values, there, strict=True)
    return all(two == one or (one_way and one) for one, two, around in rows if around)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A formula, or what stands inside of one, with other words for some names."""
    if text[:1] == "$" and text[1:] in names:
        return f"$({names[text[1:]]})"
    return re.sub(r"(?<![\w.])[A-Za-z_]\w*", lambda found: names.get(found[0], found[0]), text)


class Formula(Bare):
    """An expression, which is written without quotes."""

    __slots__ = ()


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
