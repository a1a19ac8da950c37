"""Rewrites: from graph to graph, with the effect on weights.  One class in one file each, found by listing this folder.

``find("dense_to_conv")`` returns the class, ``names()`` every keyword, and :func:`rewrite` applies rewrites in order.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from archspec.graph import Graph
from archspec.rewrites.engine.base import Rewrite
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.finish import finish
from archspec.rewrites.engine.nodes import DraftNode
from archspec.rewrites.engine.weights import Stage, Under, carry

__all__ = [
    "Draft",
    "DraftNode",
    "Rewrite",
    "RewriteError",
    "Stage",
    "Under",
    "carry",
    "find",
    "finish",
    "names",
    "rewrite",
]


@cache
def names() -> frozenset[str]:
    """The keyword of every rewrite."""
    return frozenset(file.stem for file in Path(__file__).parent.glob("[!_]*.py"))


@cache
def find(keyword: str) -> type[Rewrite]:
    """Return the class of a rewrite; raises KeyError if there is none of that name."""
    if keyword not in names():
        raise KeyError(keyword)
    module = importlib.import_module(f"archspec.rewrites.{keyword}")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Rewrite) and value.__dict__.get("keyword") == keyword:
            return value
    raise KeyError(keyword)


def rewrite(graph: Graph, rewrites: Sequence[Rewrite]) -> Graph:
    """Return a new graph with rewrites applied in order; ``graph`` is not changed.  Raises :class:`RewriteError`."""
    for each in rewrites:
        draft = Draft(graph)
        each.apply(draft)
        new = finish(draft, each.keyword)
        notes = each.prove(graph, new, draft.places)
        if notes:
            *before, stage = new.stages
            new.stages = (*before, replace(stage, notes=(*stage.notes, *notes)))
        graph = new
    return graph
