"""Memory: parameters, activations, and the most bytes that are live at once, by liveness over the schedule.

Steps run in the order written.  A tensor lives from the step that makes it to the last that reads it, except that what
a module is called with lives until the call returns, and inputs and outputs of the network live throughout.  Views
share the memory they look at.  (A name in emitted code may hold a tensor longer than the schedule does.)  In training
a step's backward keeps what :meth:`archspec.ops.Op.saved` says, until it has run.  Scratch space inside a backend's
kernels is not counted, nor what an allocator adds by rounding and caching: CUDA's own peak, for one, is higher.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

from archspec.analyses.flow import analyse
from archspec.analyses.strides import Strides
from archspec.analyses.structure import Structure
from archspec.graph import Graph, Node
from archspec.ops import Op
from archspec.ops.memory import Numbers
from archspec.sizes import Dim, Evaluation

BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a number by dtype."""
_DTYPES = {"float32": None, "int64": 8}


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes at given sizes, batch and dtype.

    ``parameters`` and ``buffers`` are the weights'; ``inference`` and ``training`` the peaks of everything else:
    inputs, activations, and in training what is saved, and gradients of activations and parameters (no optimiser's
    state).
    """

    parameters: int
    buffers: int
    activations: int
    """All activations together, each once."""
    inference: int
    inference_at: str
    """The step at which the peak of inference is reached."""
    training: int
    training_at: str

    @property
    def inference_total(self) -> int:
        """Peak of inference with the weights."""
        return self.parameters + self.buffers + self.inference

    @property
    def training_total(self) -> int:
        """Peak of training with the weights."""
        return self.parameters + self.buffers + self.training


def memory(graph: Graph, sizes: Mapping[str, int], batch: int = 1, dtype: str = "float32") -> Memory:
    """What a network needs; raises ``ValueError`` where a symbol has no number."""
    tally = _Tally(graph, Evaluation(dict(sizes)), batch, BYTES[dtype])
    inference, inference_at = tally.inference()
    training, training_at = tally.training()
    parameters = sum(tally.weights(node, True) for node in graph.nodes)
    buffers = sum(tally.weights(node, False) for node in graph.nodes)
    made = [node for node in graph.nodes if tally.runs(node, False) and tally.root(node, False) == node.index]
    activations = sum(tally.size(node) for node in made if node.op is not None)
    return Memory(parameters, buffers, activations, inference, inference_at, training, training_at)


@dataclass(slots=True)
class _Live:
    """Bytes by tensor, how often each is held, and the peak of their sum."""

    sizes: dict[object, int] = field(default_factory=dict)
    held: dict[object, int] = field(default_factory=dict)
    now: int = 0
    peak: int = 0
    at: str = ""

    def hold(self, tensor: object, size: int) -> None:
        if self.held.get(tensor, 0) == 0:
            self.sizes[tensor] = size
            self.now += size
        self.held[tensor] = self.held.get(tensor, 0) + 1

    def release(self, tensor: object) -> None:
        self.held[tensor] -= 1
        if self.held[tensor] == 0:
            self.now -= self.sizes[tensor]

    def mark(self, step: str, more: int = 0) -> None:
        if self.now + more > self.peak:
            self.peak, self.at = self.now + more, step


class _Tally:
    """Sizes of tensors and the schedule of a graph."""

    def __init__(self, graph: Graph, evaluation: Evaluation, batch: int, width: int) -> None:
        self.graph = graph
        self.evaluation = evaluation
        self.batch = batch
        self.width = width
        self.flow = analyse(graph)
        self.structure = Structure(self.flow)
        self.strides = Strides(graph, self._numbers)
        self._shapes = [graph.shapes_in(node) for node in graph.nodes]
        self._sizes: dict[tuple[Dim, ...], int] = {}

    def runs(self, node: Node, training: bool) -> bool:
        """Whether a node does anything: what nothing needs is left out, and an identity that is no module."""
        needed = node.op is None or (self.flow.live[node.index] and self.flow.alias[node.index] == node.index)
        return needed and (training or not node.training_only)

    def _numbers(self, node: Node) -> tuple[int, ...]:
        """Sizes of a node's output, the batch first."""
        return (*((self.batch,) if node.shape.batched else ()), *map(self.evaluation.of, node.shape.dims))

    def size(self, node: Node) -> int:
        """Bytes of a node's output."""
        dims = node.shape.dims
        if dims not in self._sizes:
            self._sizes[dims] = prod(map(self.evaluation.of, dims)) * self.width
        return self._sizes[dims] * (self.batch if node.shape.batched else 1)

    def bytes(self, numbers: Iterable[Numbers]) -> int:
        """Bytes of further tensors."""
        found = 0
        for (count, dims), width in numbers:
            found += count * prod(map(self.evaluation.of, dims)) * self.batch * (width or self.width)
        return found

    def weights(self, node: Node, trainable: bool) -> int:
        """Bytes of a node's own parameters, or of its buffers."""
        if node.op is None or node.reuse is not None or type(node.op).weights is Op.weights:
            return 0
        weights = node.op.weights(self._shapes[node.index])
        kept = [weight for weight in weights if weight.trainable == trainable]
        return sum(prod(weight.shape) * (_DTYPES.get(weight.dtype) or self.width) for weight in kept)

    def root(self, node: Node, training: bool) -> int:
        """The node whose memory a node's output lies in."""
        while node.op is not None and type(node.op).aliases is not Op.aliases:
            shared = node.op.aliases(self._shapes[node.index], training)
            if shared is None or (node.op.regroups and self.strides.is_copy(node.index, training)):
                break
            node = self.graph.nodes[node.inputs[shared]]
        return node.index

    def _release(self, training: bool) -> dict[int, list[int]]:
        """By turn, the values that nothing holds once it is over: a node has two, the first to prepare its input."""
        last = self._last_reads()
        kept = {self.flow.alias[output.node] for output in self.graph.outputs if training or not output.training}
        kept |= set(self.graph.inputs.values())
        found: dict[int, list[int]] = {}
        for node in self.graph.nodes:
            if self.runs(node, training) and node.index not in kept:
                found.setdefault(last.get(node.index, 2 * node.index + 1), []).append(node.index)
        return found

    def _last_reads(self) -> dict[int, int]:
        """By value, the turn after which nothing holds it any more: of its last reader, or of the last node of a call.

        What training alone reads has a name until then at other times too.
        """
        last: dict[int, int] = {}

        def read(value: int, until: int) -> None:
            last[value] = max(last.get(value, 0), until)

        for node in self.graph.nodes:
            if self.flow.live[node.index] and self.flow.alias[node.index] == node.index:
                prepares = bool(node.op is not None and node.op.prepared(self._shapes[node.index]))
                for value in self.flow.reads(node):
                    read(value, 2 * node.index + (not prepares))
        for scope in self.flow.depth:
            ran = [node.index for node in scope.nodes() if self.flow.live[node.index]] if scope.parent else []
            if not ran or self.structure.is_open(scope):
                continue
            begin: tuple[int, ...] = self.structure.inputs_of(scope)
            for tap in self.structure.taps(scope):  # a chain is called piece by piece
                for value in begin:
                    read(value, 2 * tap + 1)
                begin = (tap,)
            for value in begin:
                read(value, 2 * ran[-1] + 1)
        return last

    def inference(self) -> tuple[int, str]:
        """The peak of an evaluation without gradients."""
        live = _Live()
        release = self._release(False)
        roots: dict[int, int] = {}
        for node in self.graph.nodes:
            prepared = scratch = 0
            if self.runs(node, False) and node.op is not None:
                prepared = self.bytes(node.op.prepared(self._shapes[node.index]))
                scratch = self.bytes(node.op.scratch(self._shapes[node.index], node.shape))
                if self.strides.gathered(node, False):
                    scratch += self.size(self.graph.nodes[node.inputs[0]])
                live.mark(node.path, prepared)
            for index in release.get(2 * node.index, ()):
                live.release(roots[index])
            if self.runs(node, False):
                root = roots[node.index] = self.root(node, False)
                live.hold(root, self._stored(root))
                live.mark(node.path, prepared + scratch)
            for index in release.get(2 * node.index + 1, ()):
                live.release(roots[index])
        return live.peak, live.at

    def _stored(self, root: int) -> int:
        """Bytes of the memory that a root stands for; a parameter's is counted with the weights."""
        node = self.graph.nodes[root]
        return 0 if node.op is not None and not node.inputs else self.size(node)

    def training(self) -> tuple[int, str]:
        """The peak of a step of training: forward, then backward from all outputs."""
        live = _Live()
        release = self._release(True)
        roots: dict[int, int] = {}
        kept: dict[int, list[object]] = {}
        nodes = [node for node in self.graph.nodes if self.runs(node, True)]
        needs = self._needs_gradient(nodes)
        for node in nodes:
            root = roots[node.index] = self.root(node, True)
            live.hold(root, self._stored(root))
            if node.op is not None:
                inputs = self._shapes[node.index]
                saved = node.op.saved(inputs, node.shape)
                held: list[object] = []
                if node.index in needs:
                    held = [roots[node.inputs[position]] for position in saved.inputs if position < len(node.inputs)]
                    held += [root] if saved.output else []
                    held += [("saved", node.index)] if saved.extra else []
                kept[node.index] = held
                for tensor in held:
                    extra = self.bytes(saved.extra) if isinstance(tensor, tuple) else 0
                    live.hold(tensor, extra or live.sizes.get(tensor, 0))
                live.mark(node.path, self.bytes(node.op.scratch(inputs, node.shape)) if not held else 0)
            for index in (*release.get(2 * node.index, ()), *release.get(2 * node.index + 1, ())):
                live.release(roots[index])
        self._backward(live, nodes, needs, kept)
        return live.peak, live.at

    def _needs_gradient(self, nodes: list[Node]) -> set[int]:
        """Nodes that hold parameters, or come after such."""
        found: set[int] = set()
        for node in nodes:
            own = node.reuse or node
            weighs = (
                own.op is not None
                and type(own.op).weights is not Op.weights
                and any(weight.trainable for weight in own.op.weights(self._shapes[own.index]))
            )
            if weighs or any(source in found for source in node.inputs):
                found.add(node.index)
        return found

    def _backward(self, live: _Live, nodes: list[Node], needs: set[int], kept: dict[int, list[object]]) -> None:
        """Gradients flow back in the opposite order; each lives until its step's backward has run."""
        for output in self.graph.outputs:
            if output.node in needs:
                live.hold(("gradient", output.node), self.size(self.graph.nodes[output.node]))
        for node in reversed(nodes):
            gradient = ("gradient", node.index)
            if node.index not in needs or node.op is None:
                continue
            shared = node.op.aliases(self._shapes[node.index], True) is not None or node.op.keyword == "add"
            for source in node.inputs:
                if source in needs and live.held.get(("gradient", source), 0) == 0:
                    size = (
                        0 if shared and len(self.graph.consumers(source)) == 1 else self.size(self.graph.nodes[source])
                    )
                    live.hold(("gradient", source), size)
            if node.reuse is None:
                live.hold(("weights", node.index), self.weights(node, True))
            live.mark(node.path)
            if live.held.get(gradient, 0):
                live.release(gradient)
            for tensor in kept.get(node.index, ()):
                live.release(tensor)
