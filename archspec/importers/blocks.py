"""Turns the uses of one class into a block, with parameters for what differs.

Uses share a block if one body can represent all of them (:mod:`archspec.importers.aligning`).  Numbers that differ
become parameters, or formulas over the input's channels and over parameters already found; so do the conditions of
steps that some uses lack.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archspec import ops
from archspec.importers.aligning import Alignment, Mismatch, signature
from archspec.importers.counting import fold_runs
from archspec.importers.formulas import Column, Formula, Solver, renamed
from archspec.importers.recognising import recognise
from archspec.importers.scopes import Group, Item, Leaf, Use, leaves, lists

MOST_TRIED = 8
"""The most blocks of one class that a use is tried with before it gets one of its own."""
MOST_INPUTS, MOST_OUTPUTS = 8, 8
"""The most values that a block reads and gives."""


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


def find(root: Group, read_by: Counter[int], channels: dict[int, int], initial: bool) -> list[Block]:
    """The blocks that a network's groups share, the library's and its own; uses replace the groups.

    ``channels`` are those of each value; ``initial`` is whether it is known how weights begin.
    """
    blocks: list[Block] = []
    taken = {"sequence", "steps", "reuse"}
    alone = [group for group in _heights(root) if group is not root and _whole(group, read_by, named=False)]
    known = recognise(alone, channels, initial)
    _replace(root, known)
    taken |= {use.block for use in known.values()}
    heights = _heights(root)
    counted = {item for group in heights if group.numbered for item in group.items}  # nothing in these has a name
    for height in sorted(set(heights.values())):
        kinds: dict[str, list[Group]] = {}
        for group in heights:
            if heights[group] == height and group is not root and _whole(group, read_by, group not in counted):
                kinds.setdefault(group.frame.kind, []).append(group)
        uses: dict[Item, Use] = {}
        for kind, groups in kinds.items():
            for alignment in _shared(groups):
                name = _free(_snake(kind), taken)
                taken.add(name)
                block, given = _block(name, alignment, channels, read_by)
                blocks.append(block)
                uses |= given
        _replace(root, uses)
    return _used(root, blocks)


def _replace(root: Group, uses: Mapping[Item, Use]) -> None:
    """Put uses of blocks in the place of groups."""
    for items in list(lists(root.items)) if uses else ():
        items[:] = [uses.get(item, item) for item in items]


def _used(root: Group, blocks: list[Block]) -> list[Block]:
    """The blocks that are reachable from the root, the larger last."""
    by_name = {block.name: block for block in blocks}
    seen: set[str] = set()
    waiting = [root.items]
    while waiting:
        for items in lists(waiting.pop()):
            for item in items:
                if isinstance(item, Use) and item.block in by_name and item.block not in seen:
                    seen.add(item.block)
                    waiting.append(by_name[item.block].body.items)
    return [block for block in blocks if block.name in seen]


def _heights(root: Group) -> dict[Group, int]:
    """Every group, with the nesting depth of possible blocks in it."""
    found: dict[Group, int] = {}

    def visit(group: Group) -> int:
        height = 0
        for items in lists(group.items):
            for item in items:
                if isinstance(item, Group) and item not in found:
                    height = max(height, visit(item) + (item.frame.kind != "Sequential"))
                elif isinstance(item, Group):
                    height = max(height, found[item] + (item.frame.kind != "Sequential"))
        found[group] = height
        return height

    visit(root)
    return found


def _whole(group: Group, read_by: Counter[int], named: bool) -> bool:
    """Whether a group is a module of its own class that can be a block."""
    return group.frame.kind != "Sequential" and _closed(group, read_by, named)


def _closed(group: Group, read_by: Counter[int], named: bool) -> bool:
    """Whether a group can be a block: it reads some values and gives its last; if it is ``named``, others too."""
    if not 1 <= len(group.reads()) <= MOST_INPUTS:
        return False
    own = {id(leaf.layer) for leaf in leaves(group.items)}
    if any(leaf.layer.again is not None and id(leaf.layer.again) not in own for leaf in leaves(group.items)):
        return False
    if len({leaf.layer.training for leaf in leaves(group.items)}) > 1:
        return False
    return len(_leaked(group, read_by)) < (MOST_OUTPUTS if named else 1)


def _leaked(group: Group, read_by: Counter[int]) -> list[int]:
    """The values of a group, without its last, that are read outside."""
    inside, last = _readings(group), group.gives
    return [value for value in group.made() if value != last and read_by[value] != inside[value]]


def _readings(group: Group) -> Counter[int]:
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


def _shared(groups: list[Group]) -> Iterator[Alignment]:
    """Sets of uses of a class that share a body, each as large as possible."""
    kinds: dict[object, list[Group]] = {}
    for group in groups:
        kinds.setdefault(signature(group), []).append(group)
    order = {group: position for position, group in enumerate(groups)}
    for some in _together(list(kinds.values()), pairwise=True):
        whole = _over(some, order)
        if whole is not None:
            yield whole
        elif len(some) > 1:  # each aligns with the first, but not all together
            parts = (_over(part, order) for part in _together(some, pairwise=False))
            yield from (part for part in parts if part is not None)


def _together(kinds: list[list[Group]], pairwise: bool) -> list[list[list[Group]]]:
    """Groups of similar uses, combined with others that a common body fits: the first of these, or all of them."""
    found: list[list[list[Group]]] = []
    for alike in kinds:
        for some in found[:MOST_TRIED]:
            tried = some[:1] if pairwise else some
            if _aligned([*(others[0] for others in tried), alike[0]]) is not None:
                some.append(alike)
                break
        else:
            found.append([alike])
    return found


def _over(some: list[list[Group]], order: dict[Group, int]) -> Alignment | None:
    """One body for all uses, in their order; None if there is none, or only one use."""
    uses = sorted((group for alike in some for group in alike), key=order.__getitem__)
    return _aligned(uses) if len(uses) > 1 else None


def _aligned(uses: list[Group]) -> Alignment | None:
    """One body for some uses; None if there is none."""
    try:
        return Alignment(uses)
    except Mismatch:
        return None


def _block(
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
    fold_runs(body, alignment.rows, _readings(body), _told, solver.count)
    inside = {id(item) for items in lists(body.items) for item in items}
    for step, row in alignment.rows.items():
        if id(step) not in inside or (isinstance(step, Leaf | Use) and step.turns is not None):  # a run is counted
            continue
        present = [item is not None for item in row]
        around = alignment.around.get(step)
        there = [around is None or alignment.rows[around][use] is not None for use in range(len(uses))]
        if any(one and not two for one, two in zip(there, present, strict=True)):
            step.when = solver.condition(present, there, words.get(step, "") or _snake(step_kind(step)))
    _rename(body, solver.listed())
    params = {key: common(values) for key, values in solver.params.items()}
    taken = {item.name.split(".")[0] for items in lists(body.items) for item in items} | params.keys()
    inputs = input_names(alignment.inputs, uses, taken)
    leaked = [{alignment.number(at, value): value for value in _leaked(use, read_by)} for at, use in enumerate(uses)]
    outputs: dict[int, str] = {}
    for number in sorted({number for own in leaked for number in own}):
        outputs[number] = free(f"out{len(outputs)}", taken | set(inputs.values()) | set(outputs.values()))
    found: dict[Item, Use] = {}
    for index, use in enumerate(uses):
        arguments = {
            key: values[index]
            for key, values in solver.params.items()
            if values[index] is not None and repr(values[index]) != repr(params[key])
        }
        readings = _readings(use)
        found[use] = Use(
            name, use.name, use.reads(), use.gives, arguments, params,
            readings=[readings[value] for value in use.reads()], checkpoint=use.frame.checkpoint,
            unread=frozenset(key for key, values in solver.params.items() if values[index] is None),
            others={value: outputs[number] for number, value in leaked[index].items()},
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


def _snake(kind: str) -> str:
    """A class's name as a block's name, in snake case."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
    return re.sub(r"\W", "_", parts).strip("_") or "block"


def _free(name: str, taken: set[str]) -> str:
    if name in ops.names() or name in ("sequence", "steps", "reuse"):
        name = f"{name}_block"
    return free(name, taken)


def free(name: str, taken: Collection[str]) -> str:
    """The name, with a number if it is taken."""
    if name not in taken:
        return name
    return next(f"{name}_{number}" for number in range(2, len(taken) + 3) if f"{name}_{number}" not in taken)
