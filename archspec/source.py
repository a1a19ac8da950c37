"""YAML text to located plain data: every key and value carries the span it was written at.

PyYAML's event stream (libyaml where it is there) does the scanning; the nodes, the scalars of YAML 1.2's core schema, the
limits and the words for what is wrong are ours.  Nothing is ever constructed from a tag, and no input, whatever its
bytes, raises anything but :class:`~archspec.diagnostics.Fault`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from archspec.diagnostics import Fault, Source, Span, printable


@dataclass(frozen=True)
class Limits:
    """How much YAML is read before it is refused; nodes count each alias as often as it stands for its anchor."""

    text_bytes: int = 1_000_000
    nodes: int = 200_000
    depth: int = 100
    scalar_length: int = 100_000


@dataclass(frozen=True, slots=True)
class Scalar:
    """One YAML scalar: its value, its text without quotes, where it stands, and whether it was written unquoted."""

    value: None | bool | int | float | str
    text: str
    span: Span
    plain: bool


@dataclass(frozen=True, slots=True)
class Items:
    """A YAML sequence."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Mapping:
    """A YAML mapping, its entries in the order written; keys are known by their text."""

    entries: tuple[tuple[Scalar, Node], ...]
    span: Span
    _by_text: dict[str, tuple[Scalar, Node]] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_text", {entry[0].text: entry for entry in self.entries})

    def get(self, key: str) -> Node | None:
        """The value under a key, or None where there is no such key."""
        entry = self._by_text.get(key)
        return entry[1] if entry else None

    def key(self, key: str) -> Scalar | None:
        """The key itself as it is written, for its span; None where there is no such key."""
        entry = self._by_text.get(key)
        return entry[0] if entry else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The text of each key, in the order written."""
        return tuple(key.text for key, _ in self.entries)

    def __contains__(self, key: object) -> bool:
        return key in self._by_text


Node: TypeAlias = Scalar | Items | Mapping


def read(path: Path, limits: Limits = Limits()) -> str:
    """The text of a file, never more than ``limits.text_bytes`` of it.

    Raises :class:`Fault`: ``file-not-found``, ``not-a-file``, ``too-large`` or ``encoding``.
    """
    shown = printable(str(path))
    try:
        if path.exists() and not path.is_file():
            raise Fault("not-a-file", f"{shown} is not a file", hint="name a .yaml file")
        with path.open("rb") as stream:
            raw = stream.read(limits.text_bytes + 1)
    except FileNotFoundError:
        raise Fault("file-not-found", f"there is no file {shown}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Fault("not-a-file", f"{shown} cannot be read: {printable(reason)}") from None
    if len(raw) > limits.text_bytes:
        raise _too_large(shown, limits)
    return decode(raw, str(path))


def decode(raw: bytes, name: str) -> str:
    """UTF-8 bytes as text, a byte order mark dropped; raises :class:`Fault` ``encoding`` at the first invalid byte."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A byte order mark is 3 bytes that "utf-8-sig" cuts off before it counts.
        body = raw.removeprefix(b"\xef\xbb\xbf")
        lines = _lines(body[: error.start].decode("utf-8", "replace"))
        source = Source(printable(name), _lines(body[: error.start + 80].decode("utf-8", "replace")))
        column = len(lines[-1]) + 1
        span = Span(source, len(lines), column, len(lines), column + 1)
        wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        said = "the file is UTF-16" if wide else f"byte 0x{body[error.start]:02x} is not UTF-8"
        raise Fault("encoding", said, span, "save the file as UTF-8") from None


def parse(text: str, name: str, limits: Limits = Limits()) -> Node:
    """The one YAML document in a text as located nodes; ``name`` is what spans call the file.

    Raises :class:`Fault` for anything that is not one document of plain data within the limits.
    """
    if len(text.encode("utf-8", "surrogatepass")) > limits.text_bytes:
        raise _too_large(printable(name), limits)
    text = text.removeprefix("\ufeff")
    source = Source(printable(name), _lines(text))
    _refuse_characters(text, source)
    return _Builder(text, source, limits).build(_events(text, source))


