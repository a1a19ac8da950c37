"""The block that a picture is to show alone: by its path, its label, its block's name, or what pictures call it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from archspec.analyses.step_names import scopes
from archspec.diagnostics import Diagnostic, SpecError, did_you_mean, printable
from archspec.graph import Graph, Scope

Named = Mapping[str, Sequence[Scope]]


def names(graph: Graph) -> list[str]:
    """Every name by which a block can be shown: paths, labels, names of blocks, each once."""
    return list(dict.fromkeys(name for named in _named(graph) for name in named if name))


def focused(graph: Graph, focus: str) -> tuple[Scope, Sequence[Scope]]:
    """The scope that a name means; where it is the name of a block, its first use, with all uses.

    Names count without case, blanks and ``_``, as pictures write them.  Raises :class:`SpecError` where there is none.
    """
    tables = _named(graph)
    for named in tables:
        if focus in named:
            return named[focus][0], named[focus]
    for named in tables:
        for name, several in named.items():
            if name and _folded(name) == _folded(focus):
                return several[0], several
    known = names(graph)
    blocks = ", ".join(sorted(tables[1])[:5])
    hint = (
        did_you_mean(focus, known) or f"name a block or the path of one, such as {blocks or known[0] if known else ''}"
    )
    message = f"there is no block `{printable(focus, 80)}` in this network"
    raise SpecError([Diagnostic("unknown-focus", message, None, hint if known else None)])


def _named(graph: Graph) -> tuple[Named, Named]:
    """Scopes by path and label, and by block, those around before those within."""
    found = scopes(graph).found
    by_block: dict[str, list[Scope]] = {}
    for scope in dict.fromkeys(found.values()):
        if scope.kind == "block" and scope.block is not None:
            by_block.setdefault(scope.block.name, []).append(scope)
    return {name: [scope] for name, scope in found.items()}, by_block


def _folded(name: str) -> str:
    return re.sub(r"[\s_]", "", name).lower()
