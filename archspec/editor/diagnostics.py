"""Diagnostics for the protocol: each at its place, with links to the other places it mentions."""

from __future__ import annotations

from lsprotocol import types

from archspec.diagnostics import Diagnostic, Frame, Span
from archspec.editor.documents import Document, Documents
from archspec.editor.lines import Lines
from archspec.editor.study import Study
from archspec.syntax import Mapping, Scalar

SOURCE = "archspec"
_SEVERITY = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "note": types.DiagnosticSeverity.Information,
}
_UNUSED = ("unused", "unused-step")
"""Codes about text that could be deleted; an editor shows such text faded."""


def diagnostics(documents: Documents, document: Document) -> list[types.Diagnostic]:
    """All diagnostics of a document's text; none if it was not studied."""
    study = document.study
    return [] if study is None else [_told(documents, document, study, each) for each in study.diagnostics]


def _told(documents: Documents, document: Document, study: Study, said: Diagnostic) -> types.Diagnostic:
    lines = document.lines
    span, others = _seen(document, study, said)
    message = "\n".join([said.message, *said.details, *([f"hint: {said.hint}"] if said.hint else [])])
    related = [_related(documents, document, frame) for frame in (*others, *said.related, *said.stack)]
    return types.Diagnostic(
        range=_first_line(lines) if span is None else lines.range(span),
        message=message,
        severity=_SEVERITY[said.severity],
        code=said.code,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if said.code in _UNUSED else None,
        related_information=[each for each in related if each is not None] or None,
        data={"hint": said.hint} if said.hint else None,
    )


def _seen(document: Document, study: Study, said: Diagnostic) -> tuple[Span | None, tuple[Frame, ...]]:
    """The place in this text that shows a diagnostic; and, if it is about another file, the place there as a link."""
    if said.span is None or _is_here(document, said.span):
        return said.span, ()
    there = (Frame("here", said.span),)
    used = next((frame.span for frame in said.stack[::-1] if _is_here(document, frame.span)), None)
    return used or _naming(study, said.span), there


def _is_here(document: Document, span: Span) -> bool:
    """Whether a span is in a document's own file."""
    path = span.source.path
    if path is None:
        return document.path is None and bool(span.source.lines)
    return path == document.key


def _naming(study: Study, span: Span) -> Span | None:
    """Where the spec names the file of a span: under ``extends`` or ``import``."""
    keys = study.keys
    if keys is None:
        return None
    extends = keys.get("extends")
    if isinstance(extends, Scalar):
        return extends.span
    imports = keys.get("import")
    for _, target in imports.entries if isinstance(imports, Mapping) else ():
        named = target.get("spec") if isinstance(target, Mapping) else target
        if isinstance(named, Scalar) and str(named.value).rpartition("/")[2] in span.source.name:
            return named.span
    return None


def _first_line(lines: Lines) -> types.Range:
    return types.Range(types.Position(0, 0), lines.position(1, len(lines.lines[0]) + 1))


def _related(documents: Documents, document: Document, frame: Frame) -> types.DiagnosticRelatedInformation | None:
    location = locate(documents, document, frame.span)
    return None if location is None else types.DiagnosticRelatedInformation(location, frame.what)


def locate(documents: Documents, document: Document, span: Span) -> types.Location | None:
    """A span as a location of the protocol; None if it is not in a file."""
    if _is_here(document, span):
        return types.Location(document.uri, document.lines.range(span))
    if span.source.path is None:
        return None
    return types.Location(documents.uri(span.source.path), Lines(span.source.lines, document.encoding).range(span))
