"""Bytes and characters: reading a file within bounds, and refusing characters that an editor does not show."""

from __future__ import annotations

import re
from pathlib import Path

from archspec.diagnostics import Fault, Source, Span, printable
from archspec.syntax.nodes import DEFAULT_LIMITS, Limits
from archspec.syntax.regular import opened, reason

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# The characters that YAML calls printable are allowed, except the line breaks of YAML 1.1 alone (editors show one
# line), a second byte order mark, and the marks that make an editor show text in another order than it is read in.
_UNWANTED = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029\ufeff\u202a-\u202e\u2066-\u2069]"
)
_RETURN = re.compile("\r")  # allowed as an escape only: in a file it ends a line


def lines(text: str) -> tuple[str, ...]:
    """The lines of a text, as YAML and editors count lines."""
    return tuple(_LINE_BREAK.split(text))


def read(path: Path, limits: Limits = DEFAULT_LIMITS, hint: str | None = "name a .yaml file") -> str:
    """The text of a file of at most ``limits.text_bytes`` bytes; ``hint`` is shown where the path is not a file.

    Raises :class:`Fault`: ``file-not-found``, ``not-a-file`` (also where it cannot be read), ``too-large`` or
    ``encoding``.
    """
    shown = printable(str(path))
    try:
        with opened(path, hint) as stream:
            raw = stream.read(limits.text_bytes + 1)
    except OSError as error:  # a failing disk
        raise Fault("not-a-file", f"{shown} cannot be read: {reason(error)}") from None
    return bounded(raw, str(path), limits)


def bounded(raw: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> str:
    """Bytes as text; raises :class:`Fault`: ``too-large`` for more than ``limits.text_bytes``, or ``encoding``.

    A caller that reads from a stream reads at most one byte more than the limit: the stream may never end.
    """
    if len(raw) > limits.text_bytes:
        raise too_large(printable(name), limits)
    return decode(raw, name)


def decode(raw: bytes, name: str) -> str:
    """UTF-8 bytes as text, without a byte order mark; raises :class:`Fault` ``encoding`` at the first invalid byte."""
    body = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        source = Source(printable(name), lines(body.decode("utf-8", "replace")))
        before = lines(body[: error.start].decode("utf-8"))
        wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        said = "the file is UTF-16" if wide else f"byte 0x{body[error.start]:02x} is not UTF-8"
        raise Fault("encoding", said, _character(source, before), "save the file as UTF-8") from None


def too_large(shown: str, limits: Limits) -> Fault:
    """The fault for a text over the size limit."""
    return Fault("too-large", f"{shown} is larger than {limits.text_bytes:,} bytes")


def refuse_characters(text: str, source: Source) -> None:
    """Raise :class:`Fault` (``control-character``, ``encoding``) at the first character not allowed in a file."""
    match = _UNWANTED.search(text)
    if match is not None:
        raise _refused(match.group(), _character(source, lines(text[: match.start()])), "remove it")


def refuse_escaped(text: str, span: Span) -> None:
    """Raise the same for a quoted text whose escapes have been replaced by their characters."""
    match = _UNWANTED.search(text) or _RETURN.search(text)
    if match is not None:
        raise _refused(match.group(), span, "leave the escape out: what is read must be what is seen")


def _refused(character: str, span: Span, hint: str) -> Fault:
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return Fault("encoding", f"half of a surrogate pair (U+{code:04X}) is not a character", span)
    return Fault("control-character", f"the invisible character U+{code:04X} is not allowed here", span, hint)


def _character(source: Source, before: tuple[str, ...]) -> Span:
    """The span of the character that follows the given text, of which the last line is incomplete."""
    line, column = len(before), len(before[-1]) + 1
    return Span(source, line, column, line, column + 1)
