"""One thing that is written in a spec: what it is, its characters, and what is around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archspec.diagnostics import Span
from archspec.records import record
from archspec.source import Items, Mapping, Node, Scalar

Kind = Literal[
    "key",  # of the spec, a block, an import, an output …: what is around it says which
    "step key",
    "call",  # the op or block of a step, without `as name`
    "name",  # of a step, after `as`
    "label",
    "argument",
    "value",
    "from",  # the name of a step or label that is read
    "condition",  # an expression without `$`
    "clause",  # after `for`
    "parameter",
    "let",
    "input",
    "symbol",
    "size",
    "block",
    "import",
    "spec",  # the name or path of a spec
    "rewrite",
    "option",
    "initialiser",
    "output",
    "claim",
    "branch",
    "text",
]


@record
class Inside:
    """What is around a place."""

    block: str = ""
    """The block of the file; empty for the network, or the block that the file itself is."""
    what: str = ""
    """The op or block whose step, arguments or defaults these are; the rewrite whose options; the kind of mapping."""
    step: Scalar | None = None
    """The key of the step around it, or the step itself where it is a word."""
    mapping: Mapping | None = None
    """The mapping whose key or value it is."""
    key: str = ""
    """The key whose value it is."""
    clauses: tuple[Scalar, ...] = ()
    """The ``for`` clauses around it, outermost first."""


@record
class Place:
    """One thing that is written."""

    kind: Kind
    scalar: Scalar
    span: Span
    """Its characters: the scalar's, or those of a part of it."""
    text: str
    inside: Inside

    @property
    def step(self) -> Span | None:
        """Where the step around it begins, which tells the step from all others."""
        return None if self.inside.step is None else self.inside.step.span


def placed(kind: Kind, scalar: Scalar, inside: Inside) -> Place:
    return Place(kind, scalar, scalar.span, str(scalar.text), inside)


def values(value: Node, inside: Inside) -> Iterator[Place]:
    """Values of no further meaning, which may hold expressions."""
    stack: list[Node] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Scalar):
            yield placed("value", item, inside)
        elif isinstance(item, Items):
            stack += reversed(item.items)
        else:
            for key, given in reversed(item.entries):
                stack += [given, key]
