"""A name with options, written as a call, ``cut(after=fc7)``, as the nodes of ``{cut: {after: fc7}}``.

Spans point into the text as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from archspec.diagnostics import Diagnostic, Fault, Source, Span
from archspec.syntax.nodes import Items, Mapping, Node, Scalar
from archspec.syntax.text import lines


class _Written:
    """YAML built from a text, with the position in the text that each character comes from."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.yaml = ""
        self.origins: list[int] = []

    def copy(self, start: int, end: int) -> None:
        """Append a part of the text."""
        self.yaml += self.text[start:end]
        self.origins += range(start, end)

    def put(self, words: str, at: int) -> None:
        """Append words that are not in the text, with ``at`` as their position."""
        self.yaml += words
        self.origins += [at] * len(words)


def parse_call(text: str, name: str, parse: Callable[[str, str], Node]) -> Node:
    """The call as nodes, read by ``parse``; a text that is not a call is read unchanged.  Raises :class:`Fault`."""
    start = len(text) - len(text.lstrip())
    opened, end = text.find("("), len(text.rstrip()) - 1
    if opened < 0 or text[end] != ")" or "\n" in text:
        return parse(text, name)
    written = _Written(text)
    written.put("{", start)
    written.copy(start, opened)
    written.put(": ", opened)
    inside = text[opened + 1 : end]
    if "=" in inside or not inside.strip():
        written.put("{", opened)
        at = opened + 1
        for option in re.finditer(r"(\w+)\s*=", inside):
            written.copy(at, opened + 1 + option.end(1))
            at = opened + 1 + option.end()
            written.put(": ", at - 1)
        written.copy(at, end)
        written.put("}", end)
    else:
        written.copy(opened + 1, end)
    written.put("}", end)
    source = Source(name, lines(text))

    def moved(span: Span) -> Span:
        origins = [*written.origins, len(text)]
        first = origins[min(span.column - 1, len(origins) - 1)]
        last = origins[min(max(span.end_column - 2, 0), len(origins) - 1)]
        return Span(source, 1, first + 1, 1, max(first, last) + 2)

    try:
        return _placed(parse(written.yaml, name), moved)
    except Fault as fault:
        raise _fault(fault.diagnostic, moved) from None


def _placed(node: Node, moved: Callable[[Span], Span]) -> Node:
    """The node with all its spans moved."""
    if isinstance(node, Scalar):
        return replace(node, span=moved(node.span))
    if isinstance(node, Items):
        return Items(tuple(_placed(item, moved) for item in node.items), moved(node.span))
    entries = ((replace(key, span=moved(key.span)), _placed(value, moved)) for key, value in node.entries)
    return Mapping(tuple(entries), moved(node.span))


def _fault(said: Diagnostic, moved: Callable[[Span], Span]) -> Fault:
    span = moved(said.span) if said.span is not None else None
    return Fault(said.code, said.message, span, said.hint, said.details)
