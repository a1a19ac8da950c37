"""Finds the parallel branches before a sum, product or concatenation and puts them into it."""

from __future__ import annotations

from collections import Counter

from archspec import ops
from archspec.importers.scopes import Group, Item, Leaf

DEEPEST = 12
"""The deepest nesting of branches; deeper merges read by name."""
LONGEST = 256
"""The most steps in a branch, without those in its own branches."""


def fold(group: Group, read_by: Counter[int]) -> None:
    """Put branches into the merges of a group and of its subgroups; ``read_by`` counts the readers of each value."""
    for item in group.items:
        if isinstance(item, Group):
            fold(item, read_by)
    if group.numbered:
        return
    done: list[Item] = []
    for item in group.items:
        done.append(item)
        if isinstance(item, Leaf) and _folds(item) and len(set(item.layer.reads)) > 1:
            _fold(done, item, read_by)
    group.items = done


def _folds(item: Leaf) -> bool:
    """Whether branches can be written in a merge: its list of branches leaves no place for arguments."""
    return ops.find(item.layer.op).merges and not item.layer.arguments


def readers(group: Group) -> Counter[int]:
    """How often each value is read."""
    found: Counter[int] = Counter()
    for item in group.items:
        if isinstance(item, Group):
            found.update(readers(item))
        elif isinstance(item, Leaf):
            found.update([*item.layer.reads, *item.layer.refers.values()])
    return found


def _fold(done: list[Item], merge: Leaf, read_by: Counter[int]) -> None:
    """Find the branches of the merge at the end of the items, and put them into it."""
    reads = merge.layer.reads
    end = len(done) - 1
    segments: list[list[Item]] = []
    starts: set[int] = set()
    for position in range(len(reads) - 1, -1, -1):
        value = reads[position]
        if reads.count(value) > 1 or end == 0 or done[end - 1].gives != value or read_by[value] != 1:
            segments.append([])
            starts.add(value)
            continue
        begin = _begin(done, end, read_by, set(reads[:position]))
        segment = done[begin:end]
        source = _sources(segment)
        if len(source) != 1:
            return
        segments.append(segment)
        starts |= source
        end = begin
    if len(starts) != 1 or not any(segments):
        return
    if sum(not segment for segment in segments) > 1:
        return
    deepest = max((_depth(item) for segment in segments for item in segment), default=0)
    if deepest >= DEEPEST:
        return
    merge.depth = deepest + 1
    merge.branches, merge.start = segments[::-1], starts.pop()
    if merge.layer.named:  # its own name would be the prefix of those in its branches
        merge.name = ""
    del done[end:-1]


def _depth(item: Item) -> int:
    """How deep branches are nested in an item."""
    if isinstance(item, Group):
        return max((_depth(inner) for inner in item.items), default=0)
    return item.depth if isinstance(item, Leaf) else 0


def _begin(done: list[Item], end: int, read_by: Counter[int], others: set[int]) -> int:
    """Where the branch that ends before a position begins: as far back as nothing else reads its values."""
    begin = end - 1
    inside: Counter[int] = Counter(_readings(done[begin]))
    while begin > 0 and end - begin < LONGEST:
        before = done[begin - 1]
        made = list(before.made())
        if before.gives in others or not any(inside[value] for value in made):
            break
        own = Counter(_readings(before))
        if any(read_by[value] != inside[value] + own[value] for value in made):
            break
        inside.update(own)
        begin -= 1
    return begin


def _readings(item: Item) -> list[int]:
    """Every value read in an item, including its nested items, once for each reading."""
    if isinstance(item, Group):
        return [value for inner in item.items for value in _readings(inner)]
    if not isinstance(item, Leaf):
        return item.reads()
    found = [*item.layer.reads, *item.layer.refers.values()]
    for branch in item.branches or ():
        found += [value for inner in branch for value in _readings(inner)]
    return found


def _sources(segment: list[Item]) -> set[int]:
    made = {value for item in segment for value in item.made()}
    return {value for item in segment for value in item.reads() if value not in made}
