"""The rows that no other row beats: the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.diagnostics import Diagnostic, SpecError, did_you_mean, printable
from archspec.records import record
from archspec.sweeping.rows import MEASURES, SCORE, Measure, Row


@record
class Axis:
    """A measure, and whether more of it is better."""

    measure: Measure
    most: bool

    def cost(self, row: Row) -> float | None:
        """The measure with the sign with which less is better."""
        found = self.measure.of(row)
        return None if found is None else -found if self.most else found

    def __str__(self) -> str:
        return f"{self.measure.name}:{'most' if self.most else 'least'}"


def usual_axes(rows: Sequence[Row]) -> tuple[Axis, ...]:
    """Few multiply-adds and a high score; without scores many parameters, as the capacity."""
    trained = any(SCORE in row.trial for row in rows)
    second = Axis(MEASURES[SCORE], True) if trained else Axis(MEASURES["parameters"], True)
    return Axis(MEASURES["macs"], False), second


def axes(text: str) -> tuple[Axis, ...]:
    """The axes of ``macs:least,parameters:most``; without a word after it, a measure's own.  Raises SpecError."""
    found: list[Axis] = []
    for part in text.split(","):
        name, _, way = part.strip().partition(":")
        if name not in MEASURES:
            hint = did_you_mean(name, MEASURES) or f"the measures are {', '.join(MEASURES)}"
            raise SpecError([Diagnostic("unknown-measure", f"there is no measure `{printable(name, 60)}`", hint=hint)])
        if way not in ("", "least", "most"):
            message = f"`{printable(way, 60)}` is not a way to compare `{name}`"
            raise SpecError([Diagnostic("wrong-value", message, hint=f"write {name}:least or {name}:most")])
        found.append(Axis(MEASURES[name], MEASURES[name].most if not way else way == "most"))
    if len(found) < 2:
        raise SpecError([Diagnostic("wrong-value", "a front needs two measures", hint="macs:least,parameters:most")])
    return tuple(found)


def front(rows: Sequence[Row], by: Sequence[Axis]) -> list[Row]:
    """The rows that no row beats: none is better on one axis and as good on all others.  Sorted by the first axis.

    Rows with the same values on all axes stay together; rows without one of the measures are left out.
    """
    costs = [(tuple(axis.cost(row) for axis in by), row) for row in rows if row.reason is None]
    known = [(tuple(each for each in cost if each is not None), row) for cost, row in costs]
    kept: list[tuple[tuple[float, ...], Row]] = []
    for cost, row in sorted(((c, row) for c, row in known if len(c) == len(by)), key=lambda one: one[0]):
        if not any(_beats(other, cost) for other, _ in reversed(kept)):
            kept.append((cost, row))
    return [row for _, row in kept]


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(left <= right for left, right in zip(one, other, strict=True))