def plain(node: Node) -> Any:
    """A node as Python data: dict, list or scalar; what anchors share is shared."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key.value: plain(value) for key, value in node.entries}


def literal(value: Any, span: Span) -> Node:
    """Python data (dict, list, tuple, scalar) as nodes that all stand at one span."""
    if isinstance(value, dict):
        entries = tuple((_literal_scalar(key, span), literal(item, span)) for key, item in value.items())
        return Mapping(entries, span)
    if isinstance(value, list | tuple):
        return Items(tuple(literal(item, span) for item in value), span)
    return _literal_scalar(value, span)


def _literal_scalar(value: Any, span: Span) -> Scalar:
    if value is None or isinstance(value, bool):
        return Scalar(value, {None: "null", True: "true", False: "false"}[value], span, True)
    if isinstance(value, int | float):
        return Scalar(value, repr(value), span, True)
    if isinstance(value, str):
        return Scalar(value, value, span, False)
    raise TypeError(f"a {type(value).__name__} is not plain data")


# Scalars ------------------------------------------------------------------------------------------------------------

_WORDS: dict[str, None | bool | float] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9](?:_?[0-9])*|0o[0-7](?:_?[0-7])*|0x[0-9a-fA-F](?:_?[0-9a-fA-F])*")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMBER_START = frozenset("+-.0123456789")
_LONGEST_NUMBER = 1000


def resolve(text: str, span: Span | None = None) -> None | bool | int | float | str:
    """What an unquoted scalar means under YAML 1.2's core schema, ``_`` between the digits of integers allowed.

    Raises :class:`Fault` ``number-range`` for a number too large to be meant.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INTEGER.fullmatch(text):
        if len(text) > _LONGEST_NUMBER:
            raise Fault("number-range", f"an integer of {len(text)} digits is too large", span)
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if value in (float("inf"), float("-inf")):
            hint = "write `.inf` where infinity is meant"
            raise Fault("number-range", f"{printable(text, 40)} is too large for a number", span, hint)
        return value
    return text


_CORE_TAG = "tag:yaml.org,2002:"
_TAGGED_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}


def _tagged(tag: str, text: str, span: Span) -> None | bool | int | float | str:
    """The value of a scalar under an explicit core tag."""
    kind = tag.removeprefix(_CORE_TAG)
    if kind == "str":
        return text
    value = resolve(text, span)
    if kind not in _TAGGED_KINDS:
        raise Fault("tag", f"`!!{kind}` is written before a scalar", span)
    if not isinstance(value, _TAGGED_KINDS[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise Fault("tag", f"`!!{kind}` is written before {printable(text, 40)!r}, which is none", span)
    return float(value) if kind == "float" and isinstance(value, int) else value


# Events to nodes ----------------------------------------------------------------------------------------------------


class _Open:
    """A sequence or mapping whose end has not come yet."""

    __slots__ = ("event", "entries", "items", "key", "seen", "size", "height")

    def __init__(self, event: Any) -> None:
        self.event = event
        self.items: list[Node] = []
        self.entries: list[tuple[Scalar, Node]] = []
        self.key: Scalar | None = None
        self.seen: dict[object, Scalar] = {}
        self.size = 1
        self.height = 1


_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:[ \t]+|[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n)\s*)*)+")


