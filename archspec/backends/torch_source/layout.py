"""Logical lines of Python broken to a width, as ``ruff format`` would break them.

It handles only what the emitter writes: calls, lists, comprehensions, conditional expressions and signatures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

WIDTH = 88
_OPEN, _CLOSE = "([{", ")]}"


def lay_out(text: str, indent: int = 0, width: int = WIDTH) -> list[str]:
    """One logical line as physical lines at an indentation."""
    margin = " " * indent
    if indent + len(text) <= width:
        return [margin + text]
    ternary = _ternary(text, indent)
    if ternary is not None:
        return ternary
    found = _last_bracket(text)
    if found is None:
        return [margin + text]
    start, end = found
    head, body, tail = text[: start + 1], text[start + 1 : end], text[end:]
    if indent + len(head) > width and (earlier := _last_bracket(head[:-1])) is not None and earlier[0] > 0:
        return [margin + text]
    parts = split(body, ",")
    lines = [margin + head]
    whole = body.strip()
    words = split_words(whole)
    if len(words) == 1 and text[start] == "(" and not _is_call(head) and len(parts) == 1:
        words = split_words(whole, ("if", "else"))
    if len(words) > 1:
        if indent + 4 + len(whole) <= width:
            lines.append(f"{margin}    {whole}")
        else:
            for part in words:
                lines += lay_out(part, indent + 4, width)
    elif indent + 4 + len(whole) <= width and _is_call(head):
        lines.append(f"{margin}    {whole}")
    elif text[start] == "(" and not _is_call(head) and len(parts) < 2 and not whole.endswith(","):
        lines += lay_out(whole, indent + 4, width)  # parentheses around an expression: a comma would make it a tuple
    else:
        for part in parts:
            lines += lay_out(part.strip() + ",", indent + 4, width)
    lines.append(margin + tail)
    return lines


def lay_out_all(lines: Iterable[str], indent: int) -> list[str]:
    """Logical lines as physical lines; nested logical lines are indented by four columns."""
    return [one for line in lines for one in lay_out(line.lstrip(), indent + len(line) - len(line.lstrip()))]


def inside(lines: Iterable[str]) -> list[str]:
    """Logical lines indented to be nested inside another."""
    return [f"    {line}" for line in lines]


def _is_call(head: str) -> bool:
    """Whether a line ends in the opening bracket of a call or a signature, not of a list or a tuple."""
    return head[-1] == "(" and (head[-2:-1].isalnum() or head[-2:-1] in ("_", ")", "]"))


def _is_index(text: str, start: int) -> bool:
    """Whether the bracket that opens here is an index: ``sizes[1]``."""
    before = text[start - 1 : start]
    return text[start] == "[" and (before.isalnum() or before in ("_", ")", "]", '"', "'")) and before != ""


def _ternary(text: str, indent: int) -> list[str] | None:
    """``x = a if b else c`` in parentheses, with three lines inside; None for other text."""
    match = re.match(r"((?:return|[\w.]+ =) )", text)
    if match is None:
        return None
    parts = split_words(text[match.end() :], ("if", "else"))
    if len(parts) != 3:
        return None
    margin = " " * indent
    return [f"{margin}{match[1]}(", *(f"{margin}    {part}" for part in parts), f"{margin})"]


def _last_bracket(text: str) -> tuple[int, int] | None:
    """The positions at which the last outermost bracket with content opens and closes.

    Indices are skipped: a comma at the end of one would make it a tuple.
    """
    found: tuple[int, int] | None = None
    depth, start = 0, 0
    for index, character in _code(text):
        if character in _OPEN:
            if depth == 0:
                start = index
            depth += 1
        elif character in _CLOSE:
            depth -= 1
            if depth == 0 and index > start + 1 and not _is_index(text, start):
                found = (start, index)
    return found


def split(text: str, separator: str) -> list[str]:
    """The text split at a character, except inside brackets and strings."""
    parts, begin, depth = [], 0, 0
    for index, character in _code(text, separator):
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[begin:index])
            begin = index + 1
    if text[begin:].strip():
        parts.append(text[begin:])
    return parts


def split_words(text: str, words: tuple[str, ...] = ("for", "if")) -> list[str]:
    """The text split before words outside brackets and strings, as in a comprehension."""
    starts, depth = [0], 0
    for index, character in _code(text, " "):
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif character == " " and depth == 0 and any(text.startswith(f"{word} ", index + 1) for word in words):
            starts.append(index + 1)
    if words == ("for", "if") and not any(text.startswith("for ", start) for start in starts[1:]):
        return [text]
    return [text[begin:end].strip() for begin, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def _code(text: str, wanted: str = "") -> Iterator[tuple[int, str]]:
    """The brackets and the wanted characters outside strings, with their positions."""
    for match in _pattern(wanted).finditer(text):
        if match[0][0] not in "\"'":
            yield match.start(), match[0]


@cache
def _pattern(wanted: str) -> re.Pattern[str]:
    """A string, which may not be closed, or one of the characters."""
    strings = "|".join(rf"{quote}(?:\\.|[^{quote}\\])*(?:{quote}|\\?\Z)" for quote in "\"'")
    return re.compile(rf"{strings}|[{re.escape(_OPEN + _CLOSE + wanted)}]", re.DOTALL)
