"""Parses Darknet's ``.cfg``: sections in brackets with lines ``key=value``, each with its place.

As in Darknet, white space anywhere in a line is ignored, and a comment has a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from archspec.diagnostics import Diagnostics, Fault, Source, Span, did_you_mean, printable
from archspec.syntax import lines

MOST_SECTIONS = 200_000
MOST_KEYS = 2_000_000
MOST = 1_000_000_000
_BLANK = re.compile(r"[ \t\r\f\v]+")


@dataclass(slots=True, eq=False)
class Section:
    """One section, read key by key; keys that are never asked for are reported as errors."""

    source: Source
    name: str
    line: int
    length: int
    index: int
    """Its number among the layers, from 0; −1 for the network's own section."""
    values: dict[str, tuple[str, int]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def span(self, key: str | None = None) -> Span:
        """The place of a key's line, or of the section's header."""
        line, length = (self.line, self.length) if key is None else (self.values[key][1], 0)
        length = length or len(self.source.lines[line - 1])
        return Span(self.source, line, 1, line, length + 1)

    def has(self, key: str) -> bool:
        """Whether a key is present."""
        return key in self.values

    def text(self, key: str, usual: str) -> str:
        """The text of a key's value."""
        self.asked.add(key)
        return self.values[key][0] if key in self.values else usual

    def whole(self, key: str, usual: int, least: int = 0) -> int:
        """A whole number; raises :class:`Fault`."""
        text = self.text(key, str(usual))
        value = _whole(text)
        if value is None or not least <= value <= MOST:
            raise self.wrong(key, f"must be a whole number of at least {least}, not `{printable(text, 30)}`")
        return value

    def number(self, key: str, usual: float) -> float:
        """A number; raises :class:`Fault`."""
        text = self.text(key, repr(usual))
        try:
            value = float(text) if re.fullmatch(r"[-+.\deE]+", text, re.ASCII) else float("nan")
        except ValueError:
            value = float("nan")
        if not abs(value) < 1e30:
            raise self.wrong(key, f"must be a number, not `{printable(text, 30)}`")
        return value

    def wholes(self, key: str) -> list[int]:
        """Whole numbers separated by commas; raises :class:`Fault`."""
        texts = [part for part in self.text(key, "").split(",") if part]
        found = [value for value in map(_whole, texts) if value is not None]
        if len(found) != len(texts):
            raise self.wrong(
                key, f"must be whole numbers separated by commas, not `{printable(self.text(key, ''), 30)}`"
            )
        return found

    def wrong(self, key: str, said: str) -> Fault:
        """The fault for a value."""
        return Fault("wrong-value", f"`{key}` of [{self.name}] {said}", self.span(key if key in self.values else None))

    def refuse(self, said: str, key: str | None = None) -> Fault:
        """The fault for a section that the language cannot express."""
        return Fault("not-importable", f"[{self.name}] {said}", self.span(key))

    def close(self, diagnostics: Diagnostics, ignored: Iterable[str]) -> None:
        """Report every key that was not asked for; keys in ``ignored`` do not affect the layer's output."""
        known = self.asked | set(ignored)
        for key in self.values:
            if key not in known:
                said = f"[{self.name}] has a key that is not known: `{printable(key, 60)}`"
                diagnostics.error("not-importable", said, self.span(key), did_you_mean(key, known))


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[-+]?\d{1,10}", text, re.ASCII) else None


def sections(text: str, name: str) -> Sequence[Section]:
    """The sections of a file in order; raises :class:`Fault` ``file-syntax`` or ``too-large``."""
    source = Source(printable(name), lines(text))
    found: list[Section] = []
    keys = 0
    for number, raw in enumerate(source.lines, 1):
        line = _BLANK.sub("", raw)
        span = Span(source, number, 1, number, len(raw) + 1)
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            if not re.fullmatch(r"\[\w+\]", line, re.ASCII):
                raise Fault(
                    "file-syntax", f"`{printable(line, 40)}` is not the head of a section", span, "write `[name]`"
                )
            if len(found) >= MOST_SECTIONS:
                raise Fault("too-large", f"there are more than {MOST_SECTIONS:,} sections", span)
            found.append(Section(source, line[1:-1], number, len(raw), len(found) - 1))
            continue
        key, equals, value = line.partition("=")
        if not equals or not re.fullmatch(r"\w+", key, re.ASCII):
            raise Fault("file-syntax", f"`{printable(line, 40)}` is not of the form `key=value`", span)
        if not found:
            raise Fault("file-syntax", "a key comes before any section", span, "begin with `[net]`")
        if key in found[-1].values:
            before = found[-1].values[key][1]
            raise Fault("file-syntax", f"`{printable(key, 40)}` is given twice, first in line {before}", span)
        keys += 1
        if keys > MOST_KEYS:
            raise Fault("too-large", f"there are more than {MOST_KEYS:,} keys", span)
        found[-1].values[key] = (value, number)
    if not found or found[0].name not in ("net", "network"):
        place = found[0].span() if found else Span(source, 1, 1, 1, 1)
        raise Fault("file-syntax", "a network begins with the section `[net]`", place)
    return found
