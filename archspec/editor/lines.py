"""Positions in a text: ours count characters from 1, the protocol's count code units of some encoding from 0."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from archspec.diagnostics import Span
from archspec.records import record

Point = tuple[int, int]
"""Line and column, counted from 1, in characters."""


@record
class Lines:
    """The lines of a text, with conversion to and from the protocol's positions."""

    lines: Sequence[str]
    encoding: str = types.PositionEncodingKind.Utf16

    def position(self, line: int, column: int) -> types.Position:
        """The protocol's position of a character, or of the end of the line if the character is beyond it."""
        if line > len(self.lines):
            line, column = len(self.lines), len(self.lines[-1]) + 1
        return types.Position(line - 1, units(self.lines[line - 1][: column - 1], self.encoding))

    def range(self, span: Span) -> types.Range:
        """The protocol's range of a span."""
        end = self.position(span.end_line, span.end_column)
        return types.Range(self.position(span.line, span.column), end)

    def point(self, position: types.Position) -> Point:
        """The line and column of a position; a position beyond the end gives the end."""
        if position.line >= len(self.lines):
            return len(self.lines), len(self.lines[-1]) + 1
        text = self.lines[position.line]
        if text.isascii() or self.encoding == types.PositionEncodingKind.Utf32:
            return position.line + 1, min(position.character, len(text)) + 1
        passed = 0
        for column, character in enumerate(text, 1):
            if passed >= position.character:
                return position.line + 1, column
            passed += units(character, self.encoding)
        return position.line + 1, len(text) + 1

    @property
    def whole(self) -> types.Range:
        """The range of the text."""
        return types.Range(types.Position(0, 0), self.position(len(self.lines), len(self.lines[-1]) + 1))


def units(text: str, encoding: str) -> int:
    """The number of code units in a text."""
    if text.isascii() or encoding == types.PositionEncodingKind.Utf32:
        return len(text)
    if encoding == types.PositionEncodingKind.Utf8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def holds(span: Span, point: Point) -> bool:
    """Whether a point is in a span or at its end, where a cursor stands after the last character."""
    return (span.line, span.column) <= point <= (span.end_line, span.end_column)


def same_lines(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """By the number of each unchanged line in the old text, its number in the new one, counted from 1."""
    top = 0
    least = min(len(before), len(after))
    while top < least and before[top] == after[top]:
        top += 1
    bottom = 0
    while bottom < least - top and before[-1 - bottom] == after[-1 - bottom]:
        bottom += 1
    moved = len(after) - len(before)
    kept = {line: line for line in range(1, top + 1)}
    return kept | {line: line + moved for line in range(len(before) - bottom + 1, len(before) + 1)}
