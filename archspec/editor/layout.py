"""YAML's tokens by line, and the indentation of each line."""

from __future__ import annotations

from bisect import bisect
from typing import Any, Literal

from archspec.records import record

Kind = Literal["dash", "explicit", "value", "entry", "open", "close", "anchor", "alias", "word"]

STEP = 2
"""The columns of one level of indentation."""


@record
class Word:
    """One token on a line; for a token that spans lines, the part on this line."""

    kind: Kind
    start: int
    end: int
    quoted: bool = False


@record
class Level:
    """A block collection: its column in the text, and its new column."""

    old: int
    new: int
    is_list: bool


_KINDS: dict[str, Kind] = {
    "BlockEntryToken": "dash",
    "ValueToken": "value",
    "FlowEntryToken": "entry",
    "FlowSequenceStartToken": "open",
    "FlowMappingStartToken": "open",
    "FlowSequenceEndToken": "close",
    "FlowMappingEndToken": "close",
    "AnchorToken": "anchor",
    "TagToken": "anchor",
    "AliasToken": "alias",
    "ScalarToken": "word",
    "DocumentStartToken": "word",
    "DocumentEndToken": "word",
    "DirectiveToken": "word",
}


class Layout:
    """The layout of a text, built token by token."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.words: dict[int, list[Word]] = {}
        self.indentation: dict[int, int] = {}
        self.kept: dict[int, int] = {}
        """Lines inside a multi-line string, and by how much each is shifted."""
        self._levels: list[Level] = []
        self.unfinished: set[int] = set()
        """Lines on which a multi-line string begins: blanks at their end may be significant."""
        self.brackets: dict[int, tuple[int, int]] = {}
        """For each line that begins inside brackets, the line and column of the innermost opening bracket."""
        self._open: list[tuple[int, int]] = []
        self._content: list[int] = []
        """The lines on which a block collection continues, in order."""
        self._levels_of: dict[int, tuple[Level, ...]] = {}
        """The collections around each of these lines."""
        self._length = sum(len(line) + 1 for line in lines) - 1

    # -- tokens --------------------------------------------------------------------------------------------------------

    def token(self, token: Any) -> None:
        """Add the next token."""
        name = type(token).__name__
        start, end = token.start_mark, token.end_mark
        if name in ("BlockMappingStartToken", "BlockSequenceStartToken"):
            self._leave(start.column)
            self._levels.append(self._level(start.column, name == "BlockSequenceStartToken"))
            return
        if name == "BlockEndToken":
            return
        if name == "KeyToken":
            if not self._open:
                self._leave(start.column, mapping=True)
            if end.index > start.index:
                self._add(Word("explicit", start.column, end.column), start.line)
            return
        kind = _KINDS.get(name)
        if kind is None or (end.index == start.index and kind != "word"):
            return
        if kind == "dash":
            self._dash(start.column)
        if name == "ScalarToken":
            self._scalar(token)
            return
        self._add(Word(kind, start.column, end.column), start.line)
        if kind == "open":
            self._open.append((start.line, start.column))
        elif kind == "close":
            self._open.pop()

    def _level(self, column: int, is_list: bool) -> Level:
        """The level of a collection that begins at a column, inside the open ones."""
        if not self._levels:
            return Level(column, 0, is_list)
        return Level(column, self._levels[-1].new + STEP, is_list)

    def _leave(self, column: int, mapping: bool = False) -> None:
        """Close the collections that start further right than a column."""
        while self._levels and self._levels[-1].old > column:
            self._levels.pop()
        if mapping and self._levels and self._levels[-1].is_list and self._levels[-1].old == column:
            self._levels.pop()  # a list that is not indented under its key, followed by the next key

    def _dash(self, column: int) -> None:
        """Add an item of a list; a list at its key's own column has no starting token."""
        self._leave(column)
        if not self._levels or not self._levels[-1].is_list or self._levels[-1].old != column:
            self._levels.append(self._level(column, True))

    def _add(self, word: Word, line: int) -> None:
        words = self.words.setdefault(line, [])
        if not words and line not in self.kept:
            self.indentation[line] = self._indentation(word.start, line)
        words.append(word)

    def _indentation(self, column: int, line: int) -> int:
        """The new column of a line whose first word is at this column in the text."""
        if self._open:
            self.brackets[line] = self._open[-1]
            return column
        self._content.append(line)
        self._levels_of[line] = tuple(self._levels)
        known = next((level for level in reversed(self._levels) if level.old == column), None)
        if known is not None:
            return known.new
        return self._levels[-1].new + STEP if self._levels else 0  # a value on a line of its own

    def _scalar(self, token: Any) -> None:
        start, end = token.start_mark, token.end_mark
        quoted = token.style in ("'", '"')
        if token.style in ("|", ">"):
            self._block_text(token)
            return
        if start.line == end.line:
            if end.index > start.index or quoted:
                self._add(Word("word", start.column, end.column, quoted), start.line)
            return
        self._add(Word("word", start.column, len(self.lines[start.line])), start.line)
        self.unfinished.add(start.line)
        shift = self._shift(start.line)
        for line in range(start.line + 1, end.line + 1):
            self.kept[line] = shift
        self.words.setdefault(end.line, []).append(Word("word", 0, end.column))

    def _block_text(self, token: Any) -> None:
        """Add a block scalar: ``|`` or ``>`` with the lines below."""
        start, end = token.start_mark, token.end_mark
        head = self.lines[start.line]
        after = head[start.column :].split()[0]
        self._add(Word("word", start.column, start.column + len(after)), start.line)
        last = end.line if end.index < self._length else len(self.lines)
        inside = range(start.line + 1, max(last, start.line + 1))
        written = [line for line in inside if self.lines[line].strip()]
        least = min((_indentation_of(self.lines[line]) for line in written), default=0)
        written = [line for line in inside if self.lines[line].strip() or len(self.lines[line]) > least > 0]
        if any(character.isdigit() for character in after):
            shift = self._shift(start.line)
        else:
            shift = (self._levels[-1].new + STEP if self._levels else 0) - least
        for line in range(start.line + 1, written[-1] + 1 if written else 0):  # without the blank lines after it
            self.kept[line] = shift

    def _shift(self, line: int) -> int:
        """By how much a line was shifted."""
        if line in self.kept:
            return self.kept[line]
        if line in self.brackets:
            return self._shift(self.brackets[line][0])
        return self.indentation.get(line, 0) - _indentation_of(self.lines[line])

    # -- lines ---------------------------------------------------------------------------------------------------------

    def comment(self, line: int) -> int | None:
        """The column where a line's comment begins; None if it has none."""
        words = self.words.get(line, [])
        if line in self.kept and not words:
            return None
        behind = words[-1].end if words else 0
        at = self.lines[line].find("#", behind)
        return at if at >= 0 and not self.lines[line][behind:at].strip() else None

    def aligned(self, line: int, index: int) -> bool:
        """Whether a word begins or ends in the column of its counterpart on the line above or below, as in a table."""
        words = self.words[line]
        for other in (self.words.get(line - 1, []), self.words.get(line + 1, [])):
            if len(other) == len(words):
                fellow, word = other[index], words[index]
                if fellow.kind == word.kind and (fellow.start == word.start or fellow.end == word.end):
                    return True
        return False

    def comment_indentation(self, line: int, column: int) -> int:
        """The column of a comment on its own line: that of the content it belongs to."""
        behind = bisect(self._content, line)
        levels = list(self._levels_of[self._content[behind - 1]]) if behind else []
        if behind < len(self._content):
            following = self._content[behind]
            if column <= _indentation_of(self.lines[following]):
                return self.indentation[following]
            levels += self._levels_of[following]
        return max(((level.old, level.new) for level in levels if level.old <= column), default=(0, 0))[1]


def _indentation_of(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
