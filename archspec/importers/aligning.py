"""Aligns the uses of one class: one body that represents all of them, and the steps that some lack.

A use may lack a step (written with `when`; its input is passed on), the steps of a branch, which is then the input
itself, or the shortcut branch, so that nothing is merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archspec import ops
from archspec.importers.network import Layer
from archspec.importers.scopes import Group, Item, Leaf, Use


class Mismatch(Exception):
    """The uses have no common body."""


class Alignment:
    """One body for several uses; its values are renumbered, the first input being 0, the others less than that."""

    def __init__(self, uses: Sequence[Group]) -> None:
        self.uses = uses
        self.rows: dict[Item, list[Item | None]] = {}
        """For each step of the body, its counterpart in each use."""
        self.around: dict[Item, Item] = {}
        """The group or merge of the body that contains a step, if any."""
        reads = [use.reads() for use in uses]
        self.inputs = [-2 * at for at in range(len(reads[0]))]
        """The numbers of the inputs."""
        if any(len(own) != len(self.inputs) for own in reads):
            raise Mismatch
        self._known: list[dict[int, set[int]]] = [
            {value: {number} for value, number in zip(own, self.inputs, strict=True)} for own in reads
        ]
        """For each use, the numbers in the body of each of its values."""
        self._passed: list[tuple[int, int, int]] = []
        """Uses, values and numbers in the body, where a use lacks a step that would have given the number."""
        self._made = 0
        self._layers: dict[int, Layer] = {}
        """The body's layer, by the id of a use's layer."""
        first = uses[0]
        current = [use.reads()[0] for use in uses]
        lists: list[list[Item] | None] = [list(use.items) for use in uses]
        self.body = Group(first.frame, first.name, numbered=first.numbered)
        if any(use.numbered is not first.numbered for use in uses):
            raise Mismatch
        self.body.items = self._list(_without_shortcut(lists), current, numbered=first.numbered)
        self._enclose(self.body.items, None)

    def _enclose(self, items: list[Item], around: Item | None) -> None:
        for item in items:
            if around is not None:
                self.around[item] = around
            if isinstance(item, Group):
                self._enclose(item.items, item)
            for branch in (item.branches or ()) if isinstance(item, Leaf) else ():
                self._enclose(branch, item)

    def _list(self, lists: Sequence[list[Item] | None], current: list[int], numbered: bool) -> list[Item]:
        """Align lists of items in sequence; ``current`` is the latest value of each use, and is updated."""
        keys = {use: [_key(item, numbered) for item in items] for use, items in enumerate(lists) if items is not None}
        longest = max(keys.values(), key=len)
        names = [[item.name for item in items] for items in lists if items is not None] if numbered else []
        if any(own != names[0] for own in names) and any(own != [str(at) for at in range(len(own))] for own in names):
            raise Mismatch  # identity members are left out, and not the same ones in all uses
        columns: list[list[Item | None]] = [[None] * len(lists) for _ in longest]
        for use, own in keys.items():
            items = lists[use]
            assert items is not None
            at = len(longest) - 1
            for position in range(len(own) - 1, -1, -1):  # from the end: optional steps mostly come first
                while at >= 0 and longest[at] != own[position]:
                    at -= 1
                if at < 0:
                    raise Mismatch
                columns[at][use] = items[position]
                at -= 1
        there = list(keys)
        return [self._item(column, there, current) for column in columns]

    def _item(self, column: list[Item | None], there: list[int], current: list[int]) -> Item:
        items = {use: item for use, item in enumerate(column) if item is not None}
        absent = [use for use in there if use not in items]
        if absent and any(item.reads() != [current[use]] for use, item in items.items()):
            raise Mismatch  # where a use lacks it, its input is passed on
        first = next(iter(items.values()))
        made: Item
        if isinstance(first, Group):
            made = self._group({use: item for use, item in items.items() if isinstance(item, Group)}, first, current)
        elif isinstance(first, Use):
            sources = [
                self._common({use: item.reads()[at] for use, item in items.items()}) for at in range(len(first.sources))
            ]
            made = Use(first.block, first.name, sources, -1, readings=[1] * len(sources))
            made.arguments, made.defaults, made.checkpoint = dict(first.arguments), first.defaults, first.checkpoint
        else:
            made = self._leaf({use: item for use, item in items.items() if isinstance(item, Leaf)}, first)
        if not isinstance(made, Group):
            self._made += 1
            if isinstance(made, Use):
                made.gives = self._made
                made.others = self._others({use: item for use, item in items.items() if isinstance(item, Use)})
            else:
                made.layer.gives = self._made
        passing = {isinstance(item, Leaf) and item.passes for item in items.values()}
        if len(passing) > 1:
            raise Mismatch  # the next step would read another value in some uses
        for use, item in items.items():
            self._known[use].setdefault(item.gives, set()).add(made.gives)
            if True not in passing:
                current[use] = item.gives
        for use in absent:
            self._known[use][current[use]].add(made.gives)
            self._passed.append((use, current[use], made.gives))
        self.rows[made] = list(column)
        return made

    def _others(self, items: dict[int, Use]) -> dict[int, str]:
        """The further values of a use of a block, by their labels; the same in all uses."""
        found: dict[int, str] = {}
        for use, item in items.items():
            for value, label in item.others.items():
                number = next((number for number, known in found.items() if known == label), None)
                if number is None:
                    self._made += 1
                    number = self._made
                    found[number] = label
                self._known[use].setdefault(value, set()).add(number)
        return found

    def number(self, use: int, value: int) -> int:
        """The number in the body of a value of a use; raises :class:`Mismatch` if there is none."""
        return self._common({use: value})

    def _group(self, items: dict[int, Group], first: Group, current: list[int]) -> Group:
        made = Group(first.frame, first.name, numbered=first.numbered)
        reads = {use: item.reads() for use, item in items.items()}
        if len({len(found) for found in reads.values()}) != 1 or not reads[next(iter(items))]:
            raise Mismatch
        inner = [-1] * len(current)
        for use, found in reads.items():  # as written: the previous step's value, if it is among them
            inner[use] = current[use] if current[use] in found else found[0]
        self._common({use: inner[use] for use in items})
        inside: list[list[Item] | None] = [items[use].items if use in items else None for use in range(len(current))]
        made.items = self._list(_without_shortcut(inside), inner, first.numbered)
        return made

    def _leaf(self, items: dict[int, Leaf], first: Leaf) -> Leaf:
        layer, present = first.layer, list(items)
        made = Leaf(replace(layer, arguments=dict(layer.arguments), refers={}), first.name)
        made.layer.again = self._again(items)
        for leaf in items.values():
            self._layers[id(leaf.layer)] = made.layer
        if first.branches is None:
            if any(len(items[use].layer.reads) != len(layer.reads) for use in present):
                raise Mismatch
            made.layer.reads = [
                self._common({use: items[use].layer.reads[at] for use in present}) for at in range(len(layer.reads))
            ]
            for name in layer.refers:
                if any(name not in items[use].layer.refers for use in present):
                    raise Mismatch
                made.layer.refers[name] = self._common({use: items[use].layer.refers[name] for use in present})
            return made
        branches = {use: items[use].branches or [] for use in present}
        if len({len(found) for found in branches.values()}) != 1:
            raise Mismatch
        made.start = self._common({use: items[use].start for use in present})
        made.branches = []
        made.layer.reads = []
        for at in range(len(first.branches)):
            lists: list[list[Item] | None] = [None] * len(self.uses)
            dropped = [use for use in present if branches[use][at] is DROPPED]
            for use in present:
                lists[use] = branches[use][at] if use not in dropped else None
            current = [items[use].start if use in items else -1 for use in range(len(self.uses))]
            given = [found for found in lists if found is not None]
            if dropped:
                if any(given):
                    raise Mismatch
                identity = Leaf(Layer("identity", {}, [made.start], made.start, layer.frame), "")
                self.rows[identity] = [
                    items[use] if use in items and use not in dropped else None for use in range(len(self.uses))
                ]
                made.branches.append([identity])
                made.bare = True
                continue
            if len({bool(found) for found in given}) > 1 and max(map(len, given)) > 1:
                raise Mismatch
            before = len(self._passed)
            branch = self._list(lists, current, numbered=False) if any(given) else []
            for use, value, number in self._passed[before:]:  # what is made in a branch stands for nothing beside it
                self._known[use][value].discard(number)
            del self._passed[before:]
            made.branches.append(branch)
            made.layer.reads.append(branch[-1].gives if branch else made.start)
        return made

    def _again(self, items: dict[int, Leaf]) -> Layer | None:
        """The layer of the body whose weights a step shares; raises :class:`Mismatch` if uses differ."""
        found = {id(leaf.layer.again) if leaf.layer.again is not None else None for leaf in items.values()}
        lenders = {id(lender): lender for lender in (self._layers.get(one) for one in found if one is not None)}
        if found == {None}:
            return None
        lender = next(iter(lenders.values()), None)
        if None in found or len(lenders) != 1 or lender is None:
            raise Mismatch
        return lender

    def _common(self, values: dict[int, int]) -> int:
        """The number in the body of a value in all uses; raises :class:`Mismatch` if there is none."""
        found: set[int] | None = None
        for use, value in values.items():
            own = self._known[use].get(value, set())
            found = own if found is None else found & own
        if not found:
            raise Mismatch
        return max(found)


def signature(use: Group) -> object:
    """A key that is equal for uses that differ only in numbers; any body for one of them is a body for all."""
    numbers: dict[int, int] = {}

    def number(value: int) -> int:
        return numbers.setdefault(value, len(numbers))

    def listed(items: list[Item]) -> tuple[object, ...]:
        return tuple(map(one, items))

    def one(item: Item) -> object:
        if isinstance(item, Use):
            others = tuple((label, number(value)) for value, label in item.others.items())
            reads = tuple(map(number, item.sources))
            return ("use", item.block, item.name, item.checkpoint, reads, number(item.gives), others)
        if isinstance(item, Group):
            return ("group", item.name, item.numbered, item.frame.checkpoint, listed(item.items))
        layer = item.layer
        branches = None if item.branches is None else tuple(map(listed, item.branches))
        start = -1 if item.branches is None else number(item.start)
        reads = (tuple(map(number, layer.reads)), tuple((key, number(value)) for key, value in layer.refers.items()))
        own = repr(layer.arguments) if ops.find(layer.op).hidden else ""
        return (layer.op, own, item.name, start, branches, reads, number(layer.gives))

    return (use.numbered, tuple(map(number, use.reads())), listed(use.items))


DROPPED: list[Item] = []
"""A branch that a use lacks altogether, so that nothing is merged."""


def _key(item: Item, numbered: bool) -> object:
    """The key that items must share to become one step of the body."""
    name = "" if numbered else item.name
    if isinstance(item, Use):
        return ("use", item.block, name, item.checkpoint)
    if isinstance(item, Group):
        return ("group", name, item.numbered, item.frame.checkpoint)
    own = repr(item.layer.arguments) if ops.find(item.layer.op).hidden else ""
    return ("leaf", item.layer.op, name, item.branches is None, own)


def _outline(items: list[Item]) -> object:
    """The keys of items, and of those in the branches of their merges."""
    return tuple(
        (
            _key(item, False),
            None
            if not isinstance(item, Leaf) or item.branches is None
            else tuple(tuple(_key(inner, False) for inner in branch) for branch in item.branches),
        )
        for item in items
    )


def _without_shortcut(lists: Sequence[list[Item] | None]) -> list[list[Item] | None]:
    """Align lists where some have a residual sum and others only the branch that is added: these get the sum with the
    shortcut dropped.
    """
    found = list(lists)
    distinct = {_outline(items): items for items in lists if items is not None}
    for items in distinct.values():
        for position, merge in enumerate(items):
            if not isinstance(merge, Leaf) or merge.branches is None or len(merge.branches) != 2:
                continue
            side = next((at for at in (0, 1) if not merge.branches[at]), None)
            if side is None or not merge.branches[1 - side]:
                continue
            inside = merge.branches[1 - side]
            last = inside[-1]
            if len(inside) > 1 and isinstance(last, Leaf) and ops.find(last.layer.op).kind == "dropout":
                lengths = (len(inside), len(inside) - 1)  # a dropout at the end of the branch goes with the sum
            else:
                lengths = (len(inside),)
            before, after = items[:position], items[position + 1 :]
            for use, other in enumerate(found):
                own = [_key(item, False) for item in other or ()]
                length = next(
                    (
                        size
                        for size in lengths
                        if own == [_key(item, False) for item in (*before, *inside[:size], *after)]
                    ),
                    None,
                )
                if other is None or length is None:
                    continue
                branch = other[position : position + length]
                start = branch[0].reads()
                if len(start) != 1:
                    continue
                branches = [branch, DROPPED] if side else [DROPPED, branch]
                layer = Layer(merge.layer.op, {}, [branch[-1].gives], branch[-1].gives, merge.layer.frame)
                found[use] = [
                    *other[:position], Leaf(layer, "", branches, start[0]), *other[position + length :],
                ]  # fmt: skip
    return found