class _Builder:
    """Turns the event stream into nodes with a stack of its own, so that no depth of nesting exhausts Python's."""

    def __init__(self, text: str, source: Source, limits: Limits) -> None:
        self.text, self.source, self.limits = text, source, limits
        self.anchors: dict[str, tuple[Node, int, int] | None] = {}
        self.open: list[_Open] = []
        self.nodes = 0

    def build(self, events: Iterator[Any]) -> Node:
        import yaml.events as kinds

        root: Node | None = None
        documents = 0
        for event in events:
            kind = type(event)
            done: tuple[Node, int, int] | None = None
            if kind is kinds.ScalarEvent:
                done = self.scalar(event), 1, 1
            elif kind is kinds.MappingStartEvent or kind is kinds.SequenceStartEvent:
                self.start(event, kind is kinds.MappingStartEvent)
            elif kind is kinds.MappingEndEvent:
                done = self.end(event, is_mapping=True)
            elif kind is kinds.SequenceEndEvent:
                done = self.end(event, is_mapping=False)
            elif kind is kinds.AliasEvent:
                done = self.alias(event)
            elif kind is kinds.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    hint = "keep one spec in each file; `---` may stand once, before it"
                    raise Fault("several-documents", "a second document begins here", self.span(event), hint)
            if done is not None:
                if self.open:
                    self.add(*done)
                else:
                    root = done[0]
        if root is None or (isinstance(root, Scalar) and root.plain and root.text == ""):
            raise Fault("empty-file", "there is nothing in this file", Span(self.source, 1, 1, 1, 1))
        return root

    def count(self, size: int, place: Any) -> None:
        self.nodes += size
        if self.nodes > self.limits.nodes:
            said = f"more than {self.limits.nodes:,} values, counting what aliases repeat"
            raise Fault("too-many-nodes", said, self.span(place))

    def scalar(self, event: Any) -> Scalar:
        self.count(1, event)
        text: str = event.value
        is_plain = event.style is None or event.style == ""
        span = self.scalar_span(event)
        if len(text) > self.limits.scalar_length:
            raise Fault("too-long", f"a text of {len(text):,} characters; {self.limits.scalar_length:,} are allowed", span)
        tag = self.core_tag(event)
        if tag is not None:
            value = _tagged(tag, text, span)
        else:
            value = resolve(text, span) if is_plain else text
        node = Scalar(value, text, span, is_plain)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1, 1)
        return node

    def start(self, event: Any, is_mapping: bool) -> None:
        self.count(1, event)
        if len(self.open) >= self.limits.depth:
            raise Fault("too-deep", f"values nested more than {self.limits.depth} deep", self.span(event))
        tag = self.core_tag(event)
        if tag is not None and tag != _CORE_TAG + ("map" if is_mapping else "seq"):
            what = "mapping" if is_mapping else "list"
            raise Fault("tag", f"`!!{tag.removeprefix(_CORE_TAG)}` is written before a {what}", self.span(event))
        if self.open:
            self.refuse_as_key(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.open.append(_Open(event))

    def refuse_as_key(self, event: Any) -> None:
        parent = self.open[-1]
        if parent.key is None and _is_mapping(parent.event):
            hint = "a key is a single word or text; quote a text that begins with `[`, `{`, `*` or `&`"
            raise Fault("key-kind", "a list or a mapping stands where a key is wanted", self.span(event), hint)

    def end(self, event: Any, is_mapping: bool) -> tuple[Node, int, int]:
        opened = self.open.pop()
        begin = opened.event
        node: Node
        if is_mapping:
            entries = tuple(opened.entries)
            first, last = (entries[0][0].span, entries[-1][1].span) if entries else (None, None)
            node = Mapping(entries, self.block_span(begin, event, first, last, from_first=True))
        else:
            items = tuple(opened.items)
            first, last = (items[0].span, items[-1].span) if items else (None, None)
            node = Items(items, self.block_span(begin, event, first, last, from_first=False))
        done = node, opened.size, opened.height
        if begin.anchor is not None:
            self.anchors[begin.anchor] = done
        return done

    def alias(self, event: Any) -> tuple[Node, int, int]:
        span = self.span(event)
        shown = printable(event.anchor, 40)
        if event.anchor not in self.anchors:
            hint = f"`&{shown}` must stand before it; quote the text if a `*` is meant"
            raise Fault("unknown-alias", f"`*{shown}` refers to nothing", span, hint)
        found = self.anchors[event.anchor]
        if found is None:
            raise Fault("recursive-alias", f"`*{shown}` stands inside what `&{shown}` names", span)
        _, size, height = found
        self.count(size, event)
        if len(self.open) + height - 1 > self.limits.depth:
            raise Fault("too-deep", f"values nested more than {self.limits.depth} deep", span)
        return found

    def add(self, node: Node, size: int, height: int) -> None:
        parent = self.open[-1]
        parent.size += size
        parent.height = max(parent.height, height + 1)
        if not _is_mapping(parent.event):
            parent.items.append(node)
        elif parent.key is not None:
            parent.entries.append((parent.key, node))
            parent.key = None
        elif isinstance(node, Scalar):
            self.add_key(parent, node)
        else:
            raise Fault("key-kind", "a list or a mapping stands where a key is wanted", node.span)

    def add_key(self, parent: _Open, key: Scalar) -> None:
        if key.plain and key.text == "<<":
            hint = "use a block, or write the entries out"
            raise Fault("merge-key", "merge keys (`<<`) are not part of the language", key.span, hint)
        first = parent.seen.get(key.text) or (parent.seen.get((key.value,)) if key.value is not None else None)
        if first is not None:
            written = "" if first.text == key.text else f" as `{printable(first.text, 40)}`"
            said = f"the key `{printable(key.text, 60)}` is already on line {first.span.line}{written}"
            raise Fault("duplicate-key", said, key.span, details=(f"first: {first.span}",))
        parent.seen[key.text] = key
        parent.seen[(key.value,)] = key
        parent.key = key

    def core_tag(self, event: Any) -> str | None:
        tag: str | None = event.tag
        if tag is None:
            return None
        known = ("str", "int", "float", "bool", "null", "seq", "map")
        if not tag.startswith(_CORE_TAG) or tag.removeprefix(_CORE_TAG) not in known:
            shown = printable(tag.replace(_CORE_TAG, "!!"), 60)
            hint = "leave the tag out; quote the text if a `!` is meant"
            raise Fault("tag", f"the tag `{shown}` is not part of the language", self.span(event), hint)
        return tag

    # Spans

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def scalar_span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        line, column = start.line + 1, start.column + 1
        if event.anchor is not None or event.tag is not None:
            line, column = self.after_properties(start, end.index)
        end_line, end_column = end.line + 1, end.column + 1
        if event.style in ("|", ">"):
            # The mark after a block scalar is the start of the next line that is not part of it.
            end_line, end_column = self.last_content_before(end_line, line)
        return Span(self.source, line, column, end_line, end_column)

    def block_span(self, begin: Any, end: Any, first: Span | None, last: Span | None, from_first: bool) -> Span:
        start, stop = begin.start_mark, end.end_mark
        line, column = start.line + 1, start.column + 1
        if begin.anchor is not None or begin.tag is not None:
            line, column = self.after_properties(start, stop.index)
        end_line, end_column = stop.line + 1, stop.column + 1
        if not begin.flow_style and first is not None and last is not None:
            if from_first and (first.line, first.column) < (end_line, end_column):
                line, column = max((line, column), (first.line, first.column))
            # An alias or an empty value may end elsewhere in the file; a block ends no earlier than it begins.
            end_line, end_column = self.last_content_before(end_line, line) if stop.column == 0 else (end_line, end_column)
            if (line, column) <= (last.end_line, last.end_column) <= (end_line, end_column):
                end_line, end_column = last.end_line, last.end_column
        return Span(self.source, line, column, end_line, end_column)

    def after_properties(self, start: Any, end_index: int) -> tuple[int, int]:
        """Line and column after the anchor and the tag that begin at a mark."""
        match = _PROPERTIES.match(self.text, start.index, max(end_index, start.index))
        if match is None:
            return start.line + 1, start.column + 1
        skipped = _lines(match.group())
        if len(skipped) == 1:
            return start.line + 1, start.column + 1 + len(skipped[0])
        return start.line + len(skipped), len(skipped[-1]) + 1

    def last_content_before(self, line: int, first: int) -> tuple[int, int]:
        """End of the last line that is not blank before a line, not before ``first``."""
        lines = self.source.lines
        line = min(line - 1, len(lines))
        while line > first and not lines[line - 1].strip():
            line -= 1
        line = max(line, first)
        return line, len(lines[line - 1].rstrip()) + 1


def _is_mapping(event: Any) -> bool:
    return type(event).__name__ == "MappingStartEvent"


# Text and the parser's complaints -----------------------------------------------------------------------------------

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# What YAML calls printable, without the line breaks only YAML 1.1 knew (an editor shows them as one line), a second byte
# order mark, and the marks that make an editor show text in another order than it is read in.
_UNWANTED = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029\ufeff\u202a-\u202e\u2066-\u2069]"
)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(_LINE_BREAK.split(text))


