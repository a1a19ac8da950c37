"""Runs of steps in the text of an imported network: ``repeat`` for equal ones, ``for`` over what differs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from archspec.importers.formulas import Formula
from archspec.syntax import flow

LEAST = 3
"""The fewest steps, or stages of steps, that are worth a loop over numbers."""
WIDEST = 3
"""The most numbers that one turn of a loop is given."""
LONGEST = 120
"""The longest list of a loop, in characters."""
MOST_PARTS = 200
"""The most steps over which a number grows evenly."""


@dataclass(slots=True, eq=False)
class Step:
    """One step as it will be written."""

    head: str
    name: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    branches: list[list[Step]] | None = None
    steps: list[Step] | None = None
    bare: bool = False
    beside: dict[str, Any] = field(default_factory=dict)
    """``from``, ``label``, ``for``, ``repeat``."""
    usual: Callable[[str], Any] | None = None
    """The value of an argument that is not given."""
    unread: frozenset[str] = frozenset()
    """Arguments that may have any value."""


def repeated(steps: list[Step]) -> list[Step]:
    """Steps with runs of equal ones written as one with ``repeat``, and runs of numbered names as one with ``for``."""
    steps = _shorter(_tables(steps), steps)
    found: list[Step] = []
    at = 0
    while at < len(steps):
        end = at + 1
        while end < len(steps) and _follows(steps[at], steps[end], end - at):
            end += 1
        step = steps[at]
        count = end - at
        numbered = re.fullmatch(r"(.*?)(\d+)", step.name)
        if count > 1 and not step.name:
            step = Step(step.head, "", step.arguments, step.branches, step.steps, beside={"repeat": count})
        elif count > 2 and numbered is not None:
            first = int(numbered[2])
            clause = f"i in range({first}, {first + count})" if first else f"i in range({count})"
            step = Step(
                step.head, f"{numbered[1]}$i", step.arguments, step.branches, step.steps, beside={"for": clause}
            )
        else:
            end = at + 1
        found.append(step)
        at = end
    return found


def _follows(first: Step, other: Step, distance: int) -> bool:
    """Whether a step equals an earlier one, except that the number in its name is ``distance`` higher."""
    if first.beside or other.beside or (first.branches is not None and first.name):
        return False
    if first.name:
        one, two = re.fullmatch(r"(.*?)(\d+)", first.name), re.fullmatch(r"(.*?)(\d+)", other.name)
        if one is None or two is None or one[1] != two[1] or int(two[2]) != int(one[2]) + distance:
            return False
        if str(int(one[2])) != one[2] or str(int(two[2])) != two[2]:
            return False
    elif other.name:
        return False
    return (first.head, _told(first)) == (other.head, _told(other))


def _told(step: Step) -> Any:
    inner = None if step.steps is None else [(one.head, one.name, _told(one)) for one in step.steps]
    branches = None
    if step.branches is not None:
        branches = [[(one.head, one.name, _told(one)) for one in branch] for branch in step.branches]
    return repr(step.arguments), repr(step.beside) if inner is None else "", inner, branches


# -- loops over numbers ------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Stage:
    """Equal steps in a row, of which the first may have a stride of its own."""

    first: Step
    rest: Step
    count: int

    @property
    def own(self) -> str:
        """The argument in which the first differs; empty if it does not."""
        return next(
            (name for name in _keys(self.first, self.rest) if _value(self.first, name) != _value(self.rest, name)), ""
        )


def _tables(steps: Sequence[Step]) -> list[Step]:
    """Steps with each run of one op or block, with other numbers in each, as a loop where that is shorter."""
    found: list[Step] = []
    at = 0
    while at < len(steps):
        end = at + 1
        while end < len(steps) and _plain(steps[at]) and _plain(steps[end]) and steps[end].head == steps[at].head:
            end += 1
        run = list(steps[at:end])
        found += _shorter(_table(run), run) if len(run) >= LEAST else run
        at = end
    return found


def _shorter(tried: list[Step] | None, plain: list[Step]) -> list[Step]:
    """Steps in another form if they have fewer lines in it."""
    return tried if tried is not None and _length(tried) < _length(plain) else plain


def _length(steps: list[Step]) -> int:
    """How many lines steps have, equal ones in a row taken together."""
    count, before = 0, None
    for step in steps:
        now = (step.head, step.name, _told(step))
        if now == before and not step.beside:
            continue
        count += 1 + len(step.beside)
        count += _length(step.steps) if step.steps is not None else sum(map(_length, step.branches or ()))
        before = now
    return count


def _plain(step: Step) -> bool:
    """Whether a step is nothing but an op or a block with its arguments."""
    return (
        not step.name and not step.beside and step.branches is None and step.steps is None and "" not in step.arguments
    )


def _keys(*steps: Step) -> list[str]:
    return list(dict.fromkeys(name for step in steps for name in step.arguments))


def _value(step: Step, name: str) -> Any:
    """An argument of a step, given or not."""
    return step.arguments[name] if name in step.arguments or step.usual is None else step.usual(name)


def _table(run: list[Step]) -> list[Step] | None:
    """A run as a loop over its stages; None if that cannot be written."""
    if not _stands(run):
        return None
    stages = list(_stages(run))
    even = _progression(run)
    if even is not None or len(stages) < LEAST:
        return even
    names = _keys(*run)
    own = {stage.own for stage in stages} - {""}
    columns = {name: [_value(stage.rest, name) for stage in stages] for name in names}
    wide = [name for name, values in columns.items() if len(set(map(repr, values))) > 1]
    given: dict[str, Any] = {name: Formula(f"${name}") if name in wide else columns[name][0] for name in names}
    for name in own:
        if name in wide:
            return None
        columns[name] = [_value(stage.first, name) for stage in stages]
        wide.append(name)
        given[name] = Formula(f"$({name} if i == 0 else {flow(_value(stages[0].rest, name))})")
    counts = [stage.count for stage in stages]
    inner = {} if set(counts) == {1} else {"for": f"i in range({'depth' if len(set(counts)) > 1 else counts[0]})"}
    if len(set(counts)) > 1:
        columns["depth"] = counts
        wide.append("depth")
    if not 1 <= len(wide) <= WIDEST or (own and not inner) or not _free(run, {*wide, "i"}):
        return None
    rows = [[columns[name][at] for name in wide] for at in range(len(stages))]
    clause = f"{', '.join(wide)} in {flow([row[0] if len(wide) == 1 else row for row in rows])}"
    if len(clause) > LONGEST:
        return None
    step = Step(run[0].head, "", _given(given, run), beside=inner or {"for": clause}, usual=run[0].usual)
    return [Step("steps", "", steps=[step], beside={"for": clause})] if inner else [step]


def _given(arguments: dict[str, Any], run: Sequence[Step]) -> dict[str, Any]:
    """Arguments without those that no step of a run is given."""
    usual = run[0].usual
    return {
        name: value for name, value in arguments.items()
        if isinstance(value, Formula) or usual is None or repr(usual(name)) != repr(value)
    }  # fmt: skip


def _stages(run: Sequence[Step]) -> Iterator[Stage]:
    """The stages of a run."""
    at = 0
    while at < len(run):
        end = at + 1
        stage = Stage(run[at], run[at], 1)
        if end < len(run):
            tried = Stage(run[at], run[end], 2)
            apart = [name for name in _keys(run[at], run[end]) if _value(run[at], name) != _value(run[end], name)]
            if not apart or (len(apart) == 1 and "stride" in apart[0]):
                stage = tried
                while end < len(run) and _told(run[end]) == _told(tried.rest):
                    end += 1
                stage.count = end - at
        yield stage
        at = end


def _stands(run: Sequence[Step]) -> bool:
    """Whether the numbers that differ in a run can stand in a list."""
    for name in _keys(*run):
        values = [_value(step, name) for step in run]
        known = all(isinstance(value, int | float) or value == values[0] for value in values)
        if not known or any(value is ... for value in values):
            return False
    return True


def _free(run: Sequence[Step], names: set[str]) -> bool:
    """Whether no formula in a run has one of the names."""
    texts = [value for step in run for value in step.arguments.values() if isinstance(value, Formula)]
    return not any(re.search(rf"\b{name}\b", text) for text in texts for name in names)


def _progression(run: Sequence[Step]) -> list[Step] | None:
    """A run of which the first has a stride of its own and a probability grows evenly, such as stochastic depth's."""
    given: dict[str, Any] = {}
    for name in _keys(*run):
        values = [_value(step, name) for step in run]
        if len(set(map(repr, values))) == 1:
            given[name] = values[0]
        elif "stride" in name and len(set(values[1:])) == 1:
            given[name] = Formula(f"$({flow(values[0])} if i == 0 else {flow(values[1])})")
        elif formula := evenly([None if name in step.unread else _value(step, name) for step in run]):
            given[name] = Formula(f"$({formula})")
        else:
            return None
    if not _free(run, {"i"}):
        return None
    beside = {"for": f"i in range({len(run)})"}
    return [Step(run[0].head, "", _given(given, run), beside=beside, usual=run[0].usual)]


def evenly(values: Sequence[float | None]) -> str:
    """A formula in ``i`` that gives the very numbers, which grow by an even amount; empty without one.

    It has the fewest decimals that give them: ``0.2 * (i + 3) / 16``.  None stands for any number.
    """
    known = [(at, value) for at, value in enumerate(values) if value is not None]
    if len(known) < 2 or not all(isinstance(value, int | float) for _, value in known):
        return ""
    (first, low), (last, high) = known[0], known[-1]
    step = (high - low) / (last - first)
    if step <= 0:
        return ""
    start = round(low / step) - first
    for unit in (10, 20, 100):
        for parts in range(1, MOST_PARTS):
            whole = round(step * parts * unit) / unit
            if whole and all(whole * (at + start) / parts == value for at, value in known):
                place = f"(i {'+' if start > 0 else '-'} {abs(start)})" if start else "i"
                return f"{whole} * {place} / {parts}"
    return ""
