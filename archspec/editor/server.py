"""The language server: what the editor tells and asks, handed to the features; nothing is worked out here.

All work is done by one thread, one thing after another.  A keystroke ends the study of the text before it, and the next
begins when the keys have been still for a moment; what is asked for waits for that study.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from archspec.editor import completion, diagnostics, hover, inlay
from archspec.editor.documents import Document, Documents
from archspec.editor.settings import Settings, settings

T = TypeVar("T")


class Interrupted(Exception):
    """The text has changed while it was studied."""


class Server(LanguageServer):
    """The server, with its documents and its one thread."""

    def __init__(self) -> None:
        super().__init__("archspec", version("archspec-nn"), text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.documents = Documents()
        self.settings = Settings()
        self._worker = ThreadPoolExecutor(1, "archspec")
        self._waiting: dict[str, asyncio.Task[None]] = {}

    async def work(self, do: Callable[[], T]) -> T:
        """What a function gives, run by the thread that does all work."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, do)

    # -- texts that change ---------------------------------------------------------------------------------------------

    def changed(self, uri: str, text: str, version: int | None) -> None:
        """A text was opened or changed: it is studied when no other change follows at once."""
        self.documents.encoding = self.workspace.position_encoding or types.PositionEncodingKind.Utf16
        self.documents.put(uri, text, version)
        self.begin(uri)

    def begin(self, uri: str) -> None:
        """Study a document in a moment, in place of a study that is under way."""
        waiting = self._waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()
        self._waiting[uri] = asyncio.get_running_loop().create_task(self._later(uri))

    async def _later(self, uri: str) -> None:
        await asyncio.sleep(self.settings.delay)
        document = self.documents.open.get(uri)
        if document is None or not document.is_spec:
            self.publish(uri, None, [])
            return
        try:
            known = document.study
            found = await self.work(lambda: self.said(document))
        except Interrupted:
            return
        if self.documents.open.get(uri) is document:
            self.publish(uri, document.version, found)
            if document.study is not known:
                self.refresh()
                for reader in self.documents.readers(document):
                    reader.study = None
                    self.begin(reader.uri)

    def said(self, document: Document) -> list[types.Diagnostic]:
        """What is wrong with a text.  Raises Interrupted where it changes meanwhile."""
        self.study(document)
        return diagnostics.diagnostics(self.documents, document)

    def study(self, document: Document) -> None:
        """Study a text.  Raises Interrupted where it changes meanwhile."""
        text = document.text

        def pulse() -> None:
            if document.text is not text:
                raise Interrupted

        self.documents.study(document, pulse)

    def publish(self, uri: str, version: int | None, found: list[types.Diagnostic]) -> None:
        """Send what is wrong with a text."""
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    def refresh(self) -> None:
        """Ask the editor to ask for hints again: what it shows may be of another text."""
        workspace = self.client_capabilities.workspace
        if workspace is not None and workspace.inlay_hint is not None and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)

    @property
    def snippets(self) -> bool:
        """Whether the editor lets what is completed have holes."""
        known = self.client_capabilities.text_document
        item = known.completion.completion_item if known is not None and known.completion is not None else None
        return item is not None and bool(item.snippet_support)

    def document(self, uri: str) -> Document | None:
        """An open text that is a spec."""
        document = self.documents.open.get(uri)
        return document if document is not None and document.is_spec else None

    async def ask(self, uri: str, feature: Callable[[Document], T], otherwise: T) -> T:
        """What a feature says of a text that was studied; ``otherwise`` for a text that is no spec."""
        document = self.document(uri)
        if document is None:
            return otherwise

        def do() -> T:
            try:
                self.study(document)
            except Interrupted:
                return otherwise
            return feature(document)

        return await self.work(do)


def make() -> Server:
    """The server with all features."""
    server = Server()
    _texts(server)
    _shown(server)
    return server


def run() -> None:
    """Serve over standard input and output until the editor ends it."""
    gc.set_threshold(100_000)
    make().start_io()


def _texts(server: Server) -> None:
    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        return None

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.settings = settings(params.initialization_options, server.settings)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configured(params: types.DidChangeConfigurationParams) -> None:
        given: Any = params.settings
        server.settings = settings(given.get("archspec") if isinstance(given, dict) else None, server.settings)
        server.refresh()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.changed(params.text_document.uri, params.text_document.text, params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        text = server.workspace.get_text_document(params.text_document.uri).source
        server.changed(params.text_document.uri, text, params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.documents.close(params.text_document.uri)
        server.publish(params.text_document.uri, None, [])


def _shown(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def hints(params: types.InlayHintParams) -> list[types.InlayHint]:
        lines = range(params.range.start.line + 1, params.range.end.line + 2)
        return await server.ask(
            params.text_document.uri, lambda document: inlay.hints(document, lines, server.settings.hints), []
        )

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovered(params: types.HoverParams) -> types.Hover | None:
        return await server.ask(params.text_document.uri, lambda document: hover.hover(document, params.position), None)

    options = types.CompletionOptions(trigger_characters=["$", "(", ".", "{", "[", ","])

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, options)
    async def completed(params: types.CompletionParams) -> list[types.CompletionItem]:
        return await server.ask(
            params.text_document.uri,
            lambda document: completion.completion(document, params.position, server.snippets),
            [],
        )