def _too_large(shown: str, limits: Limits) -> Fault:
    return Fault("too-large", f"{shown} is larger than {limits.text_bytes:,} bytes")


def _refuse_characters(text: str, source: Source) -> None:
    match = _UNWANTED.search(text)
    if match is None:
        return
    before = _lines(text[: match.start()])
    line, column = len(before), len(before[-1]) + 1
    span = Span(source, line, column, line, column + 1)
    code = ord(match.group())
    if 0xD800 <= code <= 0xDFFF:
        raise Fault("encoding", f"half of a surrogate pair (U+{code:04X}) is not a character", span)
    hint = "remove it; inside double quotes it can be written as an escape"
    raise Fault("control-character", f"the character U+{code:04X} cannot be seen and is not allowed here", span, hint)


def _events(text: str, source: Source) -> Iterator[Any]:
    import yaml

    try:
        yield from yaml.parse(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        raise _complaint(error, text, source) from None
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        message = printable(str(error).split("\n")[0]) or type(error).__name__
        raise Fault("yaml-syntax", f"this is not YAML: {message}", Span(source, 1, 1, 1, 1)) from None


@cache
def _loader() -> Any:
    """The event parser: libyaml's where PyYAML was built with it, for speed; both give the same events and marks."""
    import yaml

    return getattr(yaml, "CLoader", yaml.Loader)


_QUOTE_HINT = "quote a text that contains `: `, ` #` or begins with one of ``[]{}&*!|>%@`'\"``"
_COMPLAINTS: Sequence[tuple[str, str, str | None]] = (
    (r"quoted scalar.*(end of stream|document (indicator|separator))", "this quote is never closed", None),
    (r"unknown escape", "unknown escape in a double-quoted text", "use single quotes, or write `\\\\` for a backslash"),
    (r"hexdecimal|hexadecimal|invalid Unicode", "broken escape in a double-quoted text", None),
    (r"flow sequence", "a list that begins with `[` is not closed, or a `,` is missing", "write `[a, b]`"),
    (r"flow mapping", "a mapping that begins with `{` is not closed, or a `,` is missing", "write `{key: value, …}`"),
    (r"mapping values are not allowed", "a `:` is not expected here", f"check the indentation; {_QUOTE_HINT}"),
    (r"could not find expected ':'", "a key without a `:`", "write `key: value`; check the indentation"),
    (
        r"sequence entries are not allowed|expected '-' indicator|block (sequence|collection)",
        "a `- ` is not expected here, or one is missing",
        "the items of a list stand in one column, each after `- `",
    ),
    (
        r"block mapping",
        "this does not belong to the mapping around it",
        f"the keys of a mapping stand in one column; {_QUOTE_HINT}",
    ),
    (r"mapping keys are not allowed", "a key is not expected here", "check the indentation"),
    (r"block scalar", "broken text block after `|` or `>`", "the text stands on the lines below, indented"),
    (r"(anchor|alias)", "broken anchor or alias", "quote the text if `&` or `*` is meant"),
    (r"tag|directive|incompatible", "tags and directives (`!`, `%`) are not part of the language", "quote the text"),
    (r"cannot start any token", "a text cannot begin with this character", "quote the text"),
    (r"document start|node content", "this is not expected here", _QUOTE_HINT),
)


def _complaint(error: Any, text: str, source: Source) -> Fault:
    """The parser's complaint in words of ours, at the place it means."""
    mark = error.problem_mark or error.context_mark
    line = min(mark.line + 1, len(source.lines)) if mark else 1
    shown = source.lines[line - 1]
    column = min(mark.column, len(shown)) + 1 if mark else 1
    indentation = shown[: len(shown) - len(shown.lstrip())]
    if "\t" in indentation and column <= len(indentation) + 1:
        column = indentation.index("\t") + 1
        span = Span(source, line, column, line, column + 1)
        return Fault("tab", "a tab is used for indentation; YAML wants spaces", span, "indent with two spaces")
    span = Span(source, line, column, line, column + 1)
    said = f"{error.context or ''} {error.problem or ''}"
    begun = error.context_mark
    details = ()
    if begun is not None and begun.line + 1 != line:
        details = (f"it began at {source.name}:{begun.line + 1}:{begun.column + 1}",)
    for pattern, message, hint in _COMPLAINTS:
        if re.search(pattern, said):
            return Fault("yaml-syntax", message, span, hint, details)
    return Fault("yaml-syntax", f"this is not YAML: {printable(said.strip())}", span, None, details)
