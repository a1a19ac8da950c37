"""Which keys of two networks' weights stand for each other, by steps that a user names."""

from __future__ import annotations

from collections.abc import Iterable

from archspec.analyses.step_names import scopes, values
from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.graph import Graph


def keys_by_step(old: Graph, new: Graph, pairs: Iterable[str]) -> dict[str, str]:
    """For keys of the old network those of the new, from pairs such as ``layer4=backbone.layer4``.

    Each side is a path, a label or the name of a scope, as `rf --of` takes it; one name stands for both sides.  Raises
    :class:`SpecError` ``unknown-name`` for a name that a network does not have, ``weights-mismatch`` for a step without
    weights.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        first, equals, second = pair.partition("=")
        here, there = _path(old, first), _path(new, second if equals else first)
        kept = {key: there + key[len(here) :] for key in old.state if key == here or key.startswith(f"{here}.")}
        if not kept:
            message = f"`{printable(first, 80)}` of `{old.name}` has no weights"
            raise SpecError([Diagnostic("weights-mismatch", message)])
        found |= kept
    return found


def _path(graph: Graph, name: str) -> str:
    """The path of the scope or step that a name means: where its keys begin."""
    inner = scopes(graph)
    if name in inner.found:
        return inner.found[name].path
    names = values(graph)
    if name not in names.found:
        message, hint = names.complaint(name)
        raise SpecError([Diagnostic("unknown-name", f"{message} in `{graph.name}`", hint=hint)])
    return graph.nodes[names.found[name]].path
