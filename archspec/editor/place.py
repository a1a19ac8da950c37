"""One word of a spec: its kind, its span, and its context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archspec.diagnostics import Span
from archspec.records import record
from archspec.syntax import Items, Mapping, Node, Scalar

Kind = Literal[
    "key",  # of the spec, a block, an import, an output …: its context says which
    "step key",
    "call",  # the op or block of a step, without `as name`
    "name",  # of a step, after `as`
    "label",
    "argument",
    "value",
    "from",  # the name of a step or label as a source
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
    """The context of a place."""

    block: str = ""
    """The enclosing block of the file; empty for the network, and for a file that is itself a block."""
    what: str = ""
    """The op or block that a step, arguments or defaults belong to; the rewrite of options; the kind of mapping."""
    step: Scalar | None = None
    """The key of the enclosing step, or the step itself if it is a word."""
    mapping: Mapping | None = None
    """The mapping that contains it as a key or a value."""
    key: str = ""
    """The key that it is the value of."""
    clauses: tuple[Scalar, ...] = ()
    """The enclosing ``for`` clauses, outermost first."""


@record
class Place:
    """One word or value in a spec."""

    kind: Kind
    scalar: Scalar
    span: Span
    """The characters of the scalar, or of a part of it."""
    text: str
    inside: Inside

    @property
    def step(self) -> Span | None:
        """Where the enclosing step begins; this identifies the step."""
        return None if self.inside.step is None else self.inside.step.span


def placed(kind: Kind, scalar: Scalar, inside: Inside) -> Place:
    return Place(kind, scalar, scalar.span, str(scalar.text), inside)


def values(value: Node, inside: Inside) -> Iterator[Place]:
    """Plain values, which may hold expressions."""
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
