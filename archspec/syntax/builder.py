"""YAML events to nodes: spans, limits, keys, anchors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from archspec.diagnostics import Fault, Frame, Source, Span, printable
from archspec.syntax.nodes import Items, Limits, Mapping, Node, Scalar
from archspec.syntax.scalars import CORE_TAG, CORE_TAGS, resolve, tagged
from archspec.syntax.text import lines, refuse_escaped

Point: TypeAlias = tuple[int, int]
"""Line and column, 1-based."""


class Finished(NamedTuple):
    """A node with its size in nodes, its height, and its start and end in the text (of the alias, where it is one)."""

    node: Node
    size: int
    height: int
    start: Point
    end: Point


class _Open:
    """A sequence or mapping whose end event has not been read yet."""

    __slots__ = ("end", "entries", "event", "height", "is_mapping", "items", "key", "seen", "size", "start")

    def __init__(self, event: Any, is_mapping: bool) -> None:
        self.event = event
        self.is_mapping = is_mapping
        self.items: list[Node] = []
        self.entries: list[tuple[Scalar, Node]] = []
        self.key: Scalar | None = None
        self.seen: dict[object, Scalar] = {}
        self.size = 1
        self.height = 1
        self.start: Point | None = None
        self.end: Point | None = None


# An anchor and a tag in any order, with the blanks and comments between them and their node.
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s*(?:#[^\r\n]*\s*)*)+")


class Builder:
    """Builds nodes from the event stream with an explicit stack, so that deep nesting cannot exhaust Python's."""

    def __init__(self, text: str, source: Source, limits: Limits) -> None:
        self.text, self.source, self.limits = text, source, limits
        self.anchors: dict[str, Finished | None] = {}
        self.open: list[_Open] = []
        self.nodes = 0

    def build(self, events: Iterator[Any]) -> Node:
        """The single document that the events describe; raises :class:`Fault`."""
        from yaml import events as kinds

        root: Node | None = None
        documents = 0
        for event in events:
            kind = type(event)
            done: Finished | None = None
            if kind is kinds.ScalarEvent:
                done = self.scalar(event)
            elif kind is kinds.MappingStartEvent or kind is kinds.SequenceStartEvent:
                self.start(event, kind is kinds.MappingStartEvent)
            elif kind is kinds.MappingEndEvent or kind is kinds.SequenceEndEvent:
                done = self.end(event)
            elif kind is kinds.AliasEvent:
                done = self.alias(event)
            elif kind is kinds.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    hint = "keep one spec in each file; `---` may appear once, before it"
                    raise Fault("several-documents", "a second document begins here", self.span(event), hint)
            if done is not None:
                if self.open:
                    self.add(done)
                else:
                    root = done.node
        if root is None or (isinstance(root, Scalar) and root.plain and root.text == ""):
            raise Fault("empty-file", "the file is empty", Span(self.source, 1, 1, 1, 1))
        return root

    # Events

    def scalar(self, event: Any) -> Finished:
        text: str = event.value
        unquoted = not event.style
        span = self.scalar_span(event)
        self.count(1, span)
        if len(text) > self.limits.scalar_length:
            said = f"a text of {len(text):,} characters; {self.limits.scalar_length:,} are allowed"
            raise Fault("too-long", said, span)
        if event.style == '"':
            refuse_escaped(text, span)
        tag = self.core_tag(event)
        if tag is not None:
            value = tagged(tag, text, span)
        else:
            value = resolve(text, span) if unquoted else text
        node = Scalar(value, text, span, unquoted)
        done = Finished(node, 1, 1, (span.line, span.column), (span.end_line, span.end_column))
        if event.anchor is not None:
            self.anchors[event.anchor] = done
        return done

    def start(self, event: Any, is_mapping: bool) -> None:
        self.count(1, self.span(event))
        if len(self.open) >= self.limits.depth:
            raise Fault("too-deep", f"values nested more than {self.limits.depth} deep", self.span(event))
        tag = self.core_tag(event)
        if tag is not None and tag != CORE_TAG + ("map" if is_mapping else "seq"):
            what = "mapping" if is_mapping else "list"
            raise Fault("tag", f"`!!{tag.removeprefix(CORE_TAG)}` is written before a {what}", self.span(event))
        if self.open and self.open[-1].is_mapping and self.open[-1].key is None:
            raise _no_key(self.span(event))
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.open.append(_Open(event, is_mapping))

    def end(self, event: Any) -> Finished:
        opened = self.open.pop()
        span = self.collection_span(opened, event)
        node = Mapping(tuple(opened.entries), span) if opened.is_mapping else Items(tuple(opened.items), span)
        point = (span.line, span.column), (span.end_line, span.end_column)
        done = Finished(node, opened.size, opened.height, *point)
        if opened.event.anchor is not None:
            self.anchors[opened.event.anchor] = done
        return done

    def alias(self, event: Any) -> Finished:
        span = self.span(event)
        shown = printable(event.anchor, 40)
        if event.anchor not in self.anchors:
            hint = f"define `&{shown}` before it; quote the text if you mean a `*`"
            raise Fault("unknown-alias", f"`*{shown}` has no anchor `&{shown}`", span, hint)
        found = self.anchors[event.anchor]
        if found is None:
            raise Fault("recursive-alias", f"`*{shown}` is inside the value of `&{shown}`", span)
        self.count(found.size, span)
        if len(self.open) + found.height - 1 > self.limits.depth:
            raise Fault("too-deep", f"values nested more than {self.limits.depth} deep", span)
        return found._replace(start=(span.line, span.column), end=(span.end_line, span.end_column))

    def count(self, size: int, span: Span) -> None:
        self.nodes += size
        if self.nodes > self.limits.nodes:
            said = f"more than {self.limits.nodes:,} values, counting what each alias repeats"
            raise Fault("too-many-nodes", said, span)

    # Adding to the enclosing collection

    def add(self, done: Finished) -> None:
        parent = self.open[-1]
        parent.size += done.size
        parent.height = max(parent.height, done.height + 1)
        parent.start = parent.start or done.start
        parent.end = done.end
        if not parent.is_mapping:
            parent.items.append(done.node)
        elif parent.key is not None:
            parent.entries.append((parent.key, done.node))
            parent.key = None
        elif isinstance(done.node, Scalar):
            self.add_key(parent, done.node)
        else:
            raise _no_key(Span(self.source, *done.start, *done.end))

    def add_key(self, parent: _Open, key: Scalar) -> None:
        if key.plain and key.text == "<<":
            hint = "use a block, or write out the entries"
            raise Fault("merge-key", "merge keys (`<<`) are not part of the language", key.span, hint)
        # Keys are looked up by their text.  Their values must differ too, or `plain` would lose one (`1` and `0x1`).
        first = parent.seen.get(key.text) or parent.seen.get((key.value,))
        if first is not None:
            written = "" if first.text == key.text else f" as `{printable(first.text, 40)}`"
            said = f"the key `{printable(key.text, 60)}` is already on line {first.span.line}{written}"
            related = (Frame("the first", first.span),)
            raise Fault("duplicate-key", said, key.span, "remove one of the two", (f"first: {first.span}",), related)
        parent.seen[key.text] = key
        parent.seen[(key.value,)] = key
        parent.key = key

    def core_tag(self, event: Any) -> str | None:
        tag: str | None = event.tag
        if tag is None:
            return None
        if not tag.startswith(CORE_TAG) or tag.removeprefix(CORE_TAG) not in CORE_TAGS:
            shown = printable(tag.replace(CORE_TAG, "!!"), 60)
            hint = "delete the tag; quote the text if you mean a `!`"
            raise Fault("tag", f"the tag `{shown}` is not part of the language", self.span(event), hint)
        return tag

    # Spans

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def scalar_span(self, event: Any) -> Span:
        """The span of a scalar, quotes included, without anchor and tag."""
        start, end = event.start_mark, event.end_mark
        begin = self.content_start(event, end.index)
        if event.style in ("|", ">"):
            # The end mark of a block scalar lies on the first line after it, or at the end of the file.
            after = end.line + 1 if end.index < len(self.text) else len(self.source.lines) + 1
            return Span(self.source, *begin, *self.last_content_before(after, start.line + 1))
        if end.line >= len(self.source.lines):
            # libyaml places the missing value of a final `? key` on a line past the end of the text.
            begin = len(self.source.lines), len(self.source.lines[-1]) + 1
            return Span(self.source, *begin, *begin)
        return Span(self.source, *begin, end.line + 1, end.column + 1)

    def collection_span(self, opened: _Open, event: Any) -> Span:
        """The span from the first key, `-` or bracket to the last value or bracket."""
        stop = event.end_mark
        start = self.content_start(opened.event, stop.index)
        if opened.event.flow_style or opened.start is None or opened.end is None:
            return Span(self.source, *start, stop.line + 1, stop.column + 1)
        return Span(self.source, *(opened.start if opened.is_mapping else start), *opened.end)

    def content_start(self, event: Any, end_index: int) -> Point:
        """The position at which a node begins after its anchor and tag."""
        start = event.start_mark
        if event.anchor is None and event.tag is None:
            return start.line + 1, start.column + 1
        match = _PROPERTIES.match(self.text, start.index, max(end_index, start.index))
        skipped = lines(match.group()) if match else ()
        if len(skipped) > 1:
            return start.line + len(skipped), len(skipped[-1]) + 1
        return start.line + 1, start.column + 1 + sum(map(len, skipped))

    def last_content_before(self, line: int, first: int) -> Point:
        """The end of the last line before a line that is not blank; no line before ``first`` is considered."""
        known = self.source.lines
        line = min(line - 1, len(known))
        while line > first and not known[line - 1].strip():
            line -= 1
        line = max(line, first)
        return line, len(known[line - 1].rstrip()) + 1


def _no_key(span: Span) -> Fault:
    hint = "a key is a text; quote a text that begins with `[` or `{`"
    return Fault("key-kind", "a key cannot be a list or a mapping", span, hint)
