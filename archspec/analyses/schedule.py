"""The schedule of a network for the memory analysis: what each step allocates, and when it is freed.

A value is freed after its last reader; the inputs of a module when its call returns; inputs and outputs of the network
never.  Emitted code keeps nothing alive longer than that (``torch_source.holding``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from math import prod

from archspec.analyses.cost import Formula
from archspec.analyses.facts import WIDTHS, facts
from archspec.analyses.flow import analyse
from archspec.analyses.live import Bytes
from archspec.analyses.strides import Strides
from archspec.analyses.structure import Structure
from archspec.graph import Graph, Node, Scope
from archspec.ops import Op
from archspec.ops.common.memory import Numbers
from archspec.sizes import Dim, Evaluation


class Schedule:
    """The schedule of a graph at given sizes, and the bytes of its tensors; as formulas if ``symbolic``."""

    def __init__(self, graph: Graph, evaluation: Evaluation, batch: int, width: int, symbolic: bool = False) -> None:
        self.graph = graph
        self.evaluation = evaluation
        self.batch = batch
        self.width = width
        self.symbolic = symbolic
        self.flow = analyse(graph)
        self.structure = Structure(self.flow)
        self.strides = Strides(graph, self._numbers)
        self.facts = facts(graph)
        self._products: dict[tuple[int, tuple[Dim, ...]], Bytes] = {}
        self._sizes: list[Bytes | None] = [None] * len(graph.nodes)
        self._releases: dict[bool, dict[int, list[int]]] = {}
        own = [
            node.op is None or (self.flow.live[node.index] and self.flow.alias[node.index] == node.index)
            for node in graph.nodes
        ]
        both = zip(own, graph.nodes, strict=True)
        self._runs = [needed and not node.training_only for needed, node in both], own

    @cached_property
    def recomputed(self) -> dict[int, Scope]:
        """By node: the checkpointed scope around it, whose values training computes again."""
        found: dict[int, Scope] = {}
        for scope in self.flow.depth:
            if scope.checkpoint and self.structure.recomputes(scope):
                found.update((node.index, scope) for node in scope.nodes())
        return found

    def runs(self, node: Node, training: bool) -> bool:
        """Whether a node runs: unneeded nodes do not, nor does an identity that is not a module."""
        return self._runs[training][node.index]

    def _numbers(self, node: Node) -> tuple[int, ...]:
        """Sizes of a node's output, the batch first."""
        return (*((self.batch,) if node.shape.batched else ()), *map(self.evaluation.of, node.shape.dims))

    def size(self, node: Node) -> Bytes:
        """Bytes of a node's output."""
        found = self._sizes[node.index]
        if found is None:
            width = self.width if node.shape.pooled is None else WIDTHS["int64"]
            found = self._product(width * (self.batch if node.shape.batched else 1), node.shape.dims)
            self._sizes[node.index] = found
        return found

    def bytes(self, numbers: Iterable[Numbers]) -> Bytes:
        """Bytes of additional tensors."""
        found: Bytes = 0
        for times, dims, width, batched in numbers:
            found += self._product(times * (self.batch if batched else 1) * (width or self.width), dims)
        return found

    def _product(self, coefficient: int, dims: tuple[Dim, ...]) -> Bytes:
        key = (coefficient, dims)
        if key not in self._products:
            number = coefficient * prod(map(self.evaluation.of, dims)) if not self.symbolic else 0
            self._products[key] = Formula.of([(coefficient, dims)]) if self.symbolic else number
        return self._products[key]

    def weights(self, node: Node, trainable: bool) -> Bytes:
        """Bytes of a node's own parameters, or of its buffers."""
        return 0 if node.reuse is not None else self._read(node, trainable)

    def gradients(self, node: Node) -> Bytes:
        """Bytes of the gradients of the parameters that a node reads, its own or those of a layer that it reuses."""
        return self._read(node, True)

    def largest(self, node: Node) -> Bytes:
        """Bytes of the largest of these gradients."""
        facts = self.facts[node.index]
        number = 0 if facts is None else facts.largest * self.width
        return Formula.of([(number, ())]) if self.symbolic else number

    def _read(self, node: Node, trainable: bool) -> Bytes:
        facts = self.facts[node.index]
        if facts is None or type(facts.op).weights is Op.weights:
            return 0
        fixed, elements = facts.weights[trainable]
        number = fixed + elements * self.width
        return Formula.of([(number, ())]) if self.symbolic else number

    def root(self, node: Node, training: bool) -> int:
        """The node that allocated the memory of a node's output."""
        facts = self.facts[node.index]
        while facts is not None:
            shared = facts.shares[training]
            if shared is None or self.strides.is_copy(node.index, training):
                break
            node = self.graph.nodes[node.inputs[shared]]
            facts = self.facts[node.index]
        return node.index

    def release(self, training: bool) -> dict[int, list[int]]:
        """The values that are freed after each turn; a node has two turns, the first to prepare its input."""
        known = self._releases.get(training)
        if known is not None:
            return known
        last = self.last_reads
        kept = {self.flow.alias[output.node] for output in self.graph.outputs if training or not output.training}
        kept |= set(self.graph.inputs.values())
        found: dict[int, list[int]] = {}
        for node in self.graph.nodes:
            if self.runs(node, training) and node.index not in kept:
                found.setdefault(last.get(node.index, 2 * node.index + 1), []).append(node.index)
        self._releases[training] = found
        return found

    @cached_property
    def last_reads(self) -> dict[int, int]:
        """By value, the turn after which it is freed: that of its last reader, or of the last node of a call.

        A value that only training reads keeps its name until then in evaluation too.
        """
        last: dict[int, int] = {}

        def read(value: int, until: int) -> None:
            last[value] = max(last.get(value, 0), until)

        for node in self.graph.nodes:
            if self.flow.live[node.index] and self.flow.alias[node.index] == node.index:
                prepares = bool(self.prepared(node))
                for value in self.flow.reads(node):
                    read(value, 2 * node.index + (not prepares))
        for scope in self.flow.depth:
            ran = [node.index for node in scope.nodes() if self.flow.live[node.index]] if scope.parent else []
            if not ran or self.structure.is_open(scope):
                continue
            begin: tuple[int, ...] = self.structure.inputs_of(scope)
            for tap in self.structure.taps(scope):  # a tapped chain is called piece by piece
                for value in begin:
                    read(value, 2 * tap + 1)
                begin = (tap,)
            for value in begin:
                read(value, 2 * ran[-1] + 1)
        return last

    def prepared(self, node: Node) -> Bytes:
        """Bytes of the tensors that a node makes from its input before it runs."""
        facts = self.facts[node.index]
        return 0 if facts is None or not facts.prepared else self.bytes(facts.prepared)

    def padded(self, node: Node) -> Bytes:
        """Bytes of the gradient of a padded input; 0 where the backward step gives that of the input itself."""
        facts = self.facts[node.index]
        return self.prepared(node) or (0 if facts is None else self.bytes(facts.saved.padded))

    def saved(self, node: Node, tensor: object) -> Bytes:
        """Bytes of what a node saves that is neither an input nor its output; 0 for another tensor."""
        facts = self.facts[node.index]
        if facts is None or not isinstance(tensor, tuple) or tensor[1] != node.index:
            return 0
        numbers = {"saved": facts.saved.extra, "passing": facts.saved.passing}
        return self.bytes(numbers.get(tensor[0], ()))

    def scratch(self, node: Node, training: bool) -> Bytes:
        """Bytes of the temporary tensors while a node runs, besides its inputs and output."""
        facts = self.facts[node.index]
        if facts is None:
            return 0
        found: Bytes = self.bytes(facts.scratch) if facts.scratch else 0
        for source in self.strides.gathered(node, training):
            found = found + self.size(source)
        return found

    def stored(self, root: int) -> Bytes:
        """Bytes of the memory allocated by a root; 0 for a parameter, which counts as a weight."""
        node = self.graph.nodes[root]
        return (Formula(()) if self.symbolic else 0) if node.op is not None and not node.inputs else self.size(node)
