"""Converts the weights of one spec to another spec that extends, imports or rewrites it.

A spec knows the chain of files it extends and those of the specs it is made of; each rewrite states what becomes of
each tensor.  Imports torch only to initialise tensors that the checkpoint does not provide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Diagnostic, SpecError
from archspec.graph import Graph
from archspec.records import record
from archspec.rewrites import Stage, Under, carry

if TYPE_CHECKING:
    from archspec.spec import Spec

LISTED = 8
"""The most keys named in a report; the rest are only counted."""


@record
class Conversion:
    """The converted tensors by their new keys, and the keys that were not converted."""

    state: Mapping[str, Any]
    fresh: tuple[str, ...]
    """Keys of the new network that no tensor of the old one provides."""
    missing: tuple[str, ...]
    """Keys of the old network that are missing from the checkpoint or have another shape there."""
    unused: tuple[str, ...]
    """Keys of the checkpoint that are not in the old network."""
    dropped: tuple[str, ...]
    """Keys of the old network that the new one does not use."""

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "carried": sorted(self.state),
            "fresh": list(self.fresh),
            "missing": list(self.missing),
            "unused": list(self.unused),
            "dropped": list(self.dropped),
        }

    def text(self, old: str, new: str) -> str:
        """The report for people."""
        lines = [f"{len(self.state)} tensors of {old} converted to {new}"]
        for what, keys in (
            ("are initialised anew", self.fresh),
            (f"of {old} are not used in {new}", self.dropped),
            (f"of {old} are missing from the checkpoint, or have another shape", self.missing),
            (f"in the checkpoint do not belong to {old}", self.unused),
        ):
            if keys:
                more = ", …" if len(keys) > LISTED else ""
                lines.append(f"{len(keys)} {what}: {', '.join(keys[:LISTED])}{more}")
        return "\n".join(lines)


def convert(old: Graph, new: Graph, state: Mapping[str, Any]) -> Conversion:
    """Convert a ``state_dict`` of ``old`` to ``new``, in every part of ``new`` that is derived from ``old``.

    Raises :class:`SpecError` if ``new`` is not derived from ``old``, or if the state does not belong to ``old``.
    """
    routes = _routes(old, new)
    if not routes:
        message = f"`{new.name}` is not made from `{old.name}`: it does not extend, import or rewrite it"
        hint = "`--by-steps` converts weights between corresponding steps, as shown by `archspec diff`"
        raise SpecError([Diagnostic("unrelated-specs", message, hint=hint)])
    known, fitting = new.state, _fitting(old, state)
    carried: dict[str, Any] = {}
    used: set[str] = set()
    for stages in routes:
        carried |= {key: value for key, value in carry(stages, fitting).items() if _shape(value) == known.get(key)}
        used |= _used(stages, fitting, known)
    if not carried:
        message = f"the checkpoint has no weights of `{old.name}` that `{new.name}` can use"
        raise SpecError([Diagnostic("weights-mismatch", message)])
    return _conversion(old, new, state, carried, used)


def renamed(old: Graph, new: Graph, state: Mapping[str, Any], keys: Mapping[str, str]) -> Conversion:
    """Convert a ``state_dict`` of ``old`` to ``new`` by a map of keys such as ``archspec diff --format json`` prints.

    Raises :class:`SpecError` ``weights-mismatch`` if no tensor fits.
    """
    known, fitting = new.state, _fitting(old, state)
    carried = {
        keys[key]: value for key, value in fitting.items() if key in keys and _shape(value) == known.get(keys[key])
    }
    if not carried:
        message = f"no tensor of `{old.name}` has a place in `{new.name}` by the map of keys"
        raise SpecError([Diagnostic("weights-mismatch", message)])
    return _conversion(old, new, state, carried, {key for key in fitting if keys.get(key) in carried})


def _fitting(old: Graph, state: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of a state whose key and shape match the network's."""
    wanted = old.state
    return {key: value for key, value in state.items() if key in wanted and _shape(value) == wanted[key]}


def _conversion(
    old: Graph, new: Graph, state: Mapping[str, Any], carried: Mapping[str, Any], used: Set[str]
) -> Conversion:
    """The conversion and its report; ``used`` are the old keys that reach the new network."""
    wanted, fitting = old.state, _fitting(old, state)
    return Conversion(
        state=carried,
        fresh=tuple(key for key in new.state if key not in carried),
        missing=tuple(key for key in wanted if key not in fitting),
        unused=tuple(key for key in state if key not in wanted),
        dropped=tuple(key for key in fitting if key not in used),
    )


def complete(spec: Spec, conversion: Conversion, seed: int = 0) -> dict[str, Any]:
    """A complete ``state_dict`` of a spec: the converted tensors, and the rest initialised as the spec says."""
    import torch

    from archspec.running.runtime import compiled

    torch.manual_seed(seed)
    whole = compiled(spec.graph).state_dict()
    return {key: conversion.state.get(key, value) for key, value in whole.items()}


def _routes(old: Graph, new: Graph) -> list[tuple[Stage | Under, ...]]:
    """How the old spec's weights reach the new one: through what it extends, or through each part that is the old."""
    if not old.chain:
        return []
    if old.chain[0] in new.chain and _begins(old.stages, new.stages):
        return [new.stages[len(old.stages) :]]
    return [
        (*part.stages[len(old.stages) :], Under(part.path, part.inside), *new.stages)
        for part in new.parts
        if old.chain[0] in part.chain and _begins(old.stages, part.stages)
    ]


def _begins(start: Sequence[Stage | Under], stages: Sequence[Stage | Under]) -> bool:
    """Whether the new spec's stages begin with all stages of the old one."""
    return [stage.name for stage in start] == [stage.name for stage in stages[: len(start)]]


def _used(stages: Sequence[Stage | Under], state: Mapping[str, Any], known: Mapping[str, Any]) -> set[str]:
    """The old keys that reach the new network: the wanted keys, traced back stage by stage."""
    needed = [set(state)]
    for stage in stages:
        needed.append(set(stage.origins(needed[-1])))
    wanted = {key for key in needed[-1] if key in known}
    for stage, there in zip(reversed(stages), reversed(needed[:-1]), strict=True):
        origins = stage.origins(there)
        wanted = {old for key in wanted for old in origins.get(key, ())}
    return wanted


def _shape(value: Any) -> tuple[int, ...] | None:
    return tuple(value.shape) if hasattr(value, "shape") else None
