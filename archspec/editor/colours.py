"""Semantic tokens: the words of expressions, and the names of ops, blocks, steps and parameters."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from archspec import ops
from archspec.diagnostics import Span
from archspec.editor import formulas
from archspec.editor.documents import Document
from archspec.editor.place import Place
from archspec.editor.standing import standing
from archspec.expressions import FUNCTIONS

LEGEND = types.SemanticTokensLegend(
    ["number", "string", "keyword", "operator", "variable", "parameter", "function", "class", "property"],
    ["declaration"],
)
"""The token types, by the protocol's names."""

_TOKENS = {"number": "number", "text": "string", "keyword": "keyword", "operator": "operator"}


def colours(document: Document) -> types.SemanticTokens:
    """The tokens of a text, each encoded relative to the one before, as the protocol requires.

    While a text is not valid YAML, the lines that have not changed keep theirs.
    """
    here = standing(document)
    found: dict[tuple[int, int], tuple[Span, str, int]] = {}
    for place in () if here is None else here.study.places:
        for before, kind, declared in _words(place):
            span = None if here is None else here.span(before)
            if span is not None and span.line == span.end_line:
                found.setdefault((span.line, span.column), (span, kind, declared))
    lines = document.lines
    data: list[int] = []
    line = character = start = 0
    for span, kind, declared in (found[key] for key in sorted(found)):
        at = lines.range(span)
        length = at.end.character - at.start.character
        if at.start.line == line and at.start.character < character:
            continue
        moved = at.start.line - line
        before = 0 if moved else start
        start = at.start.character
        data += [moved, start - before, length, LEGEND.token_types.index(kind), declared]
        line, character = at.start.line, at.end.character
    return types.SemanticTokens(data)


def _words(place: Place) -> Iterator[tuple[Span, str, int]]:
    """The tokens at a place, and whether each is a declaration."""
    if place.kind == "call" and "$" not in place.text:
        yield place.span, "function" if place.text in ops.names() else "class", 0
    elif place.kind in ("name", "label") and "$" not in place.text:
        yield place.span, "variable", 1
    elif place.kind == "from" and "$" not in place.text:
        yield place.span, "variable", 0
    elif place.kind in ("parameter", "let", "input"):
        yield place.span, "parameter", 1
    elif place.kind == "block":
        yield place.span, "class", 1
    elif place.kind == "argument":
        yield place.span, "property", 0
    loops = formulas.loop_names(place)
    for token, span in formulas.tokens(place):
        if token.kind == "name":
            kind = "function" if token.text in FUNCTIONS else "variable" if token.text in loops else "parameter"
            yield span, kind, 0
        else:
            yield span, _TOKENS[token.kind], 0
