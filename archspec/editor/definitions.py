"""Go to definition and find references: the declaration of the symbol under the cursor, and all its mentions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lsprotocol import types

from archspec.diagnostics import Fault, Span
from archspec.editor import names
from archspec.editor.diagnostics import locate
from archspec.editor.documents import Document, Documents
from archspec.editor.lines import Lines
from archspec.editor.standing import standing
from archspec.editor.study import Study
from archspec.editor.symbols import Symbol, declaration, mentions, symbol_at
from archspec.syntax import Limits, read

MOST_FILES = 500
"""The most YAML files near a spec that are searched for a name."""
MOST_ENTRIES = 20_000
"""The most files of any kind that are visited to find them."""


def definition(documents: Documents, document: Document, position: types.Position) -> types.Location | None:
    """The declaration of the symbol at a position; for a library block or another spec, its file."""
    here = standing(document)
    point = None if here is None else here.point(position)
    if here is None or point is None:
        return None
    study = here.study
    found = symbol_at(study, point)
    if found is not None:
        owner = owner_study(documents, study, found[0])
        span = None if owner is None else declaration(owner, found[0])
        if span is not None and span.source is here.source:
            span = here.span(span)
        if span is not None:
            return locate(documents, document, span)
    place = study.place(point)
    if place is None:
        return None
    if place.kind == "spec":
        file = names.named_file(study, place.text)
    elif place.kind in ("call", "value", "import") and "$" not in place.text:
        file = names.used_file(study, place.text.partition(".")[0])
    else:
        return None
    return None if file is None else locate(documents, document, file.node.span.part(0, 1))


def references(documents: Documents, document: Document, position: types.Position) -> list[types.Location]:
    """Every mention of the symbol at a position, in this file and in those near it."""
    study = document.current
    found = None if study is None else symbol_at(study, document.lines.point(position))
    if study is None or found is None:
        return []
    located = [locate(documents, document, span) for _, span in everywhere(documents, document, found[0])]
    return [each for each in located if each is not None]


def highlights(document: Document, position: types.Position) -> list[types.DocumentHighlight]:
    """Every mention in this text alone."""
    study = document.current
    found = None if study is None else symbol_at(study, document.lines.point(position))
    if study is None or found is None:
        return []
    return [types.DocumentHighlight(document.lines.range(span)) for span in mentions(study, found[0])]


def owner_study(documents: Documents, study: Study, symbol: Symbol) -> Study | None:
    """The study of the file that declares a symbol."""
    if study.file is None or symbol.file == study.file.key:
        return study
    return _study(documents, Path(symbol.file))


def everywhere(documents: Documents, document: Document, symbol: Symbol) -> Iterator[tuple[Study, Span]]:
    """Every mention of a symbol, in its own file and in the files near it that use it."""
    for study in studies(documents, document, symbol):
        for span in mentions(study, symbol):
            yield study, span


def studies(documents: Documents, document: Document, symbol: Symbol) -> Iterator[Study]:
    """The studies of the files that may mention a symbol."""
    seen: set[str] = set()
    if document.good is not None and document.good.file is not None:
        seen.add(document.good.file.key)
        yield document.good
    if symbol.kind not in ("block", "value"):
        return
    for path in _beside(documents, document):
        key = str(path.resolve())
        if key in seen:
            continue
        seen.add(key)
        found = _study(documents, path, symbol.name)
        if found is not None and (found.file is not None and (key == symbol.file or symbol.file in found.loader.files)):
            yield found


def _beside(documents: Documents, document: Document) -> Iterator[Path]:
    """The YAML files in a document's folder, its sub-folders and those above it in the editor's workspace."""
    if document.path is None:
        return
    folder = document.path.resolve().parent
    roots = [root for root in documents.roots if folder.is_relative_to(root)]
    top = min(roots, key=lambda root: len(root.parts), default=folder)
    yield from islice(_yaml_files(top), MOST_FILES)


def _yaml_files(top: Path) -> Iterator[Path]:
    """The YAML files under a folder, without hidden ones and links that lead out of it."""
    seen = 0
    for folder, inside, files in os.walk(top):
        inside[:] = sorted(name for name in inside if not name.startswith(".") and name != "node_modules")
        seen += 1 + len(files)
        if seen > MOST_ENTRIES:
            return
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix in (".yaml", ".yml") and not name.startswith(".") and path.resolve().is_relative_to(top):
                yield path


def _study(documents: Documents, path: Path, word: str = "") -> Study | None:
    """The study of a file, open or not; None if it cannot be read, or does not contain the word."""
    key = str(path.resolve())
    for document in documents.open.values():
        if document.key == key:
            return documents.study(document) if word in document.text else None
    try:
        text = read(path, Limits())
    except Fault:
        return None
    if word not in text or "archspec:" not in text:
        return None
    found = Study(path, text, path.name, documents.shelf, lambda: None)
    documents.shelf.unsaved.pop(key, None)
    return found


def lines_of(documents: Documents, study: Study) -> Lines:
    """The lines of a studied text."""
    assert study.source is not None
    return Lines(study.source.lines, documents.encoding)
