"""Turns the uses of one class into a block, with parameters for what differs.

Uses share a block if one body can represent all of them (:mod:`archspec.importers.aligning`).  Numbers that differ
become parameters, or formulas over the input's channels and over parameters already found; so do the conditions of
steps that some uses lack.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from archspec import ops
from archspec.importers.aligning import Alignment, Mismatch, signature
from archspec.importers.bodies import Block, block_of, free, leaked, snake
from archspec.importers.recognising import recognise
from archspec.importers.scopes import Group, Item, Use, leaves, lists

MOST_TRIED = 8
"""The most blocks of one class that a use is tried with before it gets one of its own."""
MOST_INPUTS, MOST_OUTPUTS = 8, 8
"""The most values that a block reads and gives."""


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
                name = _free(snake(kind), taken)
                taken.add(name)
                block, given = block_of(name, alignment, channels, read_by)
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
    return len(leaked(group, read_by)) < (MOST_OUTPUTS if named else 1)


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


def _free(name: str, taken: set[str]) -> str:
    if name in ops.names() or name in ("sequence", "steps", "reuse"):
        name = f"{name}_block"
    return free(name, taken)
