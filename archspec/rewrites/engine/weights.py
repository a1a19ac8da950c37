"""The effect of rewrites on weights: one stage for each rewrite, from old keys to new ones.

Tensors are usually torch's.  Only their methods are used, so this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import field
from typing import Any

from archspec.records import record

Make = Callable[..., Any]
"""A function from old tensors to the new one."""


@record
class Stage:
    """The effect of one rewrite on a ``state_dict``, and its notes.

    ``made`` has, by new key, the old keys and the function that makes the tensor; tensors in ``kept`` do not change.
    ``fresh`` are the keys that are initialised anew, because the rewrite changes the function.
    """

    name: str
    kept: Mapping[str, str]
    """New key -> old key."""
    made: Mapping[str, tuple[tuple[str, ...], Make]] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    """Labels and paths of named steps and blocks that were removed."""
    notes: tuple[str, ...] = ()
    """Notes on what was saved or not changed."""

    def apply(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The state after the rewrite; new keys whose old keys are missing are left out."""
        new = {key: state[old] for key, old in self.kept.items() if old in state}
        for key, (olds, make) in self.made.items():
            if all(old in state for old in olds):
                new[key] = make(*(state[old] for old in olds))
        return new

    def origins(self, keys: Set[str]) -> dict[str, tuple[str, ...]]:
        """New keys, each with the old keys that it is made from, for the given old keys."""
        found = {key: (old,) for key, old in self.kept.items() if old in keys}
        return found | {key: olds for key, (olds, _) in self.made.items() if all(old in keys for old in olds)}


@record
class Under:
    """A spec used inside another: its keys lose the prefix ``inside`` (the used part) and get the path of the use."""

    path: str
    inside: str = ""
    name: str = "import"
    lost: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()

    def apply(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The state as a part of the other spec's state."""
        return {key: state[old] for key, (old,) in self.origins(state.keys()).items()}

    def origins(self, keys: Set[str]) -> dict[str, tuple[str, ...]]:
        """New keys, each with its old key."""
        start = f"{self.inside}." if self.inside else ""
        end = f"{self.path}." if self.path else ""
        return {end + key.removeprefix(start): (key,) for key in keys if key.startswith(start)}


def carry(stages: Sequence[Stage | Under], state: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a ``state_dict`` of the network before rewriting to one of the network after it."""
    carried = dict(state)
    for stage in stages:
        carried = stage.apply(carried)
    return carried
