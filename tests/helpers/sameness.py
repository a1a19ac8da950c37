"""Everything that a loaded spec says of its graph, as plain values, so that two loads can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archspec.diagnostics import SpecError, render_all
from archspec.elaborate.shelf import Shelf
from archspec.graph import Graph, Node, Scope
from archspec.loading import attempt, opened, opened_text
from archspec.sizes import text


def told(graph: Graph) -> list[object]:
    """All fields of all nodes and scopes, the scopes' items among them, in the order of the scopes."""
    parts = [(part.path, part.chain, part.inside, [each.name for each in part.stages]) for part in graph.parts]
    found: list[object] = [graph.name, graph.inputs, graph.outputs, graph.pins, parts, graph.task, graph.loss]
    waiting: list[Node | Scope] = [graph.root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Scope):
            found.append(_scope(item))
            waiting += reversed(item.items)
        else:
            found.append(_node(item))
    assert [node.index for node in graph.nodes] == list(range(len(graph.nodes)))
    assert all(node in node.scope.items for node in graph.nodes if node.op is not None)
    return found


def _node(node: Node) -> object:
    shapes = [tuple(map(text, shape.dims)) + shape.axes for shape in (node.shape, *(node.pinned or ()))]
    where = node.span.source.name, node.span.line, node.span.column
    return (
        *(node.index, node.path, node.name, repr(node.op), node.inputs, shapes, node.pinned is None, node.scope.path),
        *(where, node.step is None or node.step.what, node.loops, node.copy, node.label, node.named, node.counted),
        *(node.is_module, node.reuse and node.reuse.path, node.aside, node.training_only, node.dead),
    )


def _scope(scope: Scope) -> object:
    return (
        *(scope.kind, scope.name, scope.path, scope.parent and scope.parent.path, scope.block and scope.block.name),
        *(scope.step and scope.step.what, scope.step and str(scope.step.span), repr(scope.values), scope.loops),
        *(scope.copy, scope.inputs, scope.input_names, scope.output, scope.reuse and scope.reuse.path, scope.aside),
        *(scope.checkpoint, scope.depth, len(scope.items), scope.block and scope.block.file.key),
    )


def outcome(spec: str | Path, params: Mapping[str, Any] | None = None, shelf: Shelf | None = None) -> object:
    """The graph of a spec and all that is said on the way, or what is said instead."""
    try:
        found = opened(spec, params or {}, shelf=shelf)
    except SpecError as error:
        return render_all(error.diagnostics)
    return told(found.graph), render_all((*found.diagnostics, *found.misfits))


def attempted(path: Path, content: str, shelf: Shelf) -> object:
    """What an editor makes of a text."""
    found = attempt(path, content, path.name, shelf)
    return None if found.graph is None else told(found.graph), render_all(found.diagnostics)


def said(content: str) -> object:
    """The graph of a text loaded by itself, and all that is said on the way, or what is said instead."""
    try:
        found = opened_text(content, {})
    except SpecError as error:
        return render_all(error.diagnostics)
    return told(found.graph), render_all((*found.diagnostics, *found.misfits))
