"""What boxes say beside their first line, and what a picture says it has left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal, get_args

from archspec.analyses.cost import parameters
from archspec.backends.diagram import text
from archspec.backends.diagram.series_parallel import Element, Unit, units_of
from archspec.backends.diagram.units import drawn
from archspec.diagnostics import Diagnostic, SpecError, did_you_mean, printable
from archspec.graph import Graph

Shown = Literal["normalisation", "activation", "parameters"]
"""What a box may say in its second line; scales and shifts are normalisation."""

SHOWN: tuple[Shown, ...] = get_args(Shown)
NAMED = 4
"""Kinds of step that the note of what is not drawn names."""


def known(show: Iterable[str]) -> frozenset[str]:
    """The words as a set.  Raises :class:`SpecError` for one that is none of :data:`SHOWN`."""
    words = list(show)
    for word in words:
        if word not in SHOWN:
            hint = did_you_mean(word, SHOWN) or f"boxes can show {', '.join(SHOWN)}"
            raise SpecError([Diagnostic("unknown-show", f"boxes cannot show `{printable(word, 60)}`", hint=hint)])
    return frozenset(words)


def say(graph: Graph, units: Iterable[Unit], show: Collection[str]) -> None:
    """Write into the second line of boxes what is to be shown."""
    owned = parameters(graph) if "parameters" in show else [0] * len(graph.nodes)
    for unit in units:
        if unit.sign or unit.role in ("io", "note"):
            continue
        told = [unit.detail] if unit.detail else []
        told += dict.fromkeys(part.words for part in unit.parts if part.kind in show and part.words != unit.title)
        count = sum(owned[node.index] for node in unit.nodes)
        told += [f"{count:,} parameters"] if count else []
        unit.detail = text.clean(", ".join(told))


def left_out(graph: Graph, items: Sequence[Element], show: Collection[str]) -> str:
    """A note of the normalisation and activation that boxes hold and do not name; nothing where all is named."""
    found: dict[str, None] = {}
    for unit in units_of(items):
        for node in unit.nodes:
            if node.op is None or drawn(node.op) != "beside" or node.op.kind in show:
                continue
            words = node.op.words(graph.shapes_in(node), node.shape)
            if words != unit.title:
                found[words] = None
    names = list(found)
    if not names:
        return ""
    return "not drawn: " + ", ".join(names[:NAMED]) + (", …" if names[NAMED:] else "")
