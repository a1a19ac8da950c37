"""The outline of a spec, and its folding ranges."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types
from lsprotocol.types import SymbolKind

from archspec.characters import printable
from archspec.diagnostics import Span
from archspec.editor.documents import Document
from archspec.editor.lines import Lines
from archspec.editor.standing import Standing, standing
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
    here = standing(document)
    if here is None or here.study.keys is None:
        return []
    return list(_definition(here.study.keys, here))


def _definition(node: Mapping, here: Standing) -> Iterator[types.DocumentSymbol]:
    for key, value in node.entries:
        name = str(key.text)
        if name == "steps":
            yield from _symbol(key, value, SymbolKind.Array, here, list(_steps(value, here)))
        elif name == "blocks" and isinstance(value, Mapping):
            inside = [
                each for k, v in value.entries for each in _symbol(k, v, SymbolKind.Class, here, list(_block(v, here)))
            ]
            yield from _symbol(key, value, SymbolKind.Namespace, here, inside)
        elif name in _SECTIONS:
            entries = value.entries if isinstance(value, Mapping) else ()
            inside = [each for k, v in entries for each in _symbol(k, v, _SECTIONS[name], here)]
            yield from _symbol(key, value, SymbolKind.Namespace, here, inside)
        else:
            yield from _symbol(key, value, SymbolKind.Property, here)


def _block(value: Node, here: Standing) -> Iterator[types.DocumentSymbol]:
    if isinstance(value, Mapping):
        yield from _definition(value, here)
    else:
        yield from _steps(value, here)


def _steps(value: Node, here: Standing) -> Iterator[types.DocumentSymbol]:
    for item in value.items if isinstance(value, Items) else ():
        if isinstance(item, Scalar):
            yield from _symbol(item, item, SymbolKind.Function, here)
        elif isinstance(item, Items):
            yield from _steps(item, here)
        else:
            call = next((entry for entry in item.entries if entry[0].text not in STEP_KEYS), None)
            if call is not None:
                inside = list(_inner(call[1], here))
                kind = SymbolKind.Namespace if inside else SymbolKind.Function
                yield from _symbol(call[0], item, kind, here, inside)


def _inner(body: Node, here: Standing) -> Iterator[types.DocumentSymbol]:
    """The steps under a step: those of a sequence, or of branches."""
    if isinstance(body, Items):
        yield from _steps(body, here)
    elif isinstance(body, Mapping):
        for key, value in body.entries:
            if isinstance(value, Items) and value.items and not isinstance(value.items[0], Scalar):
                inside = list(_steps(value, here))
                if inside:
                    yield from _symbol(key, value, SymbolKind.Namespace, here, inside)


def _symbol(
    key: Scalar, value: Node, kind: SymbolKind, here: Standing, inside: list[types.DocumentSymbol] | None = None
) -> Iterator[types.DocumentSymbol]:
    """The symbol of a key with what is below it; nothing where the key's line has changed."""
    own = here.range(key.span)
    if own is not None:
        around = here.range(_from_to(key.span, value.span)) or own
        name = printable(str(key.text), 80) or "(no name)"
        yield types.DocumentSymbol(name, kind, around, own, children=inside)


def _from_to(first: Span, last: Span) -> Span:
    """The range from one span to another; the first alone if an alias puts the other elsewhere."""
    if (last.end_line, last.end_column) < (first.end_line, first.end_column):
        return first
    return Span(first.source, first.line, first.column, last.end_line, last.end_column)


def folding(document: Document) -> list[types.FoldingRange]:
    """The folding ranges: every mapping and list of more than one line, from its key, and every run of comments."""
    here = standing(document)
    if here is None or here.study.keys is None:
        return []
    found: dict[int, int] = {}
    stack: list[Node] = [here.study.keys]
    while stack:
        node = stack.pop()
        if isinstance(node, Scalar):
            continue
        parts = node.entries if isinstance(node, Mapping) else ((item, item) for item in node.items)
        for key, value in parts:
            start, end = here.line(key.span.line), here.line(value.span.end_line)
            if start is not None and end is not None and end > start:
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
