"""The house style of a spec: indentation, blanks and quotes; every word, comment, anchor and line end is kept.

Each line of the text stays a line.  Its words are found by YAML's own tokens, so that nothing inside a string or a
comment changes.  The result is parsed again: if it does not mean the same, the text is returned unchanged.

- Mappings and lists, also a list under its key, are indented by two columns.
- One blank follows `-`, `:` and `,`; none stands inside brackets.
- Two blanks or more precede a comment, which keeps its column if possible; the columns of a table are kept.
- Quoted strings have double quotes, unless that needs an escape.
- No line ends in blanks, the file ends with one line end, and it neither begins nor ends with a blank line.
"""

from __future__ import annotations

import re
from typing import Any

from archspec.diagnostics import Fault
from archspec.editor.layout import Layout, Word
from archspec.syntax import Items, Limits, Mapping, Node, Scalar, parse

_ENDS = re.compile(r"(\r\n|\r|\n)")
_ROUNDS = 10
"""The most passes over a text: columns that are aligned by chance may no longer be after the first."""
_PLAIN_QUOTED = re.compile(r"'[^'\"\\]*'")


def formatted(text: str, limits: Limits | None = None) -> str:
    """A spec's text in the house style; the same text if it already has that style, or is not YAML.

    The result has the same meaning, and formatting it again changes nothing.
    """
    limits = limits or Limits()
    try:
        before = parse(text, "before", limits)
        meaning = _meaning(before)
        new = text
        for _ in range(_ROUNDS):
            last, new = new, _once(new)
            if new == last:
                return new
            if _meaning(parse(new, "after", limits)) != meaning:
                return text
    except Fault:
        pass
    return text


def _once(text: str) -> str:
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    parts = _ENDS.split(text.removeprefix("\ufeff"))
    lines, ends = parts[::2], parts[1::2]
    usual = ends[0] if ends else "\n"
    made = _lines("\n".join(lines), lines)
    first = next((at for at, line in enumerate(made) if line), 0)
    last = max((at for at, line in enumerate(made) if line), default=0)
    ends = [*ends, usual]
    return mark + "".join(line + end for line, end in zip(made[first : last + 1], ends[first : last + 1], strict=True))


def _lines(text: str, lines: list[str]) -> list[str]:
    """The lines of a text, each in the house style."""
    import yaml

    layout = Layout(lines)
    loader: Any = getattr(yaml, "CLoader", yaml.Loader)
    for token in yaml.scan(text, Loader=loader):
        layout.token(token)
    return _Writer(layout).lines()


class _Writer:
    """Writes the lines of a text one after the other."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.moved: dict[tuple[int, int], int] = {}
        """By line and column of an opening bracket in the text, the column that it is moved to."""

    def lines(self) -> list[str]:
        return [self.line(at, line) for at, line in enumerate(self.layout.lines)]

    def line(self, at: int, line: str) -> str:
        """Write one line."""
        words = self.layout.words.get(at, [])
        kept = self.layout.kept.get(at)
        if kept is not None:  # a line inside a multi-line string, which may end on it
            if not words:
                return _shifted(line, kept)
            out = _shifted(line[: words[0].end], kept)
            return self.joined(at, line, out, 1)
        if words:
            return self.joined(at, line, " " * self.indentation(at), 0)
        comment = self.layout.comment(at)
        if comment is None:
            return ""
        return " " * self.layout.comment_indentation(at, comment) + line[comment:].rstrip()

    def indentation(self, at: int) -> int:
        """The columns before a line's first word."""
        column = self.layout.indentation[at]
        bracket = self.layout.brackets.get(at)
        if bracket is None:
            return column
        line, opened = bracket
        behind = next((word.start for word in self.layout.words[line] if word.start > opened), opened + 1)
        if column == behind:  # aligned with what follows the bracket
            return self.moved[bracket] + 1
        kept = self.layout.kept.get(line)
        shift = self.indentation(line) - self.layout.words[line][0].start if kept is None else kept
        return max(column + shift, 0)

    def joined(self, at: int, line: str, out: str, first: int) -> str:
        """Words of a line, from ``first`` on, after what is already written, and the line's comment."""
        words = self.layout.words[at]
        previous: Word | None = words[first - 1] if first else None
        for index in range(first, len(words)):
            word = words[index]
            text = line[word.start : word.end]
            if word.quoted and _PLAIN_QUOTED.fullmatch(text):
                text = f'"{text[1:-1]}"'
            gap = _gap(previous, word)
            if gap and previous is not None and previous.kind == "entry" and self.layout.aligned(at, index):
                gap = " " * max(1, word.start - previous.end)
            out += gap
            if word.kind == "open":
                self.moved[at, word.start] = len(out)
            out += text
            previous = word
        comment = self.layout.comment(at)
        if comment is None:
            return out if at in self.layout.unfinished else out.rstrip()
        return out + " " * max(comment - len(out), 2) + line[comment:].rstrip()


def _shifted(line: str, by: int) -> str:
    """A line shifted by some columns, to the left at most by its leading blanks."""
    if by >= 0:
        return " " * by + line if line else line
    return line[min(-by, len(line) - len(line.lstrip(" "))) :]


def _gap(previous: Word | None, word: Word) -> str:
    """The blanks between two words of a line."""
    if previous is None:
        return ""
    if word.kind == "value" and previous.kind != "explicit":
        return " " if previous.kind == "alias" else ""
    if word.kind in ("entry", "close") or previous.kind == "open":
        return ""
    return " "


def _meaning(node: Node) -> Any:
    """The content of a text, with the type of each scalar; texts with equal content are the same spec."""
    if isinstance(node, Scalar):
        return (type(node.value), repr(node.value), node.text)
    if isinstance(node, Items):
        return [_meaning(item) for item in node.items]
    assert isinstance(node, Mapping)
    return {key.text: (_meaning(key), _meaning(value)) for key, value in node.entries}
