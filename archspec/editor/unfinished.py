"""The place of the cursor while a line is half written: the text is completed in some way that makes it YAML again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archspec.diagnostics import Fault
from archspec.editor.lines import Point
from archspec.editor.place import Place
from archspec.editor.places import places
from archspec.records import record
from archspec.syntax import parse

MARK = "CURSORxMARK"
"""The word that is inserted at the cursor, so that its place can be found after parsing."""
_WORD = re.compile(r"\w*")
_ITEM = re.compile(r"\s*- ")


@record
class Cursor:
    """The place of the cursor, and all places of the text."""

    place: Place
    before: str
    """The characters of the place before the cursor."""
    after: str
    """The rest of the line after the cursor and its word."""
    everything: tuple[Place, ...]


def cursor(lines: Sequence[str], point: Point) -> Cursor | None:
    """The place of the cursor; None if no way of completing the text makes it YAML."""
    after = lines[point[0] - 1][point[1] - 1 :]
    word = _WORD.match(after)
    after = after[word.end() :] if word is not None else after
    for text in _mended(lines, point, after):
        try:
            found = tuple(places(parse(text, "unfinished")))
        except Fault:
            continue
        marked = [place for place in found if MARK in place.text]
        if marked:
            place = min(marked, key=lambda each: len(each.text))
            return Cursor(place, place.text.partition(MARK)[0], after, found)
    return None


def _mended(lines: Sequence[str], point: Point, after: str) -> Iterator[str]:
    """Texts with the mark at a point: as it is, brackets closed, as a key; first with the lines below, then without."""
    line, column = point
    before = lines[line - 1][: column - 1]
    above, below = list(lines[: line - 1]), list(lines[line:])
    item = next((at for at in range(line - 1, -1, -1) if _ITEM.match(lines[at])), line - 1)
    closed = dict.fromkeys((_closers([before]), _closers([*lines[item : line - 1], before])))
    for rest in (below, []):
        yield "\n".join([*above, f"{before}{MARK}{after}", *rest])
        for closing in closed:
            yield "\n".join([*above, f"{before}{MARK}{closing}", *rest])
        yield "\n".join([*above, f"{before}{MARK}:", *rest])
        for closing in closed:
            yield "\n".join([*above, f"{before}{MARK}:{closing}", *rest])


def _closers(lines: Sequence[str]) -> str:
    """The characters that close the brackets and the quote left open by some lines."""
    waiting: list[str] = []
    quote = ""
    for line in lines:
        previous = " "
        for at, character in enumerate(line):
            if quote:
                quote = "" if character == quote else quote
            elif character == "#" and previous == " ":
                break
            elif character in "'\"" and previous in " [{,(":
                quote = character
            elif character in "[{" and (waiting or line[:at].rstrip()[-1:] in ("", ":", "-")):
                waiting.append("]" if character == "[" else "}")
            elif waiting and character == waiting[-1]:
                waiting.pop()
            previous = character
    return quote + "".join(reversed(waiting))
