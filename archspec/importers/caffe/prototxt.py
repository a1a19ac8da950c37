"""Parses protocol buffers' text format: messages of named fields, each with its place.

It accepts names, scalars, lists, and messages in ``{}`` or ``<>``; the caller decides which fields are valid.
Extensions and ``Any`` (names in brackets), which no Caffe file uses, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from archspec.diagnostics import Fault, Source, Span, printable
from archspec.syntax import lines

MOST_FIELDS = 4_000_000
DEEPEST = 50

_TOKEN = re.compile(
    r"""[ \t\f\v]+ | \#.*
    | (?P<word>[A-Za-z_][\w.]*)
    | (?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[fF]?)(?![\w.])
    | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<sign>[-:{}<>\[\],;])
    """,
    re.VERBOSE | re.ASCII,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(slots=True, eq=False)
class Scalar:
    """A number, a word or a string, as written; strings without their quotes."""

    kind: str
    text: str
    line: int
    column: int
    length: int


@dataclass(slots=True, eq=False)
class Message:
    """Fields in the order written; a name may occur several times."""

    line: int
    column: int
    fields: list[Field] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Field:
    """One field; its place is that of its name."""

    name: str
    value: Scalar | Message
    line: int
    column: int


class Document:
    """A text and its parsed message."""

    def __init__(self, text: str, name: str) -> None:
        """Parse a text; raises :class:`Fault` ``file-syntax``, ``too-deep`` or ``too-large``."""
        self.source = Source(printable(name), lines(text))
        self._fields = 0
        self.root = self._read()

    def span(self, at: Scalar | Message | Field) -> Span:
        """The place of a field, scalar or message."""
        length = at.length if isinstance(at, Scalar) else len(at.name) if isinstance(at, Field) else 1
        return Span(self.source, at.line, at.column, at.line, at.column + length)

    def _tokens(self) -> Iterator[Scalar]:
        for number, line in enumerate(self.source.lines, 1):
            at = 0
            while at < len(line):
                match = _TOKEN.match(line, at)
                if match is None:
                    raise self._fault(f"`{printable(line[at : at + 20])}` is not valid in a prototxt", number, at + 1)
                if match.lastgroup is not None:
                    yield Scalar(match.lastgroup, match.group(), number, at + 1, match.end() - at)
                at = match.end()
        last = len(self.source.lines)
        yield Scalar("end", "", last, len(self.source.lines[-1]) + 1, 1)

    def _read(self) -> Message:
        """The fields of the outermost message; a loop without recursion, so that deep nesting is safe."""
        tokens = self._tokens()
        root = Message(1, 1)
        open_: list[tuple[Message, str]] = [(root, "end")]
        token = next(tokens)
        while True:
            message, closing = open_[-1]
            if token.text == closing or (token.kind == closing == "end"):
                open_.pop()
                if not open_:
                    return root
                token = next(tokens)
                continue
            if token.text in (",", ";") and message.fields:
                token = next(tokens)
                continue
            if token.kind == "end":
                hint = f"`{closing}` is missing"
                raise self._fault("the file ends inside a message", token.line, token.column, hint)
            if token.kind != "word":
                raise self._fault(
                    f"expected the name of a field, not `{printable(token.text, 20)}`", token.line, token.column
                )
            name, token = token, next(tokens)
            colon = token.text == ":"
            if colon:
                token = next(tokens)
            if token.text in ("{", "<"):
                if len(open_) > DEEPEST:
                    raise Fault("too-deep", f"messages are nested more than {DEEPEST} deep", self.span(token))
                inner = Message(token.line, token.column)
                self._keep(message, name, inner)
                open_.append((inner, "}" if token.text == "{" else ">"))
                token = next(tokens)
            elif not colon:
                raise self._fault(
                    f"`{printable(name.text, 40)}` has no value", name.line, name.column, "write `name: value`"
                )
            elif token.text == "[":
                token = self._list(tokens, message, name)
            else:
                token = self._scalar(tokens, token, message, name)

    def _list(self, tokens: Iterator[Scalar], message: Message, name: Scalar) -> Scalar:
        token = next(tokens)
        while token.text != "]":
            token = self._scalar(tokens, token, message, name)
            if token.text == ",":
                token = next(tokens)
            elif token.text != "]":
                raise self._fault("expected `,` or `]` in a list", token.line, token.column)
        return next(tokens)

    def _scalar(self, tokens: Iterator[Scalar], token: Scalar, message: Message, name: Scalar) -> Scalar:
        """Store one scalar; returns the token after it."""
        if token.kind not in ("word", "number", "text"):
            raise self._fault(f"`{printable(name.text, 40)}` has no value", name.line, name.column)
        after = next(tokens)
        if token.kind == "text":
            token.text = _unescaped(token.text)
            while after.kind == "text":  # adjacent strings are joined
                token.text += _unescaped(after.text)
                after = next(tokens)
        self._keep(message, name, token)
        return after

    def _keep(self, message: Message, name: Scalar, value: Scalar | Message) -> None:
        self._fields += 1
        if self._fields > MOST_FIELDS:
            raise Fault("too-large", f"there are more than {MOST_FIELDS:,} fields", self.span(name))
        message.fields.append(Field(name.text, value, name.line, name.column))

    def _fault(self, message: str, line: int, column: int, hint: str | None = None) -> Fault:
        return Fault("file-syntax", message, Span(self.source, line, column, line, column + 1), hint)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text[1:-1])
