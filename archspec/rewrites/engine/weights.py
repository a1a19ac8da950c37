"""What becomes of weights when a network is rewritten: one stage for each rewrite, from old keys to new ones.

Tensors are whatever the caller has (torch's, usually): only their methods are used, so nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import field
from typing import Any

from archspec.records import record

Make = Callable[..., Any]
"""From the old tensors to the new one."""


@record
class Stage:
    """One rewrite's effect on a ``state_dict``, and what it had to say.

    ``made`` gives new tensors by key, each from the old keys it needs; every other key of ``kept`` passes as it is.
    ``fresh`` are keys that start anew, because the rewrite changes the function.
    """

    name: str
    kept: Mapping[str, str]
    """New key -> old key."""
    made: Mapping[str, tuple[tuple[str, ...], Make]] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    """Labels and paths of named steps and blocks that were there before and are not after."""
    notes: tuple[str, ...] = ()
    """What it saved, and what it left as it was."""

    def apply(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The state after the rewrite; old keys that are missing leave theirs out."""
        new = {key: state[old] for key, old in self.kept.items() if old in state}
        for key, (olds, make) in self.made.items():
            if all(old in state for old in olds):
                new[key] = make(*(state[old] for old in olds))
        return new

    def origins(self, keys: Set[str]) -> dict[str, tuple[str, ...]]:
        """New keys, each with the old ones it comes of, for the old keys that are there."""
        found = {key: (old,) for key, old in self.kept.items() if old in keys}
        return found | {key: olds for key, (olds, _) in self.made.items() if all(old in keys for old in olds)}


@record
class Under:
    """A spec used inside another: its keys lose ``inside``, the part of it that is used, and get its path."""

    path: str
    inside: str = ""
    name: str = "import"
    lost: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()

    def apply(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The state as part of the other spec's."""
        return {key: state[old] for key, (old,) in self.origins(state.keys()).items()}

    def origins(self, keys: Set[str]) -> dict[str, tuple[str, ...]]:
        """New keys, each with the old one it is."""
        start = f"{self.inside}." if self.inside else ""
        end = f"{self.path}." if self.path else ""
        return {end + key.removeprefix(start): (key,) for key in keys if key.startswith(start)}


def carry(stages: Sequence[Stage | Under], state: Mapping[str, Any]) -> dict[str, Any]:
    """A ``state_dict`` of the network before rewriting, as one of the network after it."""
    carried = dict(state)
    for stage in stages:
        carried = stage.apply(carried)
    return carried
