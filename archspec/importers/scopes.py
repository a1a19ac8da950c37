"""The tree of modules: layers are grouped by module, and groups are named as the modules are.

A group represents one call of a module.  It is dissolved, its items moving to the enclosing group with dotted names, if
a scope of the language cannot represent it: the module is called twice, it calls modules it does not own, or its
members are numbered and not called in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from archspec import ops
from archspec.importers.network import Frame, Layer, Network

MOST_GAPS = 64
"""The most consecutive members of an ``nn.Sequential`` that do nothing and are written as ``identity``."""


@dataclass(slots=True, eq=False)
class Leaf:
    """One layer, with its name in the enclosing group; the name is empty if nothing depends on it."""

    layer: Layer
    name: str = ""
    branches: list[list[Item]] | None = None
    """For a merge, its parallel branches, each from the value ``start``."""
    start: int = -1
    when: str = ""
    """The condition under which a use of the enclosing block has it; empty for always."""
    depth: int = 0
    """The nesting depth of its branches."""
    bare: bool = False
    """Whether its single-step branches are written without a list around them, so that ``when`` drops the branch."""
    turns: tuple[str, str] | None = None
    """``for`` or ``repeat`` with its text, if it stands for several steps."""

    @property
    def gives(self) -> int:
        """The value it gives."""
        return self.layer.gives

    @property
    def passes(self) -> bool:
        """Whether the next step reads the value before this step, and not this step's output."""
        return self.layer.aside or (not self.layer.reads and self.branches is None)

    def reads(self) -> list[int]:
        """The values from outside that it reads."""
        if self.branches is None:
            return [*self.layer.reads, *self.layer.refers.values()]
        return [self.start, *outside([item for branch in self.branches for item in branch], self.start)]

    def made(self) -> Iterator[int]:
        """The values made in it."""
        for branch in self.branches or ():
            for item in branch:
                yield from item.made()
        yield self.layer.gives


@dataclass(slots=True, eq=False)
class Group:
    """One call of a module."""

    frame: Frame
    name: str
    items: list[Item] = field(default_factory=list)
    numbered: bool = False
    """Whether its members are named by their positions."""
    when: str = ""

    @property
    def gives(self) -> int:
        """The value of its last item that is not aside."""
        last = (item for item in reversed(self.items) if not (isinstance(item, Leaf) and item.layer.aside))
        return next(last, self.items[-1]).gives

    def reads(self) -> list[int]:
        """The values from outside that it reads, each once, in order."""
        return outside(self.items)

    def made(self) -> Iterator[int]:
        """The values made in it."""
        for item in self.items:
            yield from item.made()


@dataclass(slots=True, eq=False)
class Use:
    """One use of a block."""

    block: str
    name: str
    sources: list[int]
    """The values it reads."""
    gives: int
    """Its last value."""
    arguments: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    """The defaults of the block's parameters."""
    when: str = ""
    readings: list[int] = field(default_factory=list)
    """How often the group that it replaces reads each value."""
    unread: frozenset[str] = frozenset()
    """Parameters that nothing in this use reads, so that they may have any value."""
    others: dict[int, str] = field(default_factory=dict)
    """Further values that are read outside, each with its label in the block."""
    checkpoint: bool = False
    """Whether training computes the values inside again instead of keeping them."""
    turns: tuple[str, str] | None = None
    """``for`` or ``repeat`` with its text, if it stands for several steps."""

    def reads(self) -> list[int]:
        """The values it reads."""
        return self.sources

    def made(self) -> Iterator[int]:
        """The values it gives."""
        yield from self.others
        yield self.gives


Item = Leaf | Group | Use


def outside(items: list[Item], *but: int) -> list[int]:
    """The values that some items read and none of them makes, each once, in order."""
    made = {value for item in items for value in item.made()}
    reads = (value for item in items for value in item.reads())
    return [value for value in dict.fromkeys(reads) if value not in made and value not in but]


def leaves(items: list[Item]) -> Iterator[Leaf]:
    """Every layer in some items, in the order of execution."""
    for item in items:
        if isinstance(item, Group):
            yield from leaves(item.items)
        elif isinstance(item, Leaf):
            for branch in item.branches or ():
                yield from leaves(branch)
            yield item


