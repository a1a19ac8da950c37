"""The body that all uses of a block share, with formulas in place of what differs, and its parameters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archspec import ops
from archspec.importers.aligning import Alignment
from archspec.importers.counting import fold_runs
from archspec.importers.formulas import Column, Formula, Solver, renamed
from archspec.importers.scopes import Group, Item, Leaf, Use, lists


@dataclass(slots=True, eq=False)
class Block:
    """A block: its body, with formulas in place of what differs."""

    name: str
    body: Group
    params: dict[str, Any] = field(default_factory=dict)
    """The name and default of each parameter; ``...`` if there is no default."""
    inputs: dict[int, str] = field(default_factory=lambda: {0: "input"})
    """The name of each input, by its value in the body."""
    outputs: dict[int, str] = field(default_factory=dict)
    """The label of each value that is read outside besides the last."""


def block_of(
    name: str, alignment: Alignment, channels: dict[int, int], read_by: Counter[int]
) -> tuple[Block, dict[Item, Use]]:
    """A block and its uses."""
    uses = alignment.uses
    body = alignment.body
    solver = Solver([channels.get(use.reads()[0], 0) for use in uses])
    words = dict(_words(body.items, ""))
    columns: list[tuple[Item, Column]] = []
    for step, row in alignment.rows.items():
        if isinstance(step, Group) or (isinstance(step, Leaf) and step.layer.again is not None):
            continue
        there = [given(item) for item in row if item is not None and not isinstance(item, Group)]
        for argument in dict.fromkeys(argument for one in there for argument in one):
            values = [
                None if item is None or isinstance(item, Group) else given(item).get(argument, default(item, argument))
                for item in row
            ]
            before = [channels.get(item.reads()[0], 0) if item is not None and item.reads() else 0 for item in row]
            present = [item is not None for item in row]
            columns.append((step, Column(values, before, argument, words.get(step, ""), present, step_kind(step))))
    widths = ("channels", "features")
    own = [step for step, column in columns if column.name in widths and column.varies and all(column.present)]
    columns.sort(key=lambda pair: not (own and pair[0] is own[-1] and pair[1].name in widths))
    for step, column in columns:
        if not isinstance(step, Group):
            given(step)[column.name] = Formula(solver.formula(column)) if column.varies else column.known[0]
    fold_runs(body, alignment.rows, readings(body), _told, solver.count)
    inside = {id(item) for items in lists(body.items) for item in items}
    for step, row in alignment.rows.items():
        if id(step) not in inside or (isinstance(step, Leaf | Use) and step.turns is not None):  # a run is counted
            continue
        present = [item is not None for item in row]
        around = alignment.around.get(step)
        there = [around is None or alignment.rows[around][use] is not None for use in range(len(uses))]
        if any(one and not two for one, two in zip(there, present, strict=True)):
            step.when = solver.condition(present, there, words.get(step, "") or snake(step_kind(step)))
    _rename(body, solver.listed())
    params = {key: common(values) for key, values in solver.params.items()}
    taken = {item.name.split(".")[0] for items in lists(body.items) for item in items} | params.keys()
    inputs = input_names(alignment.inputs, uses, taken)
    further = [{alignment.number(at, value): value for value in leaked(use, read_by)} for at, use in enumerate(uses)]
    outputs: dict[int, str] = {}
    for number in sorted({number for own in further for number in own}):
        outputs[number] = free(f"out{len(outputs)}", taken | set(inputs.values()) | set(outputs.values()))
    found: dict[Item, Use] = {}
    for index, use in enumerate(uses):
        arguments = {
            key: values[index]
            for key, values in solver.params.items()
            if values[index] is not None and repr(values[index]) != repr(params[key])
        }
        counts = readings(use)
        found[use] = Use(
            name, use.name, use.reads(), use.gives, arguments, params,
            readings=[counts[value] for value in use.reads()], checkpoint=use.frame.checkpoint,
            unread=frozenset(key for key, values in solver.params.items() if values[index] is None),
            others={value: outputs[number] for number, value in further[index].items()},
        )  # fmt: skip
    return Block(name, body, params, inputs, outputs), found


def input_names(numbers: Sequence[int], uses: Sequence[Group], taken: Collection[str]) -> dict[int, str]:
    """The names of a block's inputs by their values in its body: those of the module, which differ from ``taken``."""
    if len(numbers) == 1:
        return {numbers[0]: "input"}
    found: dict[int, str] = {}
    for at, number in enumerate(numbers):
        known = (use.frame.inputs.get(use.reads()[at], "") for use in uses)
        word = next((word for word in known if re.fullmatch(r"[A-Za-z_]\w*", word, re.ASCII)), f"x{at}")
        found[number] = free(word, {*taken, *found.values(), "input", "previous"})
    return found


