"""Uses of one class side by side: a block, with parameters for what differs.

Uses share a block when they hold the same steps, wired the same way.  Numbers that differ become parameters, or
formulas over the channels that come in and over parameters found before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from archspec import ops
from archspec.importers.formulas import Column, Solver
from archspec.importers.network import Network
from archspec.importers.scopes import Group, Item, Leaf, leaves


@dataclass(slots=True, eq=False)
class Block:
    """A block: one of its uses stands for all, with formulas in place of what differs."""

    name: str
    uses: list[Group]
    params: dict[str, Any] = field(default_factory=dict)
    """Name and default of each parameter; ``...`` for none."""
    formulas: dict[tuple[int, str], str] = field(default_factory=dict)
    """By the place of a step in the block and the name of an argument, what the block says for it."""
    arguments: dict[Group, dict[str, Any]] = field(default_factory=dict)
    """Of each use, the values of the parameters that are not the default."""


@dataclass(slots=True, eq=False)
class Blocks:
    """The blocks of a network."""

    all: list[Block] = field(default_factory=list)
    of: dict[Group, Block] = field(default_factory=dict)

    def steps(self, items: list[Item]) -> Iterator[Leaf | Group]:
        """The steps of a block in order: layers, and uses of other blocks as one step."""
        for item in items:
            if isinstance(item, Group) and item not in self.of:
                yield from self.steps(item.items)
                continue
            if isinstance(item, Leaf):
                for branch in item.branches or ():
                    yield from self.steps(branch)
            yield item

    def given(self, step: Leaf | Group) -> dict[str, Any]:
        """The arguments of a step."""
        return step.layer.arguments if isinstance(step, Leaf) else self.of[step].arguments[step]


def find(root: Group, network: Network, read_by: Counter[int], channels: dict[int, int]) -> Blocks:
    """The blocks that a network's groups share; ``channels`` are those of each value."""
    blocks = Blocks()
    taken = {name for name in ops.names()} | {"sequence", "steps", "reuse"}
    kinds: dict[tuple[str, Hashable], list[Group]] = {}
    heights = _heights(root)
    for height in sorted(set(heights.values())):
        kinds.clear()
        for group in heights:
            if heights[group] == height and group is not root and not group.numbered and _closed(group, read_by):
                kinds.setdefault((group.frame.kind, _skeleton(group, blocks)), []).append(group)
        for (kind, _), uses in kinds.items():
            if len(uses) > 1:
                name = _free(_snake(kind), taken)
                taken.add(name)
                block = Block(name, uses)
                _solve(block, blocks, channels)
                blocks.all.append(block)
                blocks.of.update(dict.fromkeys(uses, block))
    used = {step for group in [root] for step in _reached(group, blocks)}
    blocks.all = [block for block in blocks.all if block in used]
    return blocks


def _reached(group: Group, blocks: Blocks) -> Iterator[Block]:
    """The blocks that are used where steps are written out."""
    waiting: list[list[Item]] = [group.items]
    seen: set[Block] = set()
    while waiting:
        for step in blocks.steps(waiting.pop()):
            if isinstance(step, Group) and blocks.of[step] not in seen:
                seen.add(blocks.of[step])
                yield blocks.of[step]
                waiting.append(blocks.of[step].uses[0].items)


def _heights(root: Group) -> dict[Group, int]:
    """Every group, with how deep groups are nested in it; those within before those around."""
    found: dict[Group, int] = {}

    def visit(group: Group) -> int:
        height = 0
        for item in _inner(group.items):
            height = max(height, visit(item) + 1)
        found[group] = height
        return height

    visit(root)
    return found


def _inner(items: list[Item]) -> Iterator[Group]:
    for item in items:
        if isinstance(item, Group):
            yield item
        else:
            for branch in item.branches or ():
                yield from _inner(branch)


