"""A network's YAML and its emitted PyTorch, line by line, with the steps on each line."""

from __future__ import annotations

from typing import Any

from archspec.analyses.opaque import hidden
from archspec.backends.torch_source import emitted, shown_path
from archspec.diagnostics import Source, Span
from archspec.graph import Graph

Place = list[int]
"""The number of a file, and a line counted from 1."""


class Files:
    """The files that a page shows, each stored once."""

    def __init__(self, graph: Graph) -> None:
        self.rows: list[dict[str, Any]] = []
        self._places: dict[str, int] = {}
        block = graph.root.block
        if block is not None:
            self.place(block.span)

    def place(self, span: Span | None) -> Place | None:
        """The place of a span; None if it is not in a file."""
        if span is None or not span.source.lines:
            return None
        return [self._file(span.source), span.line]

    def named(self, place: str) -> Place | None:
        """The place given as ``file.yaml:line``, in a file that is known."""
        name, _, line = place.rpartition(":")
        found = self._places.get(name)
        return None if found is None else [found, int(line)]

    def _file(self, source: Source) -> int:
        if source.name not in self._places:
            self._places[source.name] = len(self.rows)
            self.rows.append({"name": shown_path(source.name), "lines": list(source.lines)})
        return self._places[source.name]


def pytorch(graph: Graph, files: Files) -> dict[str, Any]:
    """The emitted source; ``from`` maps a line to the places whose steps it creates or runs."""
    if hidden(graph):
        return {"lines": ["# not compiled: the network has opaque steps"], "from": {}}
    found = emitted(graph, located=True)
    origins = {
        line: [place for place in map(files.named, places) if place is not None]
        for line, places in found.lines.items()
    }  # fmt: skip
    lines = found.text.rstrip("\n").split("\n")
    return {"lines": lines, "from": {str(line): places for line, places in origins.items() if places}}
