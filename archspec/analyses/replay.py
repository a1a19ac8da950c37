"""The memory of one network at many sizes: a run is recorded once, with formulas, and played back with numbers.

Which tensors are alive at each step depends on sizes only through the views that have to be copies.  For each set of
copies there is one recording; what :func:`archspec.analyses.memory.memory` says at the same sizes is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from archspec.analyses.cost import Formula
from archspec.analyses.live import Bytes, Live, Tensor
from archspec.analyses.memory import BYTES, Memory, one_run
from archspec.analyses.opaque import hidden
from archspec.analyses.schedule import Schedule
from archspec.analyses.shapes import conditions
from archspec.analyses.strides import may_gather, regroups_freely, reordered
from archspec.graph import Graph, Node
from archspec.ops.common.runs import Run
from archspec.sizes import Evaluation, failure


@dataclass(slots=True)
class _Recorder(Live):
    """What a run allocates and frees before each mark, by the numbers of the formulas."""

    formulas: dict[Formula, int] = field(default_factory=dict)
    steps: list[tuple[str, int, tuple[int, ...], tuple[int, ...]]] = field(default_factory=list)
    """By mark: the step, its temporary memory, and what was allocated and freed since the mark before."""
    _held: list[int] = field(default_factory=list)
    _freed: list[int] = field(default_factory=list)

    def hold(self, tensor: Tensor) -> None:
        """Add a reference to a tensor."""
        if not tensor.held:
            self._held.append(self._number(tensor.size))
        tensor.held += 1

    def release(self, tensor: Tensor) -> None:
        """Remove a reference to a tensor."""
        tensor.held -= 1
        if not tensor.held:
            self._freed.append(self._number(tensor.size))

    def mark(self, step: str, more: Bytes = 0) -> None:
        """Record that a step runs."""
        self.steps.append((step, self._number(more), tuple(self._held), tuple(self._freed)))
        self._held, self._freed = [], []

    def _number(self, size: Bytes) -> int:
        formula = size if isinstance(size, Formula) else Formula.of([(size, ())])
        return self.formulas.setdefault(formula, len(self.formulas))

    def play(self, evaluation: Evaluation) -> tuple[int, str]:
        """The peak at given sizes, and the first step that reaches it."""
        bytes_of = [formula.at(evaluation) for formula in self.formulas]
        now = peak = 0
        at = ""
        for step, more, held, freed in self.steps:
            for number in held:
                now += bytes_of[number]
            for number in freed:
                now -= bytes_of[number]
            if now + bytes_of[more] > peak:
                peak, at = now + bytes_of[more], step
        return peak, at


class Replay:
    """The memory of a network at a batch and a dtype, for any sizes."""

    def __init__(self, graph: Graph, batch: int = 1, dtype: str = "float32") -> None:
        self.graph = graph
        self.batch = batch
        self.width = BYTES[dtype]
        self._opaque = bool(hidden(graph))
        mixed = reordered(graph)
        self._doubtful = [
            node
            for node in graph.nodes
            if node.op is not None
            and (node.op.regroups or may_gather(node.op))
            and not regroups_freely(graph, node, mixed)
        ]
        """The steps that copy their input at some sizes only."""
        self._conditions = [list(conditions(graph, Run(training, alone=batch == 1))) for training in (False, True)]
        self._recorded: dict[tuple[bool | tuple[int, ...], ...], _Recorded] = {}

    def at(self, sizes: Mapping[str, int]) -> Memory:
        """The memory at given sizes; raises ``ValueError`` if a symbol has no number."""
        evaluation = Evaluation(dict(sizes))
        key = self._copies(evaluation)
        recorded = self._recorded.get(key)
        if recorded is None:
            recorded = self._recorded[key] = _Recorded(
                Schedule(self.graph, evaluation, self.batch, self.width, symbolic=True)
            )
        peaks: list[tuple[int | None, str | None]] = []
        for training, needed in enumerate(self._conditions):
            runs = not self._opaque and all(failure(condition, evaluation) is None for condition in needed)
            peaks.append(recorded.run(bool(training)).play(evaluation) if runs else (None, None))
        return Memory(recorded.parameters, recorded.buffers, recorded.activations.at(evaluation), *peaks[0], *peaks[1])

    def _copies(self, evaluation: Evaluation) -> tuple[bool | tuple[int, ...], ...]:
        """Which of the doubtful steps copy what they read at given sizes, in evaluation and in training."""
        if not self._doubtful:
            return ()
        strides = Schedule(self.graph, evaluation, self.batch, self.width).strides
        return tuple(
            said
            for node in self._doubtful
            for training in (False, True)
            for said in (strides.is_copy(node.index, training), _indices(strides.gathered(node, training)))
        )


class _Recorded:
    """What is recorded of a network for one set of copies."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        nodes = schedule.graph.nodes
        self.parameters = sum(_constant(schedule.weights(node)) for node in nodes)
        self.buffers = sum(_constant(schedule.buffers(node)) for node in nodes)
        self.activations = Formula.of(
            term for index in schedule.allocating for term in schedule.amounts[index].output.terms
        )
        self._runs: dict[bool, _Recorder] = {}

    def run(self, training: bool) -> _Recorder:
        """The recording of a run."""
        known = self._runs.get(training)
        if known is None:
            known = self._runs[training] = _Recorder()
            one_run(self.schedule, training, known)
        return known


def _constant(size: Bytes) -> int:
    return size.terms[0][0] if isinstance(size, Formula) and size else 0


def _indices(nodes: Iterable[Node]) -> tuple[int, ...]:
    return tuple(node.index for node in nodes)
