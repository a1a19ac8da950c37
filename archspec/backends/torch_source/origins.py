"""The origins of a constructor's lines: the steps whose modules they create.

Each member is found in the finished lines by its own text, in the order in which members are written.  White space, and
commas before a closing bracket, are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from archspec.backends.torch_source.constructor import Constructor
from archspec.families.templates import Entry, Series
from archspec.graph import Node

_IDLE = re.compile(r"\s|,(?=\s*[)\]])")


def origins(constructor: Constructor, lines: Sequence[str]) -> dict[int, tuple[str, ...]]:
    """For lines of a constructor, by index in ``lines``, the ``file.yaml:line`` of the steps they create."""
    squeezed, places = _squeezed(lines)
    found: dict[int, dict[str, None]] = {}
    start = 0
    for entry in _entries(constructor.template.entries):
        spans = _spans(entry)
        wanted, _ = _squeezed([constructor.make(entry)])
        at = squeezed.find(wanted, start) if spans and wanted else -1
        if at < 0:
            continue
        start = at if entry.children else at + len(wanted)  # the members of a chain are inside its own text
        for line in range(places[at], places[at + len(wanted) - 1] + 1):
            found.setdefault(line, {}).update(spans)
    return {line: tuple(spans) for line, spans in found.items()}


def _entries(entries: Iterable[Entry | Series]) -> Iterator[Entry]:
    """Every member; the members of a chain follow the chain."""
    for entry in entries:
        if isinstance(entry, Series):
            yield from _entries(entry.body)
            continue
        if entry.kind not in ("loop", "function"):
            yield entry
        yield from _entries(entry.children)


def _spans(entry: Entry) -> dict[str, None]:
    """The places of an entry's steps; none for a chain, whose members have their own."""
    found: dict[str, None] = {}
    for item in entry.items if entry.kind != "chain" else ():
        if item is None:
            continue
        step = item.what.step
        span = item.what.span if isinstance(item.what, Node) else step.span if step is not None else None
        if span is not None:
            found[f"{span.source.name}:{span.line}"] = None
    return found


def _squeezed(lines: Sequence[str]) -> tuple[str, list[int]]:
    """The lines as one text without ignored characters, and the line of each character."""
    kept: list[str] = []
    places: list[int] = []
    whole = "\n".join(lines)
    line, before = 0, 0
    for idle in [*_IDLE.finditer(whole), None]:
        end = len(whole) if idle is None else idle.start()
        kept.append(whole[before:end])
        places += [line] * (end - before)
        if idle is not None:
            line += idle.group() == "\n"
            before = idle.end()
    return "".join(kept), places
