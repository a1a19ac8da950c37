"""The house style of a spec: indentation, blanks and quotes; every word, comment, anchor and line end stays.

Each line of the text stays a line.  What stands on it is found with YAML's own tokens, so that nothing inside a text or
a comment is touched, and the result is read again: where it does not mean the same, the text is returned as it was.

- Mappings and lists are indented by two columns, also a list under its key.
- One blank follows `-`, `:` and `,`; none stands inside brackets.
- Two blanks or more stand before a comment, which keeps its column if it can; the columns of a table stay.
- Texts in quotes have double ones, where that needs no escape.
- No line ends in blanks, the file ends with one line end, and no blank line begins or ends it.
"""

from __future__ import annotations

import re
from typing import Any

from archspec.diagnostics import Fault
from archspec.editor.layout import Layout, Word
from archspec.source import Items, Limits, Mapping, Node, Scalar, parse

_ENDS = re.compile(r"(\r\n|\r|\n)")
_ROUNDS = 10
"""Times that a text is gone over: columns that are aligned by chance may not be after the first."""
_PLAIN_QUOTED = re.compile(r"'[^'\"\\]*'")


def formatted(text: str, limits: Limits | None = None) -> str:
    """A spec's text in the house style; the same text where that is its style, or where it is no YAML.

    The result has the same meaning, and its own result is itself.
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
        """Where brackets are opened in the text, by line and column: the column they are moved to."""

    def lines(self) -> list[str]:
        return [self.line(at, line) for at, line in enumerate(self.layout.lines)]

    def line(self, at: int, line: str) -> str:
        """One line."""
        words = self.layout.words.get(at, [])
        kept = self.layout.kept.get(at)
        if kept is not None:  # a line inside a text that spans lines, which may end on it
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
        """Words of a line, from the first on, behind what is written already; and its comment."""
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
    """A line moved by some columns, as far to the left as there are blanks before it."""
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
    """What a text says, with the kind of each scalar: two that are equal are one spec."""
    if isinstance(node, Scalar):
        return (type(node.value), repr(node.value), node.text)
    if isinstance(node, Items):
        return [_meaning(item) for item in node.items]
    assert isinstance(node, Mapping)
    return {key.text: (_meaning(key), _meaning(value)) for key, value in node.entries}
