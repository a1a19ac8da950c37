"""The template of an emitted class: the structure its uses share, and formulas for what differs."""

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
    """A value in a class: one output of the entry with this number; entry -1 stands for the class's inputs."""

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
    """The uses in which its value matters; None where it matters in all."""


@dataclass(slots=True, eq=False)
class Series:
    """A loop in a chain, whose body is repeated ``count`` times.

    A loop in the body is an entry with that loop as its only child.
    """

    body: list[Entry]
    count: Tree


@dataclass(slots=True, eq=False)
class Entry:
    """One item of a class in all its uses: the call that makes its member, and the values its forward reads."""

    kind: Kind
    name: str
    items: list[Item | None]
    head: str | Tree | Template = ""
    slots: list[Slot] = field(default_factory=list)
    children: list[Entry | Series] = field(default_factory=list)
    text: str = ""
    """Of a function: its expression, with ``{name}`` of ``attributes`` for numbers that differ between uses."""
    atomic: bool = True
    prepare: str = "{0}"
    """The expression of its first input that its text reads."""
    attributes: dict[str, Tree] = field(default_factory=dict)
    chain_end: Tree | None = None
    """Of a chain, or of a loop inside another: its output channels."""
    condition: Tree | None = None
    reads: list[Ref] = field(default_factory=list)
    alias: Ref | None = None
    """The value that replaces its own in uses that lack it."""
    series_name: tuple[str, int, str] | None = None
    """In a loop: the text before the number in its name, the number in the first iteration, the text after."""
    number: int = -1
    """The number by which :class:`Ref` refers to it, in a class with a forward."""
    count: Tree | None = None
    """Of a loop over ``children``: the number of iterations."""
    begin: list[Ref] = field(default_factory=list)
    """Of a loop: the values an iteration starts from: ``reads`` in the first, then ``carried`` of the one before."""
    carried: list[Ref] = field(default_factory=list)
    initial: list[str] = field(default_factory=list)
    """Statements after the one that makes it, which initialise its tensors."""
    member: str = ""
    """Its name after ``self.``, when it is a member."""

    @property
    def first(self) -> Item:
        """Its first item that is present."""
        return next(item for item in self.items if item is not None)


def with_turns(entries: Iterable[Entry | Series]) -> Iterator[Entry]:
    """The entries of a class with a forward, those in its loops included."""
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
    """For each use, node -> position of the output."""
    output_names: list[str] = field(default_factory=list)
    """The spec's name for each output; empty where it has none."""
    channels: list[Tree | None] = field(default_factory=list)
    """The channels of each output, as formulas over the parameters' keys."""
    input_names: list[str] = field(default_factory=list)
    locals: dict[str, Tree] = field(default_factory=dict)
    """Local variables of the constructor: ``let`` values that several members use."""
    local_names: dict[str, str] = field(default_factory=dict)
    name: str = ""
    place: dict[Scope, int] = field(default_factory=dict)
