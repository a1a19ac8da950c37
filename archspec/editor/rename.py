"""Renaming a block, a parameter, a step or a label: in all files that mention it, or in none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lsprotocol import types

from archspec.diagnostics import Span, printable
from archspec.editor.definitions import everywhere, lines_of, owner_study
from archspec.editor.documents import Document, Documents, is_shipped
from archspec.editor.lines import Lines
from archspec.editor.study import Study
from archspec.editor.symbols import Symbol, mentions, symbol_at
from archspec.elaborate.places import STEP_NAME
from archspec.elaborate.shelf import Shelf
from archspec.schema import IDENTIFIER
from archspec.sizes import Dim


class Refused(Exception):
    """A change that is refused; the message tells the user why."""


def prepare(document: Document, position: types.Position) -> types.Range | None:
    """The span of the name at a position; None if there is none."""
    study = document.current
    found = None if study is None else symbol_at(study, document.lines.point(position))
    return None if found is None else document.lines.range(found[1])


def rename(documents: Documents, document: Document, position: types.Position, new: str) -> types.WorkspaceEdit | None:
    """The edits that rename the symbol at a position.

    Raises :class:`Refused` if the name is taken or invalid, if a file of the package would change, or if the network
    would change.
    """
    study = document.current
    found = None if study is None else symbol_at(study, document.lines.point(position))
    if study is None or found is None:
        return None
    symbol = found[0]
    pattern = STEP_NAME if symbol.kind == "step" else IDENTIFIER
    if not pattern.match(new):
        raise Refused(f"`{printable(new, 60)}` is not a name")
    owner = owner_study(documents, study, symbol)
    if owner is None or _taken(owner, symbol, new):
        raise Refused(f"`{new}` already names something here")
    changes: dict[str, list[Span]] = {}
    read: dict[str, Study] = {}
    for each, span in everywhere(documents, document, symbol):
        assert each.file is not None
        read[each.file.key] = each
        changes.setdefault(each.file.key, []).append(span)
    if is_shipped(Path(symbol.file)) or any(is_shipped(Path(key)) for key in changes if key.startswith("/")):
        raise Refused("files of the package are not changed")
    texts = {key: changed(read[key].text, spans, new) for key, spans in changes.items()}
    for key, each in read.items():
        verify(documents, each, key, texts)
    return _edit(documents, read, changes, new)


def _taken(study: Study, symbol: Symbol, new: str) -> bool:
    """Whether another symbol of the same block already has the name."""
    kinds = {"block": ("block", "import"), "import": ("block", "import"), "symbol": ("symbol",)}
    values = ("parameter", "let", "input", "name", "label")
    everywhere = symbol.kind in ("block", "import", "symbol")
    for place in study.places:
        named = place.text == new and place.kind in kinds.get(symbol.kind, values)
        if named and (everywhere or place.inside.block == symbol.block):
            return True
    other = Symbol(symbol.kind, new, symbol.block, symbol.file)
    return symbol.kind in ("value", "loop") and any(True for _ in mentions(study, other))


def changed(text: str, spans: Sequence[Span], new: str) -> str:
    """A text with a word substituted at some spans, each on one line."""
    return replaced(text, [(span, new) for span in spans])


def replaced(text: str, edits: Sequence[tuple[Span, str]]) -> str:
    """A text with new texts substituted at some spans that do not overlap."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    places = sorted(
        {(starts[s.line - 1] + s.column - 1, starts[s.end_line - 1] + s.end_column - 1, new) for s, new in edits}
    )
    for start, end, new in reversed(places):
        text = text[:start] + new + text[end:]
    return text


def verify(documents: Documents, before: Study, key: str, texts: Mapping[str, str]) -> None:
    """Raise :class:`Refused` if the changed texts change a file's network, or add errors to it."""
    shelf = Shelf()
    shelf.unsaved.update({**documents.shelf.unsaved, **texts})
    path = Path(key) if key.startswith("/") else None
    after = Study(path, texts.get(key, before.text), Path(key).name, shelf, lambda: None)
    old = [each for each in before.diagnostics if each.severity == "error"]
    new = [each for each in after.diagnostics if each.severity == "error"]
    if len(new) > len(old):
        told = next((each for each in new if each.code not in {one.code for one in old}), new[-1])
        raise Refused(f"then {Path(key).name} would be wrong: {told.message}")
    if not same_network(before, after):
        raise Refused(f"then the network of {Path(key).name} would be another one")


def same_network(before: Study, after: Study) -> bool:
    """Whether two texts give the same steps, with the same inputs and shapes; names may differ.

    If the symbols of the sizes differ, shapes are compared at the specs' own sizes.
    """
    one, other = before.graph, after.graph
    if one is None or other is None:
        return (one is None) == (other is None)
    if len(one.nodes) != len(other.nodes):
        return False
    shapes, others = _shapes(before), _shapes(after)
    if one.sizes.keys() == other.sizes.keys():
        shapes, others = ([node.shape.dims for node in graph.nodes] for graph in (one, other))
    wired = ([(type(node.op), node.inputs) for node in graph.nodes] for graph in (one, other))
    return list(shapes) == list(others) and next(wired) == next(wired)


def _shapes(study: Study) -> list[tuple[Dim, ...]]:
    """The shapes of a study's nodes at its own sizes."""
    if study.graph is None or study.report is None:
        return []
    return [study.report.shapes_at.get(node.path, ()) for node in study.graph.nodes]


def _edit(
    documents: Documents, read: Mapping[str, Study], changes: Mapping[str, list[Span]], new: str
) -> types.WorkspaceEdit:
    edits: list[types.TextDocumentEdit] = []
    for key, spans in changes.items():
        lines: Lines = lines_of(documents, read[key])
        uri, version = documents.address(key)
        places = {(span.line, span.column): span for span in spans}
        parts = [types.TextEdit(lines.range(span), new) for span in places.values()]
        edits.append(types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(uri, version), parts))
    return types.WorkspaceEdit(document_changes=edits)
