"""The nodes of an expression tree: immutable, comparable, each with its range of characters in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import TypeAlias

from archspec.diagnostics import Span
from archspec.records import record

Place: TypeAlias = tuple[int, int]
"""Start and end (exclusive) in the text, 0-based."""


@record
class Tree:
    """A part of an expression; two parts are equal when they mean the same, wherever they are in the text."""

    at: Place = field(compare=False, repr=False)


@record
class Literal(Tree):
    """A number, a text, ``True``, ``False`` or ``None``."""

    value: None | bool | int | float | str


@record
class Name(Tree):
    """A name whose value comes from the surroundings."""

    name: str


@record
class Listing(Tree):
    """``[a, b]`` or ``(a, b)``; both are lists, and ``bracket`` says which was written."""

    items: tuple[Tree, ...]
    bracket: str


@record
class Table(Tree):
    """``{key: value}``."""

    entries: tuple[tuple[Tree, Tree], ...]


@record
class Unary(Tree):
    """``-a``, ``+a`` or ``not a``."""

    operator: str
    operand: Tree


@record
class Arithmetic(Tree):
    """A run of operators of one precedence, from left to right: ``a + b - c``, ``a * b // c``.

    Kept flat so that a long sum is not a deep tree.
    """

    first: Tree
    rest: tuple[tuple[str, Tree], ...]


@record
class Power(Tree):
    """``base ** exponent``."""

    base: Tree
    exponent: Tree


@record
class Comparison(Tree):
    """``a < b <= c``; ``in`` and ``not in`` among the operators."""

    first: Tree
    rest: tuple[tuple[str, Tree], ...]


@record
class Logic(Tree):
    """``a and b and c`` or ``a or b or c``."""

    operator: str
    operands: tuple[Tree, ...]


@record
class Conditional(Tree):
    """``then if test else otherwise``."""

    test: Tree
    then: Tree
    otherwise: Tree


@record
class Index(Tree):
    """``value[index]``."""

    value: Tree
    index: Tree


@record
class Slice(Tree):
    """``value[start:stop:step]``."""

    value: Tree
    start: Tree | None
    stop: Tree | None
    step: Tree | None


@record
class Attribute(Tree):
    """``value.name``."""

    value: Tree
    name: str


@record
class Call(Tree):
    """``function(arguments, keyword=…)`` of a function of the language."""

    function: str
    arguments: tuple[Tree, ...]
    keywords: tuple[tuple[str, Tree], ...]


Target: TypeAlias = "str | tuple[Target, ...]"
"""A loop's target: a name, or several names that an element is unpacked into."""


@record
class Loop:
    """One ``for target in iterable if condition if condition``."""

    target: Target
    iterable: Tree
    conditions: tuple[Tree, ...]


@record
class Comprehension(Tree):
    """``[element for …]``, or without brackets as the only argument of a function."""

    element: Tree
    loops: tuple[Loop, ...]
    bracket: str


@record
class Located:
    """A text with its span; ``exact`` when its characters are exactly those of the span, on one line."""

    text: str
    span: Span | None = field(compare=False, repr=False)
    exact: bool = field(compare=False, repr=False)

    def place(self, at: Place) -> Span | None:
        """The span of a range of characters, or the whole span where the range cannot be located."""
        if self.span is None:
            return None
        if self.exact:
            return self.span.part(*at)
        return locate(self.text[at[0] : at[1]], self.span)[0]


@record
class Expression(Located):
    """A parsed expression."""

    tree: Tree

    def __str__(self) -> str:
        return self.text


@record
class Clause(Located):
    """The part after ``for`` in a comprehension: one loop or several."""

    loops: tuple[Loop, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The loop variables, each once, in the order they are bound."""
        return tuple(dict.fromkeys(name for loop in self.loops for name in bound(loop.target)))

    def __str__(self) -> str:
        return self.text


@record
class Interpolation(Located):
    """Text with expressions in it: ``layer$(i + 1)``."""

    parts: tuple[str | Expression, ...]

    def __str__(self) -> str:
        return self.text


def bound(target: Target) -> Iterator[str]:
    """The names a loop target binds."""
    if isinstance(target, str):
        yield target
    else:
        for part in target:
            yield from bound(part)


def children(tree: Tree) -> tuple[Tree, ...]:
    """The parts directly inside a part, in the order written, those of loops included."""
    match tree:
        case Listing(items=items):
            return items
        case Table(entries=entries):
            return tuple(part for entry in entries for part in entry)
        case Unary(operand=operand):
            return (operand,)
        case Arithmetic(first=first, rest=rest) | Comparison(first=first, rest=rest):
            return (first, *(operand for _, operand in rest))
        case Power(base=base, exponent=exponent):
            return (base, exponent)
        case Logic(operands=operands):
            return operands
        case Conditional(test=test, then=then, otherwise=otherwise):
            return (then, test, otherwise)
        case Index(value=value, index=index):
            return (value, index)
        case Slice(value=value, start=start, stop=stop, step=step):
            return (value, *(part for part in (start, stop, step) if part is not None))
        case Attribute(value=value):
            return (value,)
        case Call(arguments=arguments, keywords=keywords):
            return (*arguments, *(value for _, value in keywords))
        case Comprehension(element=element, loops=loops):
            return (element, *(part for loop in loops for part in (loop.iterable, *loop.conditions)))
        case _:
            return ()


def locate(text: str, span: Span) -> tuple[Span, bool]:
    """The span of a text within a span, and whether it is certain: the text must occur exactly once, on one line.

    Quotes, escapes and folded lines make the value of a YAML scalar differ from its characters in the file.
    """
    lines = span.source.lines[span.line - 1 : span.end_line]
    if not text or "\n" in text or not lines:
        return span, False
    found: list[tuple[int, int]] = []
    word = re.compile(rf"(?<!\w){re.escape(text)}(?!\w)" if text[0].isalnum() else re.escape(text))
    for offset, line in enumerate(lines):
        number = span.line + offset
        begin = span.column - 1 if number == span.line else 0
        end = span.end_column - 1 if number == span.end_line else len(line)
        if len(lines) == 1 and line[begin:end] == text:
            return span, True
        found += [(number, match.start()) for match in word.finditer(line, begin, end)]
        if len(found) > 1:
            return span, False
    if len(found) != 1:
        return span, False
    number, start = found[0]
    return Span(span.source, number, start + 1, number, start + 1 + len(text)), True
