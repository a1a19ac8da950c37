"""One editor's session: its documents, its settings, and the one thread that does all work.

A keystroke aborts the study of the previous text.  The next study begins at once, or, while keystrokes follow quickly,
after a short pause in typing.  Requests wait for it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from archspec.editor import diagnostics
from archspec.editor.documents import Document, Documents, path_of
from archspec.editor.rename import Refused
from archspec.editor.settings import Settings

T = TypeVar("T")

_REQUEST_FAILED = -32803
"""The protocol's code for a valid request that cannot be carried out; an editor shows its message."""


QUICK = 0.1
"""Keystrokes less than this many seconds apart follow quickly: the study waits for a pause in typing."""
STILL = 1.0
"""Seconds without a study after which memory is freed."""
MOST_UNSWEPT = 50
"""The number of studies after which memory is freed at once."""


class Interrupted(Exception):
    """The text changed while it was being studied."""


class Server(LanguageServer):
    """The server, with its documents and its one thread."""

    def __init__(self) -> None:
        super().__init__("archspec", version("archspec-nn"), text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.documents = Documents()
        self.settings = Settings()
        self._worker = ThreadPoolExecutor(1, "archspec")
        self._typed = 0.0
        """When a text last changed."""
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self._unswept = 0

    async def work(self, do: Callable[[], T]) -> T:
        """What a function gives, run by the thread that does all work."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, do)

    # -- texts that change ---------------------------------------------------------------------------------------------

    def changed(self, uri: str, text: str, version: int | None) -> None:
        """Handle an opened or changed text: it is studied unless another change follows at once."""
        self.documents.encoding = self.workspace.position_encoding or types.PositionEncodingKind.Utf16
        self.documents.put(uri, text, version)
        self.begin(uri)

    def changed_on_disk(self, uris: list[str]) -> None:
        """Handle changed, created or deleted files: study the documents again that use them or failed to find them."""
        keys = {str(path.resolve()) for uri in uris if (path := path_of(uri)) is not None}
        for document in list(self.documents.open.values()):
            study = document.study
            if study is not None and document.key not in keys and not keys.isdisjoint(study.loader.asked):
                document.study = None
                self.begin(document.uri)

    def begin(self, uri: str) -> None:
        """Schedule the study of a document, replacing a study that is under way."""
        waiting = self._waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()
        now = time.monotonic()
        pause = self.settings.delay if now - self._typed < QUICK else 0.0
        self._typed = now
        self._waiting[uri] = asyncio.get_running_loop().create_task(self._later(uri, pause))

    async def _later(self, uri: str, pause: float) -> None:
        await asyncio.sleep(pause)
        document = self.documents.open.get(uri)
        if document is None or not document.is_spec:
            self.publish(uri, None, [])
            return
        try:
            known = document.study
            found = await self.work(lambda: self.said(document))
        except Interrupted:
            return
        self.sweep()
        if self.documents.open.get(uri) is document:
            self.publish(uri, document.version, found)
            if document.study is not known:
                self.refresh()
                for reader in self.documents.readers(document):
                    reader.study = None
                    self.begin(reader.uri)

    def sweep(self) -> None:
        """Free the graphs of earlier texts after a longer pause in typing: it takes as long as a study."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._unswept += 1
        self._sweeping = asyncio.get_running_loop().create_task(self._swept())

    async def _swept(self) -> None:
        await asyncio.sleep(0 if self._unswept > MOST_UNSWEPT else STILL)
        self._unswept = 0
        await self.work(gc.collect)

    def said(self, document: Document) -> list[types.Diagnostic]:
        """The diagnostics of a text.  Raises Interrupted if it changes meanwhile."""
        self.study(document)
        return diagnostics.diagnostics(self.documents, document)

    def study(self, document: Document) -> None:
        """Study a text.  Raises Interrupted if it changes meanwhile."""
        text = document.text

        def pulse() -> None:
            if document.text is not text:
                raise Interrupted

        self.documents.study(document, pulse)

    def publish(self, uri: str, version: int | None, found: list[types.Diagnostic]) -> None:
        """Send the diagnostics of a text to the editor."""
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    def refresh(self) -> None:
        """Ask the editor to request its hints again: those it shows may belong to another text."""
        workspace = self.client_capabilities.workspace
        if workspace is not None and workspace.inlay_hint is not None and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)

    @property
    def snippets(self) -> bool:
        """Whether the editor supports snippets in completions."""
        known = self.client_capabilities.text_document
        item = known.completion.completion_item if known is not None and known.completion is not None else None
        return item is not None and bool(item.snippet_support)

    def document(self, uri: str) -> Document | None:
        """An open text that is a spec."""
        document = self.documents.open.get(uri)
        return document if document is not None and document.is_spec else None

    async def ask(self, uri: str, feature: Callable[[Document], T], otherwise: T) -> T:
        """What a feature says of a text that was studied; ``otherwise`` for a text that is not a spec."""
        document = self.document(uri)
        if document is None:
            return otherwise

        def do() -> T:
            try:
                self.study(document)
            except Interrupted:
                return otherwise
            try:
                return feature(document)
            except Refused as refused:
                raise JsonRpcException(str(refused), _REQUEST_FAILED) from None

        return await self.work(do)