def _rename(body: Group, names: Mapping[str, str]) -> None:
    """Write other words for some parameters in a body."""
    for items in lists(body.items) if names else ():
        for item in items:
            item.when = renamed(item.when, names)
            if isinstance(item, Group):
                continue
            for key, value in given(item).items():
                if isinstance(value, Formula):
                    given(item)[key] = Formula(renamed(value, names))
            if item.turns is not None:
                item.turns = (item.turns[0], renamed(item.turns[1], names))


def _told(item: Item) -> object:
    """Everything about a step but its name and its values."""
    assert isinstance(item, Leaf | Use)
    return (item.block if isinstance(item, Use) else item.layer.op), repr(given(item))


def common(values: list[Any]) -> Any:
    """The value of most uses, as the default; ``...`` if no value is in the majority and each use gives one."""
    known = [value for value in values if value is not None]
    most, count = Counter(map(repr, known)).most_common(1)[0]
    value = next(value for value in known if repr(value) == most)
    if len({isinstance(one, str) for one in known}) > 1:  # a default would fix the type of all
        values[:] = [value if one is None else one for one in values]
        return ...
    if len(known) < len(values):  # some uses lack the step, and give no value
        return value
    return value if count * 2 > len(known) and not isinstance(value, list | tuple) else ...


def given(step: Leaf | Use) -> dict[str, Any]:
    """The arguments of a step."""
    return step.layer.arguments if isinstance(step, Leaf) else step.arguments


def default(step: Leaf | Use, name: str) -> Any:
    """The default of an argument."""
    if isinstance(step, Use):
        return step.defaults[name]
    return ops.find(step.layer.op).model_fields[name].get_default()


def step_kind(step: Item) -> str:
    """The kind of a step, in a word."""
    return step.block if isinstance(step, Use) else step.frame.kind if isinstance(step, Group) else step.layer.op


def _words(items: list[Item], around: str) -> Iterator[tuple[Item, str]]:
    """For each step of a block, the prefix of its parameters' names."""
    for item in items:
        own = around if not item.name or item.name.isdigit() else re.sub(r"\W", "_", item.name)
        yield item, own
        if isinstance(item, Group):
            yield from _words(item.items, own)
        elif isinstance(item, Leaf):
            for branch in item.branches or ():
                yield from _words(branch, around)


def leaked(group: Group, read_by: Counter[int]) -> list[int]:
    """The values of a group, without its last, that are read outside."""
    inside, last = readings(group), group.gives
    return [value for value in group.made() if value != last and read_by[value] != inside[value]]


def readings(group: Group) -> Counter[int]:
    """How often each value is read in a group."""
    found: Counter[int] = Counter()
    for items in lists(group.items):
        for item in items:
            if isinstance(item, Leaf):
                found.update([*item.layer.reads, *item.layer.refers.values()])
            elif isinstance(item, Use):
                for source, readings in zip(item.sources, item.readings, strict=True):
                    found[source] += readings
    return found


def snake(kind: str) -> str:
    """A class's name as a block's name, in snake case."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
    return re.sub(r"\W", "_", parts).strip("_") or "block"


def free(name: str, taken: Collection[str]) -> str:
    """The name, with a number if it is taken."""
    if name not in taken:
        return name
    return next(f"{name}_{number}" for number in range(2, len(taken) + 3) if f"{name}_{number}" not in taken)
