"""Checkpointed scopes in a training step: what goes in is kept, and what autograd saves inside is computed again.

It follows ``torch.utils.checkpoint`` without reentrant autograd: when the backward of a scope first needs a saved
tensor, the scope's forward runs again, as far as the last tensor that is saved (https://arxiv.org/abs/1604.06174).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from archspec.analyses.live import Live, Tensor
from archspec.analyses.schedule import Schedule
from archspec.graph import Node, Scope


@dataclass(slots=True)
class Segment:
    """One checkpointed scope."""

    nodes: list[Node]
    inputs: list[Tensor]
    """What goes in, held until the backward has run."""
    saves: dict[int, list[Tensor]] = field(default_factory=dict)
    """By node: the tensors that its backward step needs."""
    kept: dict[int, list[Tensor]] | None = None
    """The same once they are computed again; None before."""

    @property
    def first(self) -> int:
        """The node whose backward step is the last that needs them."""
        return min(self.saves, default=-1)


def enter(live: Live, schedule: Schedule, scope: Scope, values: Mapping[int, Tensor]) -> Segment:
    """Hold what goes into a scope; ``values`` are the tensors that the values made so far lie in."""
    own = [node for node in scope.nodes() if schedule.runs(node, True)]
    given = [values[value] for value in schedule.structure.inputs_of(scope) if value in values]
    for tensor in given:
        live.hold(tensor)
    return Segment(own, given)


def again(live: Live, schedule: Schedule, segment: Segment, values: Mapping[int, Tensor]) -> None:
    """Run a segment's forward again, and hold what its backward steps need."""
    inside = {node.index for node in segment.nodes}
    before, after = schedule.released(True)
    last = max(segment.saves)
    held: dict[int, Tensor] = {}
    made: dict[int, Tensor] = {}
    """The tensors that are made again, by their node."""
    segment.kept = {}

    def anew(tensor: Tensor, prepared: Tensor | None) -> Tensor:
        """The tensor of this run that stands for one of the first."""
        if tensor.kind == "prepared" and prepared is not None:
            return prepared
        if tensor.kind == "value" and tensor.step in inside:
            return made.setdefault(tensor.step, Tensor("again", tensor.step, tensor.size))
        return tensor

    def let_go(values: Iterable[int]) -> None:
        for value in values:
            if value in held:
                live.release(held.pop(value))

    for node in segment.nodes:
        if node.index > last:
            break
        amounts = schedule.amounts[node.index]
        assert amounts.facts is not None
        saved = amounts.facts.saved
        kept = segment.saves.get(node.index, [])
        prepared = Tensor("prepared", node.index, amounts.prepared) if amounts.prepared else None
        if prepared is not None:
            live.mark(node.path, prepared.size)
            live.hold(prepared)
        let_go(before[node.index])
        whole = node.index < last or saved.output or bool(saved.extra)  # its inputs are saved before it runs
        if whole:
            held[node.index] = anew(values[node.index], None)
            live.hold(held[node.index])
        segment.kept[node.index] = [anew(tensor, prepared) for tensor in kept]
        for tensor in segment.kept[node.index]:
            live.hold(tensor)
        live.mark(node.path, 0 if (saved.extra and kept) or not whole else schedule.scratch(node, True))
        if prepared is not None:
            live.release(prepared)
        let_go(after[node.index])
    let_go(list(held))
