"""Memory: parameters, activations, and the most bytes alive at once, by liveness over the schedule.

Steps run in the order written.  A tensor is alive from the step that allocates it to the last step that reads it.
There are two exceptions: the inputs of a module are alive until its call returns, and the inputs and outputs of the
network are always alive.  A view shares the memory of its input, unless it has to be a copy at these sizes.  In
training the tensors of :meth:`archspec.ops.Op.saved` are alive until the backward step has run.  This is what a
``TorchDispatchMode`` sees alive in a compiled module.  Temporary memory inside a backend's kernels is not counted, nor
what an allocator adds by rounding and caching: :mod:`archspec.running.allocator` measures that.
"""

from __future__ import annotations

from collections.abc import Mapping

from archspec.analyses.cost import Formula
from archspec.analyses.live import Kind, Live, LiveAt, Tensor
from archspec.analyses.opaque import hidden
from archspec.analyses.schedule import Schedule
from archspec.analyses.shapes import runs
from archspec.analyses.training import Training
from archspec.graph import Graph
from archspec.ops.common.runs import Run
from archspec.records import record
from archspec.sizes import Evaluation

BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of an element, by dtype."""


@record
class Memory:
    """Bytes at given sizes, batch and dtype; None for a run that torch refuses there.

    ``parameters`` and ``buffers`` are the weights; ``inference`` and ``training`` are the peaks of everything else:
    inputs, activations and, in training, saved tensors and the gradients of activations and parameters (no optimiser
    state).
    """

    parameters: int
    buffers: int
    activations: int
    """The sum of all activations."""
    inference: int | None
    inference_at: str | None
    """The step at the peak of inference."""
    training: int | None
    training_at: str | None

    @property
    def inference_total(self) -> int | None:
        """Peak of inference, weights included."""
        return None if self.inference is None else self.parameters + self.buffers + self.inference

    @property
    def training_total(self) -> int | None:
        """Peak of training, weights included."""
        return None if self.training is None else self.parameters + self.buffers + self.training


def memory(graph: Graph, sizes: Mapping[str, int], batch: int = 1, dtype: str = "float32") -> Memory:
    """Memory of a network; raises ``ValueError`` if a symbol has no number."""
    schedule = Schedule(graph, Evaluation(dict(sizes)), batch, BYTES[dtype])
    inference, training = _runs(schedule, sizes, batch)
    parameters, buffers = sum(map(schedule.weights, graph.nodes)), sum(map(schedule.buffers, graph.nodes))
    activations = sum(schedule.amounts[index].output for index in schedule.allocating)
    peaks = [(None, None) if live is None else (live.peak, live.at) for live in (inference, training)]
    return Memory(parameters, buffers, activations, *peaks[0], *peaks[1])


@record
class Held:
    """One tensor that is alive at a peak: its description, its bytes at the sizes, and the same as a formula."""

    what: str
    bytes: int
    formula: Formula


@record
class Peak:
    """The most bytes alive at once, weights excluded: the step at which this happens, and the tensors alive.

    The formula is the sum of the tensors alive at that step.  It is a lower bound at other sizes: far from the sizes at
    which the peak was found, another step may need more.
    """

    bytes: int
    step: str
    formula: Formula
    held: tuple[Held, ...]
    """The tensors alive, the largest first."""


def peaks(
    graph: Graph, sizes: Mapping[str, int], batch: int = 1, dtype: str = "float32"
) -> tuple[Peak | None, Peak | None]:
    """The peaks of inference and of training; None for a run that torch refuses at the sizes and the batch.

    Raises ``ValueError`` if a symbol has no number.
    """
    evaluation = Evaluation(dict(sizes))
    symbolic = Schedule(graph, evaluation, batch, BYTES[dtype], symbolic=True)
    found: list[Peak | None] = []
    for training, number in enumerate(_runs(Schedule(graph, evaluation, batch, BYTES[dtype]), sizes, batch)):
        if number is None:
            found.append(None)
            continue
        live = LiveAt(stop=number.mark_at)
        one_run(symbolic, bool(training), live)
        found.append(_peak(graph, evaluation, number, live))
    return found[0], found[1]


def _peak(graph: Graph, evaluation: Evaluation, number: Live, symbolic: LiveAt) -> Peak:
    held: list[Held] = []
    for tensor, amount in symbolic.alive:
        formula = Formula.of([]) + amount
        if formula:
            held.append(Held(_what(graph, tensor, number.at), formula.at(evaluation), formula))
    held.sort(key=lambda one: -one.bytes)
    return Peak(number.peak, number.at, Formula.of([]) + symbolic.peak, tuple(held))


_SAID: Mapping[Kind, str] = {
    "again": "`{}`, computed again",
    "saved": "saved by `{}` for its backward step",
    "passing": "saved by `{}` for its backward step",
    "prepared": "the padded input of `{}`",
    "weights": "gradients of the weights of `{}`",
    "sum": "the gradient of `{}`",
    "gradient": "the gradient of `{}`",
    "input gradient": "the gradient of the input of `{}`",
}


def _what(graph: Graph, tensor: Tensor | None, step: str) -> str:
    """A tensor in words."""
    if tensor is None:
        return f"temporary tensors of `{step}`"
    node = graph.nodes[tensor.step]
    if tensor.kind == "value":
        return f"`{node.path}`" + (f", {node.op.title()}" if node.op is not None and not node.named else "")
    return _SAID[tensor.kind].format(node.path)


def _runs(schedule: Schedule, sizes: Mapping[str, int], batch: int) -> list[Live | None]:
    """Inference and training; None for a run that torch refuses, or with an opaque step."""
    if hidden(schedule.graph):
        return [None, None]
    found: list[Live | None] = []
    for training in (False, True):
        live = Live() if runs(schedule.graph, Run(training, alone=batch == 1), sizes) else None
        if live is not None:
            one_run(schedule, training, live)
        found.append(live)
    return found


def one_run(schedule: Schedule, training: bool, live: Live) -> None:
    """Tell ``live`` of every tensor that is allocated and freed in an evaluation or a training step."""
    if training:
        Training(schedule).run(live)
    else:
        _inference(schedule, live)


def _inference(schedule: Schedule, live: Live) -> None:
    """Run an evaluation without gradients."""
    amounts, roots = schedule.amounts, schedule.roots(False)
    before, after = schedule.released(False)
    values: dict[int, Tensor] = {}
    for node in schedule.graph.nodes:
        index = node.index
        runs, prepared = schedule.runs(node, False), amounts[index].prepared
        if runs and prepared:
            live.mark(node.path, prepared)
        for freed in before[index]:
            live.release(values[freed])
        if runs:
            root = roots[index]
            value = values.get(root)
            if value is None:
                value = values[root] = Tensor("value", root, amounts[root].stored)
            values[index] = value
            live.hold(value)
            live.mark(node.path, prepared + schedule.scratch(node, False))
        for freed in after[index]:
            live.release(values[freed])
