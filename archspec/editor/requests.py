"""The requests of an editor, each with the feature that answers it."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from archspec.editor import (
    actions,
    colours,
    completion,
    definitions,
    extraction,
    hover,
    inlay,
    outline,
    pictures,
    rename,
    uses,
)
from archspec.editor.documents import Document
from archspec.editor.formatting import formatted
from archspec.editor.session import Server


def shown(server: Server) -> None:
    """Requests for what is shown in and beside the text."""

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def hints(params: types.InlayHintParams) -> list[types.InlayHint]:
        lines = range(params.range.start.line + 1, params.range.end.line + 2)
        uri = params.text_document.uri
        return await server.ask(uri, lambda document: inlay.hints(document, lines, server.settings.hints), [])

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovered(params: types.HoverParams) -> types.Hover | None:
        uri = params.text_document.uri
        return await server.ask(uri, lambda document: hover.hover(document, params.position), None)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        return await server.ask(params.text_document.uri, outline.outline, [])

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    async def folded(params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        return await server.ask(params.text_document.uri, outline.folding, [])

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, colours.LEGEND)
    async def coloured(params: types.SemanticTokensParams) -> types.SemanticTokens:
        return await server.ask(params.text_document.uri, colours.colours, types.SemanticTokens([]))

    @server.feature("archspec/picture")
    async def picture(params: Any) -> dict[str, str] | None:
        return await server.ask(str(params.uri), pictures.picture, None)


def found(server: Server) -> None:
    """Requests for what is looked up."""

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def defined(params: types.DefinitionParams) -> types.Location | None:
        def feature(document: Document) -> types.Location | None:
            return definitions.definition(server.documents, document, params.position)

        return await server.ask(params.text_document.uri, feature, None)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def referred(params: types.ReferenceParams) -> list[types.Location]:
        def feature(document: Document) -> list[types.Location]:
            return definitions.references(server.documents, document, params.position)

        return await server.ask(params.text_document.uri, feature, [])

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlighted(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        uri = params.text_document.uri
        return await server.ask(uri, lambda document: definitions.highlights(document, params.position), [])

    options = types.CompletionOptions(trigger_characters=["$", "(", ".", "{", "[", ","])

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, options)
    async def completed(params: types.CompletionParams) -> list[types.CompletionItem]:
        def feature(document: Document) -> list[types.CompletionItem]:
            return completion.completion(document, params.position, server.snippets)

        return await server.ask(params.text_document.uri, feature, [])


def changed(server: Server) -> None:
    """Requests that change the text."""

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepared(params: types.PrepareRenameParams) -> types.Range | None:
        uri = params.text_document.uri
        return await server.ask(uri, lambda document: rename.prepare(document, params.position), None)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def renamed(params: types.RenameParams) -> types.WorkspaceEdit | None:
        def feature(document: Document) -> types.WorkspaceEdit | None:
            return rename.rename(server.documents, document, params.position, params.new_name)

        return await server.ask(params.text_document.uri, feature, None)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def written(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        return await server.ask(params.text_document.uri, _formatted, [])

    kinds = types.CodeActionKind
    options = types.CodeActionOptions(
        [kinds.QuickFix, kinds.RefactorExtract, kinds.RefactorInline], resolve_provider=True
    )

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def offered(params: types.CodeActionParams) -> list[types.CodeAction]:
        def feature(document: Document) -> list[types.CodeAction]:
            return [
                *actions.fixes(document, params.context.diagnostics),
                *extraction.offers(document, params.range),
                *uses.offers(document, params.range),
            ]

        return await server.ask(params.text_document.uri, feature, [])

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolved(action: types.CodeAction) -> types.CodeAction:
        data: Any = action.data

        def feature(document: Document) -> types.CodeAction:
            line, character, end_line, end_character = data["range"]
            selected = types.Range(types.Position(line, character), types.Position(end_line, end_character))
            action.edit = extraction.edit(server.documents, document, data["kind"], selected)
            return action

        return action if not isinstance(data, dict) else await server.ask(data["uri"], feature, action)

    @server.command(uses.COMMAND)
    async def chosen(uri: str, block: str, path: str) -> None:
        document = server.document(uri)
        if document is not None:
            document.chosen[block] = path
            server.refresh()


def _formatted(document: Document) -> list[types.TextEdit]:
    """The text in the house style; nothing is changed where the spec has errors."""
    study = document.current
    if study is None or any(each.severity == "error" for each in study.diagnostics):
        return []
    new = formatted(document.text)
    return [] if new == document.text else [types.TextEdit(document.lines.whole, new)]