def _closed(group: Group, read_by: Counter[int]) -> bool:
    """Whether a group reads one value and gives one, its last."""
    if len(group.reads()) != 1 or any(leaf.layer.again is not None for leaf in leaves(group.items)):
        return False
    if len({leaf.layer.training for leaf in leaves(group.items)}) != 1:
        return False
    inside: Counter[int] = Counter()
    for leaf in leaves(group.items):
        inside.update([*leaf.layer.reads, *leaf.layer.refers.values()])
    return all(read_by[value] == inside[value] for value in group.made() if value != group.gives)


def _skeleton(group: Group, blocks: Blocks) -> Hashable:
    """What uses that share a block have in common."""
    place: dict[int, int] = {group.reads()[0]: -1}

    def told(item: Item) -> Hashable:
        if isinstance(item, Group):
            found: Hashable
            if item in blocks.of:
                found = ("use", blocks.of[item].name, item.name, tuple(place[value] for value in item.reads()))
            else:
                found = ("group", item.name, item.numbered, tuple(told(inner) for inner in item.items))
            place[item.gives] = len(place)
            return found
        branches = None
        if item.branches is not None:
            branches = tuple(tuple(told(inner) for inner in branch) for branch in item.branches)
        layer = item.layer
        reads = tuple(place[value] for value in layer.reads)
        refers = tuple((name, place[value]) for name, value in layer.refers.items())
        place[layer.gives] = len(place)
        return (layer.op, item.name, reads, refers, branches)

    return tuple(told(item) for item in group.items)


def _solve(block: Block, blocks: Blocks, channels: dict[int, int]) -> None:
    """Find the parameters of a block."""
    rows = [list(blocks.steps(use.items)) for use in block.uses]
    inputs = [channels.get(use.reads()[0], 0) for use in block.uses]
    solver = Solver(inputs)
    words = list(_words(block.uses[0].items, blocks, ""))
    columns: list[tuple[tuple[int, str], Column]] = []
    for place, steps in enumerate(zip(*rows, strict=True)):
        given = [blocks.given(step) for step in steps]
        for name in dict.fromkeys(name for one in given for name in one):
            values = [one.get(name, default(steps[0], name, blocks)) for one in given]
            before = [channels.get(step.reads()[0], 0) if step.reads() else 0 for step in steps]
            columns.append(((place, name), Column(values, before, name, words[place])))
    last = [key for key, column in columns if key[1] in ("channels", "features") and column.varies]
    columns.sort(key=lambda pair: (pair[0] != last[-1] if last else False, pair[0]))
    for key, column in columns:
        if column.varies:
            block.formulas[key] = solver.formula(column)
    for name, values in solver.params.items():
        most, count = Counter(map(repr, values)).most_common(1)[0]
        common = next(value for value in values if repr(value) == most)
        block.params[name] = common if count * 2 > len(values) and not isinstance(common, list) else ...
    for index, use in enumerate(block.uses):
        own = {name: values[index] for name, values in solver.params.items()}
        block.arguments[use] = {
            name: value for name, value in own.items() if repr(value) != repr(block.params[name])
        }


def default(step: Leaf | Group, name: str, blocks: Blocks) -> Any:
    """What an argument is where it is left out."""
    if isinstance(step, Group):
        return blocks.of[step].params[name]
    return ops.find(step.layer.op).model_fields[name].get_default()


def _words(items: list[Item], blocks: Blocks, around: str) -> Iterator[str]:
    """For each step of a block, in the order of :meth:`Blocks.steps`, the word its parameters begin with."""
    for item in items:
        own = around if not item.name or item.name.isdigit() else re.sub(r"\W", "_", item.name)
        if isinstance(item, Group) and item not in blocks.of:
            yield from _words(item.items, blocks, own)
            continue
        if isinstance(item, Leaf):
            for branch in item.branches or ():
                yield from _words(branch, blocks, around)
        yield own


def _snake(kind: str) -> str:
    """A class's name as a block's."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
    return re.sub(r"\W", "_", parts).strip("_") or "block"


def _free(name: str, taken: set[str]) -> str:
    if name in ops.names() or name in ("sequence", "steps", "reuse"):
        name = f"{name}_block"
    if name not in taken:
        return name
    return next(f"{name}_{number}" for number in range(2, len(taken) + 3) if f"{name}_{number}" not in taken)
