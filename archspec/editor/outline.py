"""The outline of a spec, and its folding ranges."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types
from lsprotocol.types import SymbolKind

from archspec.characters import printable
from archspec.diagnostics import Span
from archspec.editor.documents import Document
from archspec.editor.lines import Lines
from archspec.schema import STEP_KEYS
from archspec.syntax import Items, Mapping, Node, Scalar

_SECTIONS = {
    "params": SymbolKind.Variable,
    "let": SymbolKind.Variable,
    "inputs": SymbolKind.Field,
    "sizes": SymbolKind.Constant,
    "import": SymbolKind.Module,
    "defaults": SymbolKind.Property,
    "outputs": SymbolKind.Field,
    "expect": SymbolKind.Property,
}


def outline(document: Document) -> list[types.DocumentSymbol]:
    """The keys of the spec with their contents: parameters, blocks, steps with their own steps."""
    study = document.current
    if study is None or study.keys is None:
        return []
    return list(_definition(study.keys, document.lines))


def _definition(node: Mapping, lines: Lines) -> Iterator[types.DocumentSymbol]:
    for key, value in node.entries:
        name = str(key.text)
        if name == "steps":
            yield _symbol(key, value, SymbolKind.Array, lines, list(_steps(value, lines)))
        elif name == "blocks" and isinstance(value, Mapping):
            inside = [_symbol(k, v, SymbolKind.Class, lines, list(_block(v, lines))) for k, v in value.entries]
            yield _symbol(key, value, SymbolKind.Namespace, lines, inside)
        elif name in _SECTIONS:
            entries = value.entries if isinstance(value, Mapping) else ()
            inside = [_symbol(k, v, _SECTIONS[name], lines) for k, v in entries]
            yield _symbol(key, value, SymbolKind.Namespace, lines, inside)
        else:
            yield _symbol(key, value, SymbolKind.Property, lines)


def _block(value: Node, lines: Lines) -> Iterator[types.DocumentSymbol]:
    if isinstance(value, Mapping):
        yield from _definition(value, lines)
    else:
        yield from _steps(value, lines)


def _steps(value: Node, lines: Lines) -> Iterator[types.DocumentSymbol]:
    for item in value.items if isinstance(value, Items) else ():
        if isinstance(item, Scalar):
            yield _symbol(item, item, SymbolKind.Function, lines)
        elif isinstance(item, Items):
            yield from _steps(item, lines)
        else:
            call = next((entry for entry in item.entries if entry[0].text not in STEP_KEYS), None)
            if call is not None:
                inside = list(_inner(call[1], lines))
                kind = SymbolKind.Namespace if inside else SymbolKind.Function
                yield _symbol(call[0], item, kind, lines, inside)


def _inner(body: Node, lines: Lines) -> Iterator[types.DocumentSymbol]:
    """The steps under a step: those of a sequence, or of branches."""
    if isinstance(body, Items):
        yield from _steps(body, lines)
    elif isinstance(body, Mapping):
        for key, value in body.entries:
            if isinstance(value, Items) and value.items and not isinstance(value.items[0], Scalar):
                inside = list(_steps(value, lines))
                if inside:
                    yield _symbol(key, value, SymbolKind.Namespace, lines, inside)


def _symbol(
    key: Scalar, value: Node, kind: SymbolKind, lines: Lines, inside: list[types.DocumentSymbol] | None = None
) -> types.DocumentSymbol:
    around = _from_to(key.span, value.span)
    return types.DocumentSymbol(
        printable(str(key.text), 80) or "(no name)", kind, lines.range(around), lines.range(key.span), children=inside
    )


def _from_to(first: Span, last: Span) -> Span:
    """The range from one span to another; the first alone if an alias puts the other elsewhere."""
    if (last.end_line, last.end_column) < (first.end_line, first.end_column):
        return first
    return Span(first.source, first.line, first.column, last.end_line, last.end_column)


def folding(document: Document) -> list[types.FoldingRange]:
    """The folding ranges: every mapping and list of more than one line, from its key, and every run of comments."""
    study = document.current
    if study is None or study.keys is None:
        return []
    found: dict[int, int] = {}
    stack: list[Node] = [study.keys]
    while stack:
        node = stack.pop()
        if isinstance(node, Scalar):
            continue
        parts = node.entries if isinstance(node, Mapping) else ((item, item) for item in node.items)
        for key, value in parts:
            start, end = key.span.line, value.span.end_line
            if end > start:
                found[start] = max(found.get(start, 0), end)
            stack.append(value)
    ranges = [types.FoldingRange(start - 1, end - 1) for start, end in sorted(found.items())]
    return [*ranges, *_comments(document.lines)]


def _comments(lines: Lines) -> Iterator[types.FoldingRange]:
    start: int | None = None
    for at, line in enumerate([*lines.lines, ""]):
        if line.lstrip().startswith("#"):
            start = at if start is None else start
        elif start is not None:
            if at - start > 1:
                yield types.FoldingRange(start, at - 1, kind=types.FoldingRangeKind.Comment)
            start = None
