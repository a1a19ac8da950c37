"""The study of one text: its file, its graph as far as it goes, its diagnostics, and which step made which nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from archspec.analyses.report import Report
from archspec.backends.torch_source import Emitted
from archspec.diagnostics import Diagnostic, Source, Span, SpecError
from archspec.editor.lines import Point, holds
from archspec.editor.place import Place
from archspec.editor.places import places
from archspec.elaborate.shelf import Shelf
from archspec.graph import Graph, Node, Scope
from archspec.loading import attempt
from archspec.pipeline import examine
from archspec.syntax import Mapping


class Study:
    """One text, studied once; tables of the graph are made when first needed."""

    def __init__(self, path: Path | None, text: str, shown: str, shelf: Shelf, pulse: Callable[[], None]) -> None:
        """Raises what ``pulse`` raises."""
        self.text = text
        found = attempt(path, text, shown, shelf, pulse=pulse)
        self.file, self.graph, self.spec = found.file, found.graph, found.spec
        self.loader = found.loader
        self.diagnostics = found.diagnostics
        self.report: Report | None = None
        self.emitted: Emitted | None = None
        """Its PyTorch source, once it was asked for."""
        self.svg: str | None = None
        """Its picture, likewise."""
        if self.spec is not None and not self.spec.misfits:
            pulse()
            self.diagnostics = self._examined()
        elif self.graph is not None:
            self.report = Report(self.graph, dict(self.graph.sizes))

    def _examined(self) -> tuple[Diagnostic, ...]:
        assert self.spec is not None
        try:
            self.report = examine(self.spec)
            return self.report.diagnostics
        except SpecError as error:
            self.report = Report(self.spec.graph, dict(self.spec.graph.sizes))
            return error.diagnostics

    @property
    def source(self) -> Source | None:
        """The source that spans refer to; None if the text is not a spec."""
        return None if self.file is None else self.file.node.span.source

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """All places of the text, in the order written."""
        return () if self.file is None else tuple(places(self.file.node))

    def place(self, point: Point) -> Place | None:
        """The narrowest place at a point."""
        return narrowest(self.places, point)

    @cached_property
    def made(self) -> dict[Point, list[Node | Scope]]:
        """The items that each step makes, in all uses of its block, by the point where the step begins."""
        found: dict[Point, list[Node | Scope]] = {}
        if self.graph is None or self.source is None:
            return found
        for item in _items(self.graph):
            span = item.step.what_span if item.step is not None else None
            if span is not None and span.source is self.source:
                found.setdefault((span.line, span.column), []).append(item)
        return found

    def of_step(self, span: Span | None) -> list[Node | Scope]:
        """The items that the step beginning at a span makes: scopes if it makes any, else nodes."""
        return [] if span is None else self.made.get((span.line, span.column), [])

    def uses(self, block: str) -> list[Scope]:
        """The uses of a block of this file, in the order of execution; for an empty name, those of the network."""
        if self.graph is None or self.file is None:
            return []
        wanted = self.file.blocks.get(block) if block else self.file.whole
        root = self.graph.root
        scopes = [root, *(item for item in _items(self.graph) if isinstance(item, Scope))]
        return [scope for scope in scopes if scope.block is not None and scope.block is wanted]

    def scope(self, item: Node | Scope) -> Scope:
        """The use of the block in which an item's step is written."""
        if isinstance(item, Node):
            return item.scope.owner
        return (item.parent or item).owner

    def output(self, item: Node | Scope) -> Node | None:
        """The node whose value a step has; None if it failed."""
        if isinstance(item, Node):
            return item
        return self.graph.nodes[item.output] if self.graph is not None and item.output >= 0 else None

    @property
    def keys(self) -> Mapping | None:
        """The spec's keys."""
        return None if self.file is None else self.file.node


def _items(graph: Graph) -> Iterator[Node | Scope]:
    """Every scope and node that a step makes, in the order of execution; a named merge is represented by its scope."""
    stack: list[Iterator[Node | Scope]] = [iter(graph.root.items)]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif isinstance(item, Node):
            if item.step is not None and not (item.scope.kind == "merge" and item.scope.step is item.step):
                yield item
        else:
            if item.step is not None and item.kind != "container":
                yield item
            stack.append(iter(item.items))


def narrowest(found: tuple[Place, ...], point: Point) -> Place | None:
    """The place with the shortest span around a point."""
    around = [place for place in found if holds(place.span, point)]
    return min(around, key=_extent, default=None)


def _extent(place: Place) -> tuple[int, int]:
    span = place.span
    return span.end_line - span.line, span.end_column - span.column
