"""The language server: passes the editor's notifications and requests to the features; no logic is here."""

from __future__ import annotations

import gc
import logging
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from archspec.editor import requests
from archspec.editor.documents import path_of
from archspec.editor.session import Server
from archspec.editor.settings import settings


def make() -> Server:
    """The server with all features."""
    server = Server()
    _texts(server)
    requests.shown(server)
    requests.found(server)
    requests.changed(server)
    return server


def run() -> None:
    """Serve over standard input and output until the editor stops it."""
    gc.disable()  # the session collects garbage itself, when nobody types
    gc.freeze()
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_a_bug)
    make().start_io()


def _is_a_bug(said: logging.LogRecord) -> bool:
    """Whether a failed request is a bug; a refusal is reported to the editor alone."""
    return said.exc_info is None or not isinstance(said.exc_info[1], JsonRpcException)


def _texts(server: Server) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.settings = settings(params.initialization_options, server.settings)
        folders = [folder.uri for folder in params.workspace_folders or ()] or [params.root_uri or ""]
        server.documents.roots = tuple(path.resolve() for uri in folders if (path := path_of(uri)) is not None)

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

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def watched(params: types.DidChangeWatchedFilesParams) -> None:
        server.changed_on_disk([change.uri for change in params.changes])

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.documents.close(params.text_document.uri)
        server.publish(params.text_document.uri, None, [])
