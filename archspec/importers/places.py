"""How a step of a spec refers to another: by name if it has one, otherwise by a label."""

from __future__ import annotations

import re

from archspec.importers.scopes import Group, Item, Leaf, Use

_WORD = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*\Z")


class Places:
    """Where each value of a block (or the network) is made, and its name."""

    def __init__(self, body: Group, inputs: dict[int, str]) -> None:
        self.inputs = inputs
        self._made: dict[int, list[tuple[tuple[Group, ...], Item]]] = {}
        self._inner: dict[int, tuple[tuple[Group, ...], Use]] = {}
        """Where values are made that are labels in the block of a use."""
        self._names: dict[Group, set[str]] = {}
        self._all: set[str] = {"input", "previous", *inputs.values()}
        self._labels: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._collect(body, ())

    def _collect(self, group: Group, around: tuple[Group, ...], items: list[Item] | None = None) -> None:
        names = self._names.setdefault(group, set())
        for item in group.items if items is None else items:
            name = item.name.split(".")[0]
            names.add(name)
            self._all.add(name)
            if isinstance(item, Group):
                self._collect(item, (*around, item))
                self._made.setdefault(item.gives, []).append((around, item))
                continue
            for branch in (item.branches or ()) if isinstance(item, Leaf) else ():
                self._collect(group, around, branch)
            if not (isinstance(item, Leaf) and item.layer.gives in item.layer.reads):  # the input passed on unchanged
                self._made.setdefault(item.gives, []).append((around, item))
            if isinstance(item, Use):
                self._inner |= dict.fromkeys(item.others, (around, item))

    def give(self, labels: dict[int, str]) -> None:
        """Give values their labels."""
        self._labels |= labels
        self._all |= set(labels.values())

    def refer(self, value: int, reader: tuple[Group, ...]) -> str:
        """The name of a value for a step inside the groups ``reader``, outermost first; makes a label if needed."""
        if value in self.inputs and value not in self._made:
            return self.inputs[value]
        if value in self._inner:
            around, use = self._inner[value]
            common = next((at for at, pair in enumerate(zip(around, reader, strict=False)) if pair[0] is not pair[1]),
                          min(len(around), len(reader)))  # fmt: skip
            return ".".join([*(group.name for group in around[common:]), use.name, use.others[value]])
        for around, item in reversed(self._made[value]):  # a group before its members
            common = 0
            while common < min(len(around), len(reader)) and around[common] is reader[common]:
                common += 1
            parts = [*(group.name for group in around[common:]), item.name]
            numbered = any(group.numbered for group in (*around[common - 1 : common], *around[common:]))
            shadowed = any(parts[0].split(".")[0] in self._names[group] for group in reader[common:])
            optional = any(part.when for part in (*around[common:], item))  # what is left out has no name
            if all(_WORD.match(part) for part in parts) and not numbered and not shadowed and not optional:
                return ".".join(parts)
        if value not in self._labels:
            self._labels[value] = self._free(self._labelled(value))
        return self._labels[value]

    def label(self, item: Item) -> str:
        """The label of a step; empty if it needs none."""
        there = item.gives in self._made and self._labelled(item.gives) is item
        return self._labels.get(item.gives, "") if there else ""

    def _labelled(self, value: int) -> Item:
        """The step that a value's label is at: the outermost that may be left out, else the one that makes it."""
        items = [item for _, item in self._made[value]]
        return next((item for item in reversed(items) if item.when), items[0])

    def _free(self, item: Item) -> str:
        base = (
            item.frame.kind.lower()
            if isinstance(item, Group)
            else item.block
            if isinstance(item, Use)
            else item.layer.op
        )
        base = re.sub(r"\W", "_", base)
        name = base
        while name in self._all:
            self._numbers[base] = self._numbers.get(base, 1) + 1
            name = f"{base}_{self._numbers[base]}"
        self._all.add(name)
        return name
