"""The last text that was a spec, seen from the text as it is now: what it says of the lines that have not changed."""

from __future__ import annotations

from dataclasses import replace

from lsprotocol import types

from archspec.diagnostics import Source, Span
from archspec.editor.documents import Document
from archspec.editor.lines import Point, same_lines
from archspec.editor.study import Study


class Standing:
    """A study, and where each line of its text stands in the present text."""

    def __init__(self, document: Document, study: Study, source: Source) -> None:
        self.study = study
        self.source = source
        self.lines = document.lines
        self.now = study.text == document.text
        """Whether the study is that of the present text."""
        self._moved = {} if self.now else same_lines(source.lines, self.lines.lines)
        self._back = {line: before for before, line in self._moved.items()}

    def point(self, position: types.Position) -> Point | None:
        """A position of the present text in the text that was studied; None on a line that has changed."""
        line, column = self.lines.point(position)
        before = line if self.now else self._back.get(line)
        return None if before is None else (before, column)

    def line(self, line: int) -> int | None:
        """A line of the text that was studied in the present text; None if it has changed."""
        return line if self.now else self._moved.get(line)

    def span(self, span: Span) -> Span | None:
        """A span of the text that was studied in the present text; None if its first or last line has changed."""
        first, last = self.line(span.line), self.line(span.end_line)
        return None if first is None or last is None else replace(span, line=first, end_line=last)

    def range(self, span: Span) -> types.Range | None:
        """The same as a range of the protocol."""
        here = self.span(span)
        return None if here is None else self.lines.range(here)


def standing(document: Document) -> Standing | None:
    """What is known of a document from its last text that was a spec; None if none was."""
    study = document.good
    return None if study is None or study.source is None else Standing(document, study, study.source)
