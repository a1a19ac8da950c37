"""The one door from texts that others wrote to a terminal, a pipe or a file.

Names in specs, keys of checkpoints, folders, words of the command line: any of them may hold characters that move the
cursor, colour a terminal, change the direction of writing, or are no characters at all.  What goes out holds none.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any

LINE, PARAGRAPH = 200, 4000
"""Characters that are shown of one word, and of one thing that is said."""

_BREAKS = ("Zl", "Zp")
"""Unicode's own ends of lines, which some programs obey."""


def printable(text: str, limit: int = LINE) -> str:
    """Text fit for a part of one line: what cannot be seen is written as Python's escape, the length is bounded."""
    shown = _escaped(text if len(text) <= limit else text[: limit + 1], "")
    return shown if len(text) <= limit else shown[:limit] + "…"


def visible(text: str) -> str:
    """Text of several lines, as long as it is: line ends and tabs stay, what else cannot be seen is escaped."""
    return _escaped(text, "\n\t")


def prose(text: str) -> str:
    """A sentence or two about what others wrote: visible, and of bounded length."""
    shown = visible(text if len(text) <= PARAGRAPH else text[: PARAGRAPH + 1])
    return shown if len(text) <= PARAGRAPH else shown[:PARAGRAPH] + "…"


def json_text(data: Any, indent: int | None = 2) -> str:
    """Plain data as JSON that any terminal may show: nothing is lost, what cannot be seen is JSON's escape."""
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c == "\n" or not _hidden(c) else json.dumps(c)[1:-1] for c in text)


def _escaped(text: str, kept: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c in kept or not _hidden(c) else repr(c)[1:-1] for c in text)


def _hidden(character: str) -> bool:
    """Whether a character is a control, a mark of direction, half of a surrogate pair, or no character."""
    if character.isprintable():
        return False
    category = unicodedata.category(character)
    return category[0] == "C" or category in _BREAKS