def lists(items: list[Item]) -> Iterator[list[Item]]:
    """The list itself, and every nested list of items."""
    yield items
    for item in items:
        if isinstance(item, Group):
            yield from lists(item.items)
        elif isinstance(item, Leaf):
            for branch in item.branches or ():
                yield from lists(branch)


def tree(network: Network) -> Group:
    """The root group of a network, with all its items named."""
    root = Group(Frame("", network.name), "")
    open_: list[Group] = [root]
    for layer in network.layers:
        frames = _around(layer.frame)
        depth = 0
        while depth < min(len(frames), len(open_) - 1) and open_[depth + 1].frame is frames[depth]:
            depth += 1
        del open_[depth + 1 :]
        for frame in frames[depth:]:
            group = Group(frame, "")
            open_[-1].items.append(group)
            open_.append(group)
        open_[-1].items.append(Leaf(layer))
    _dissolve(root, {"", *(layer.path for layer in network.layers if has_weights(layer))})
    _name(root)
    return root


def _around(frame: Frame) -> list[Frame]:
    """The calls around a layer from the outermost, without the root."""
    found: list[Frame] = []
    step: Frame | None = frame
    while step is not None and step.parent is not None:
        found.append(step)
        step = step.parent
    return found[::-1]


def has_weights(layer: Layer) -> bool:
    """Whether a layer has weights, so that its path matters."""
    kind = ops.find(layer.op)
    return kind.weights is not ops.Op.weights


def _dissolve(group: Group, called: set[str]) -> None:
    """Dissolve the subgroups that cannot be scopes, innermost first; ``called`` are the paths already used."""
    kept: list[Item] = []
    for item in group.items:
        if not isinstance(item, Group):
            kept.append(item)
            continue
        again = item.frame.path in called
        called.add(item.frame.path)
        _dissolve(item, called)
        single = item.items[0] if len(item.items) == 1 else None
        if isinstance(single, Leaf) and not has_weights(single.layer):
            single.layer.path = item.frame.path  # a module that is a single function
            kept.append(single)
        elif again or not _stands(item):
            kept += item.items
        else:
            kept.append(item)
    group.items = kept


def _stands(group: Group) -> bool:
    """Whether a group can be a scope."""
    prefix = f"{group.frame.path}."
    names: list[str] = []
    for item in group.items:
        path = _path(item)
        if (
            isinstance(item, Leaf)
            and (not has_weights(item.layer) or item.layer.again is not None)
            and not (group.frame.chain and path.startswith(prefix))
        ):
            names.append("")
            continue
        if not path.startswith(prefix):
            return False
        names.append(path.removeprefix(prefix))
    if group.frame.chain and any(name[:1].isdigit() for name in names):
        group.numbered = in_order(names)
        return group.numbered
    return not any(name[:1].isdigit() for name in names)


def _path(item: Item) -> str:
    return item.layer.path if isinstance(item, Leaf) else item.frame.path if isinstance(item, Group) else item.name


def in_order(names: list[str]) -> bool:
    """Whether names are increasing numbers without too large gaps."""
    if not all(name.isdigit() for name in names):
        return False
    numbers = [-1, *map(int, names)]
    return all(0 < two - one <= MOST_GAPS for one, two in pairwise(numbers))


def _name(group: Group) -> None:
    """Give every item its name in its group."""
    prefix = f"{group.frame.path}." if group.frame.path else ""
    if not prefix:  # the root
        names = [_path(item) for item in group.items]
        group.numbered = in_order(names)
    for item in group.items:
        if isinstance(item, Group):
            item.name = item.frame.path.removeprefix(prefix)
            _name(item)
        elif isinstance(item, Leaf) and (group.numbered or _keeps_name(item.layer)):
            item.name = item.layer.path.removeprefix(prefix)


def _keeps_name(layer: Layer) -> bool:
    """Whether a layer must keep its path as its name."""
    return layer.named or (has_weights(layer) and layer.again is None)
