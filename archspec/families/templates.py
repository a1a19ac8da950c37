"""The skeleton of an emitted class: what its uses have in common, and formulas for what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from archspec.expressions.tree import Tree
from archspec.families.items import Item, Kind
from archspec.graph import Scope
from archspec.records import record


@record
class Ref:
    """A value in a class: output ``output`` of an entry by its number; entry -1 is the class's own inputs."""

    entry: int
    output: int = 0


@record
class Slot:
    """One argument of a constructor call; left out where its formula is the constant ``default``."""

    keyword: str | None
    tree: Tree
    default: Any = ...


@dataclass(slots=True, eq=False)
class Parameter:
    """An argument of a class's constructor, with its value in each use."""

    key: str
    wanted: str
    values: list[Any]
    default: Any = ...
    name: str = ""
    known: set[int] | None = None
    """The uses whose value matters, where it does not in all of them."""


@dataclass(slots=True, eq=False)
class Series:
    """A loop in a chain: its body stands there ``count`` times."""

    body: list[Entry]
    count: Tree


@dataclass(slots=True, eq=False)
class Entry:
    """One item of a class, for all its uses: the call that makes its member, and what its forward reads."""

    kind: Kind
    name: str
    items: list[Item | None]
    head: str | Tree | Template = ""
    slots: list[Slot] = field(default_factory=list)
    children: list[Entry | Series] = field(default_factory=list)
    text: str = ""
    """Of a function: its expression, numbers that differ between uses being ``{name}`` of ``attributes``."""
    atomic: bool = True
    prepare: str = "{0}"
    """What its text reads, made of its first input."""
    attributes: dict[str, Tree] = field(default_factory=dict)
    chain_end: Tree | None = None
    """Of a chain: the channels it gives."""
    condition: Tree | None = None
    reads: list[Ref] = field(default_factory=list)
    alias: Ref | None = None
    """What stands for its value in uses that lack it."""
    series_name: tuple[str, int, str] | None = None
    """In a loop: the name's text before its number, the number in the first turn, the text after."""
    number: int = -1
    """What :class:`Ref` calls it, in a class with a forward."""
    count: Tree | None = None
    """Of a loop over ``children``: how often it runs."""
    begin: list[Ref] = field(default_factory=list)
    """Of a loop: what its turns find; ``reads`` in the first turn, ``carried`` of the turn before in the others."""
    carried: list[Ref] = field(default_factory=list)
    initial: list[str] = field(default_factory=list)
    """Statements behind the one that makes it, which say how its tensors start."""
    member: str = ""
    """How it is called behind ``self.``, when it is a member."""

    @property
    def first(self) -> Item:
        """One of its items."""
        return next(item for item in self.items if item is not None)


def with_turns(entries: Iterable[Entry | Series]) -> Iterator[Entry]:
    """The entries of a class with a forward, those in its loops too."""
    for entry in entries:
        if isinstance(entry, Entry):
            yield entry
            if entry.kind == "loop":
                yield from with_turns(entry.children)


@dataclass(slots=True, eq=False)
class Template:
    """A class that some uses of a block share."""

    uses: list[Scope]
    chain: bool
    entries: list[Entry | Series]
    parameters: list[Parameter]
    arguments: list[dict[str, Any]]
    """For each use, the value of each parameter by key."""
    inputs: list[list[int]]
    """For each use, the node of each input."""
    outputs: list[Ref]
    given: list[dict[int, int]]
    """For each use, node -> which output."""
    output_names: list[str] = field(default_factory=list)
    """What the spec calls each output; empty where it says nothing."""
    channels: list[Tree | None] = field(default_factory=list)
    """Of each output, over the parameters' keys."""
    input_names: list[str] = field(default_factory=list)
    locals: dict[str, Tree] = field(default_factory=dict)
    """Local variables of the constructor: ``let`` values that several members use."""
    local_names: dict[str, str] = field(default_factory=dict)
    name: str = ""
    place: dict[Scope, int] = field(default_factory=dict)
