"""Markdown for the editor's pop-ups: text from users is escaped, so that it is shown literally."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lsprotocol import types

from archspec.characters import printable, prose
from archspec.language.topics import Topic

_MARKS = re.compile(r"([\\`*_\[\]<>|~&$]|\A[#+=-]|(?<=\A\d)[.)])")
_LONGEST = 120
"""The most characters of one value that are shown."""


def words(text: str) -> str:
    """A text escaped as Markdown; code between single backticks stays code."""
    parts = prose(" ".join(text.split())).split("`")
    if len(parts) % 2 == 0:
        return _MARKS.sub(r"\\\1", "`".join(parts))
    return "".join(code(part) if at % 2 else _MARKS.sub(r"\\\1", part) for at, part in enumerate(parts))


def code(text: str, limit: int = _LONGEST) -> str:
    """A text as inline code."""
    shown = printable(text, limit)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") or not shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def block(language: str, lines: Iterable[str]) -> str:
    """Lines as a code block."""
    text = "\n".join(printable(line, 400) for line in lines)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are already Markdown."""
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text).replace("\n", " ")


def topic(found: Topic) -> str:
    """The text of `archspec help` on a word."""
    parts = [f"{code(found.name)}, {words(found.kind)}"]
    parts += [words(paragraph) for paragraph in found.doc.split("\n\n") if paragraph.strip()]
    if found.rows:
        rows = [(code(name), code(default) if default else "", words(what)) for name, default, what in found.rows]
        parts.append(table((found.columns, "default", ""), rows))
    if found.example:
        parts.append(block("yaml", found.example.splitlines()))
    parts += [words(note) for note in found.notes]
    return "\n\n".join(parts)


def content(parts: Iterable[str]) -> types.MarkupContent:
    """Paragraphs as the protocol's Markdown content."""
    return types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(part for part in parts if part))
