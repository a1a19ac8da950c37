"""Checkpointed scopes in a training step: what goes in is kept, and what autograd saves inside is computed again.

It follows ``torch.utils.checkpoint`` without reentrant autograd: when the backward of a scope first needs a saved
tensor, the scope's forward runs again, as far as the last tensor that is saved (https://arxiv.org/abs/1604.06174).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from archspec.analyses.live import Live
from archspec.analyses.schedule import Schedule
from archspec.graph import Node, Scope


@dataclass(slots=True)
class Segment:
    """One checkpointed scope."""

    nodes: list[Node]
    inputs: list[object]
    """What goes in, held until the backward has run."""
    saves: dict[int, list[object]] = field(default_factory=dict)
    """By node: the tensors that its backward step needs."""
    kept: dict[int, list[object]] | None = None
    """The same once they are computed again; None before."""

    @property
    def first(self) -> int:
        """The node whose backward step is the last that needs them."""
        return min(self.saves, default=-1)


def enter(live: Live, schedule: Schedule, scope: Scope, roots: Mapping[int, int]) -> Segment:
    """Hold what goes into a scope."""
    own = [node for node in scope.nodes() if schedule.runs(node, True)]
    given: list[object] = [roots[value] for value in schedule.structure.inputs_of(scope) if value in roots]
    for tensor in given:
        live.hold(tensor, live.sizes[tensor])
    return Segment(own, given)


def again(live: Live, schedule: Schedule, segment: Segment) -> None:
    """Run a segment's forward again, and hold what its backward steps need."""
    inside = {node.index for node in segment.nodes}
    release = schedule.release(True)
    last = max(segment.saves)
    held: dict[int, object] = {}
    segment.kept = {}

    def key(tensor: object) -> object:
        return ("again", tensor) if isinstance(tensor, int) and tensor in inside else tensor

    def let_go(values: Iterable[int]) -> None:
        for value in values:
            if value in held:
                live.release(held.pop(value))

    for node in segment.nodes:
        assert node.op is not None
        if node.index > last:
            break
        facts = schedule.facts[node.index]
        assert facts is not None
        saved = facts.saved
        kept = segment.saves.get(node.index, [])
        prepared = schedule.prepared(node)
        if prepared:
            live.mark(node.path, prepared)
            live.hold(("prepared", node.index), prepared)
        let_go(release.get(2 * node.index, ()))
        whole = node.index < last or saved.output or bool(saved.extra)  # its inputs are saved before it runs
        if whole:
            root = schedule.root(node, True)
            held[node.index] = key(root)
            live.hold(held[node.index], schedule.stored(root))
        segment.kept[node.index] = [key(tensor) for tensor in kept]
        for tensor in segment.kept[node.index]:
            live.hold(tensor, schedule.saved(node, tensor) or live.sizes.get(tensor, 0))
        live.mark(node.path, 0 if (saved.extra and kept) or not whole else schedule.scratch(node, True))
        if prepared:
            live.release(("prepared", node.index))
        let_go(release.get(2 * node.index + 1, ()))
    let_go(list(held))
