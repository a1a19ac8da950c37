"""The open documents, each with the study of its last text, and of its last text that was a spec."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from archspec.editor.lines import Lines
from archspec.editor.study import Study
from archspec.elaborate.shelf import Shelf
from archspec.elaborate.shipped import library_folder, specs_folder
from archspec.syntax import lines


class Document:
    """One open text."""

    def __init__(self, uri: str, text: str, version: int | None, encoding: str) -> None:
        self.uri = uri
        self.path = path_of(uri)
        self.key = None if self.path is None else str(self.path.resolve())
        """The loader's key for its file; None if it is not a file."""
        self.version = version
        self.encoding = encoding
        self.text = text
        self.study: Study | None = None
        """The study of its last text that was studied to the end."""
        self.good: Study | None = None
        """The study of its last text that parses as a spec, valid or not, so that its places are known."""
        self.chosen: dict[str, str] = {}
        """By block, the path of the use that its hints are about; a block that is missing here uses its first."""

    @property
    def shown(self) -> str:
        """The file's name in messages."""
        return self.path.name if self.path is not None else "untitled.yaml"

    @property
    def lines(self) -> Lines:
        """The lines of the text."""
        return Lines(lines(self.text), self.encoding)

    @property
    def is_spec(self) -> bool:
        """Whether the text is meant as a spec: one of its lines begins with the key ``archspec``."""
        return any(line.lstrip("\ufeff").startswith("archspec:") for line in self.lines.lines)

    @property
    def shipped(self) -> bool:
        """Whether the file belongs to the package, so that it must not be edited."""
        return self.path is not None and is_shipped(self.path)

    def learn(self, study: Study) -> None:
        """Keep the study of a text."""
        self.study = study
        if study.file is not None:
            self.good = study

    @property
    def current(self) -> Study | None:
        """The study of the current text, if it is a spec and was studied."""
        return self.good if self.good is not None and self.good.text == self.text else None


class Documents:
    """Every open text."""

    def __init__(self) -> None:
        self.open: dict[str, Document] = {}
        self.shelf = Shelf()
        self.encoding: str = types.PositionEncodingKind.Utf16
        self.roots: tuple[Path, ...] = ()
        """The folders that are open in the editor."""

    def put(self, uri: str, text: str, version: int | None) -> Document:
        """Store a text that was opened or has changed."""
        document = self.open.get(uri)
        if document is None:
            document = self.open[uri] = Document(uri, text, version, self.encoding)
        document.text, document.version = text, version
        if document.key is not None:
            self.shelf.unsaved[document.key] = text
        return document

    def close(self, uri: str) -> None:
        """Remove a closed document: the file on disk counts again."""
        document = self.open.pop(uri, None)
        if document is not None and document.key is not None:
            self.shelf.unsaved.pop(document.key, None)

    def study(self, document: Document, pulse: Callable[[], None] = lambda: None) -> Study:
        """Study a document's text, unless it was studied already.  Raises what ``pulse`` raises."""
        if document.study is None or document.study.text != document.text:
            document.learn(Study(document.path, document.text, document.shown, self.shelf, pulse))
        assert document.study is not None
        return document.study

    def readers(self, document: Document) -> Iterator[Document]:
        """The other open documents that use this document's file."""
        for other in list(self.open.values()):
            if other is not document and other.study is not None and document.key in other.study.loader.files:
                yield other

    def uri(self, path: str) -> str:
        """The URI of a file; if it is open, the editor's own."""
        for document in self.open.values():
            if document.key == path:
                return document.uri
        return Path(path).as_uri()

    def address(self, key: str) -> tuple[str, int | None]:
        """The URI and version of a file, from the loader's key."""
        for document in self.open.values():
            good = document.good
            own = document.key if document.key is not None or good is None or good.file is None else good.file.key
            if own == key:
                return document.uri, document.version
        return Path(key).as_uri(), None


def path_of(uri: str) -> Path | None:
    """The file that a URI names; None for a text that is not a file on this machine."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = unquote(parts.path)
    if "\0" in path or not path:
        return None
    if len(path) > 2 and path[0] == "/" and path[2] == ":":  # a Windows drive
        path = path[1:]
    return Path(path)


def is_shipped(path: Path) -> bool:
    """Whether a file belongs to the package's library or specs."""
    resolved = path.resolve()
    return any(resolved.is_relative_to(folder.resolve()) for folder in (library_folder(), specs_folder()))
