"""The texts that are open, and what is known of each: of its last text, and of the last that was a spec."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from archspec.editor.lines import Lines
from archspec.editor.study import Study
from archspec.elaborate.loader import Shelf, library_folder, specs_folder
from archspec.source import lines


class Document:
    """One open text."""

    def __init__(self, uri: str, text: str, version: int | None, encoding: str) -> None:
        self.uri = uri
        self.path = path_of(uri)
        self.key = None if self.path is None else str(self.path.resolve())
        """What the loader knows its file by; None if it is no file."""
        self.version = version
        self.encoding = encoding
        self.text = text
        self.study: Study | None = None
        """What is known of its last text that was studied to the end."""
        self.good: Study | None = None
        """The same of the last that is a spec, right or wrong: its places can be told."""
        self.chosen: dict[str, str] = {}
        """For a block the path of the use that hints are about; its first use where there is none."""

    @property
    def shown(self) -> str:
        """How messages call the file."""
        return self.path.name if self.path is not None else "untitled.yaml"

    @property
    def lines(self) -> Lines:
        """The lines of the text."""
        return Lines(lines(self.text), self.encoding)

    @property
    def is_spec(self) -> bool:
        """Whether the text is about to be a spec: one of its lines begins with the key ``archspec``."""
        return any(line.lstrip("\ufeff").startswith("archspec:") for line in self.lines.lines)

    @property
    def shipped(self) -> bool:
        """Whether it is a file of the package, which is not edited."""
        return self.path is not None and is_shipped(self.path)

    def learn(self, study: Study) -> None:
        """Keep what is known of a text."""
        self.study = study
        if study.file is not None:
            self.good = study

    @property
    def current(self) -> Study | None:
        """What is known of the text as it stands, if it is a spec and was studied."""
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
        """A text that was opened or has changed."""
        document = self.open.get(uri)
        if document is None:
            document = self.open[uri] = Document(uri, text, version, self.encoding)
        document.text, document.version = text, version
        if document.key is not None:
            self.shelf.unsaved[document.key] = text
        return document

    def close(self, uri: str) -> None:
        """A text that is no longer open: what is on the disk counts again."""
        document = self.open.pop(uri, None)
        if document is not None and document.key is not None:
            self.shelf.unsaved.pop(document.key, None)

    def study(self, document: Document, pulse: Callable[[], None] = lambda: None) -> Study:
        """Study a document's text, unless that was done.  Raises what ``pulse`` raises."""
        if document.study is None or document.study.text != document.text:
            document.learn(Study(document.path, document.text, document.shown, self.shelf, pulse))
        assert document.study is not None
        return document.study

    def readers(self, document: Document) -> Iterator[Document]:
        """The other open documents that use a document's file."""
        for other in list(self.open.values()):
            if other is not document and other.study is not None and document.key in other.study.loader.files:
                yield other

    def uri(self, path: str) -> str:
        """The address of a file: as the editor knows it, where it is open."""
        for document in self.open.values():
            if document.key == path:
                return document.uri
        return Path(path).as_uri()

    def address(self, key: str) -> tuple[str, int | None]:
        """The address and version of a file by what the loader knows it by."""
        for document in self.open.values():
            good = document.good
            own = document.key if document.key is not None or good is None or good.file is None else good.file.key
            if own == key:
                return document.uri, document.version
        return Path(key).as_uri(), None


def path_of(uri: str) -> Path | None:
    """The file that an address names; None for a text that is no file of this machine."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = unquote(parts.path)
    if "\0" in path or not path:
        return None
    if len(path) > 2 and path[0] == "/" and path[2] == ":":  # a drive of Windows
        path = path[1:]
    return Path(path)


def is_shipped(path: Path) -> bool:
    """Whether a file belongs to the package's library or specs."""
    resolved = path.resolve()
    return any(resolved.is_relative_to(folder.resolve()) for folder in (library_folder(), specs_folder()))
