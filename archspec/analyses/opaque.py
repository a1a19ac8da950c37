"""Opaque steps: what they make unknown, and the refusal of what needs to know."""

from __future__ import annotations

from archspec.diagnostics import Diagnostic, SpecError
from archspec.graph import Graph, Node

MOST_SHOWN = 5


def hidden(graph: Graph) -> list[Node]:
    """The opaque steps of a network."""
    return [node for node in graph.nodes if node.op is not None and node.op.hidden]


def refuse(graph: Graph, what: str) -> None:
    """Raise :class:`SpecError` with every opaque step, if there is one: ``what`` cannot be done with it."""
    found = refusals(graph, what)
    if found:
        raise SpecError(found)


def refusals(graph: Graph, what: str) -> list[Diagnostic]:
    """That something cannot be done with opaque steps, once for each that is written."""
    hint = "only its shape and tensors are known; write it with other steps, or leave `--opaque` out to see what lacks"
    return [
        Diagnostic("opaque", f"`{node.path}` is opaque: {what}", node.span, hint, (), node.scope.stack())
        for node in {
            (node.span.source.name, node.span.line, node.span.column): node for node in reversed(hidden(graph))
        }.values()
    ][::-1]


def note(graph: Graph) -> Diagnostic | None:
    """What totals leave out; None without opaque steps."""
    found = hidden(graph)
    if not found:
        return None
    shown = ", ".join(f"`{node.path}`" for node in found[:MOST_SHOWN]) + (", …" if len(found) > MOST_SHOWN else "")
    said = f"opaque, so that multiply-adds are without these steps, and fields and memory end at them: {shown}"
    return Diagnostic("opaque", said, found[0].span, severity="note")
