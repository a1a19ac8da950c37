"""The schedule of a network for the memory analysis: what each step allocates, and when it is freed.

A value is freed after its last reader; the inputs of a module when its call returns; inputs and outputs of the network
never.  Emitted code keeps nothing alive longer than that (``torch_source.holding``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from math import prod

from archspec.analyses.cost import Formula
from archspec.analyses.facts import WIDTHS, Facts, facts
from archspec.analyses.flow import analyse
from archspec.analyses.live import Bytes
from archspec.analyses.strides import Strides
from archspec.analyses.structure import Structure
from archspec.graph import Graph, Node, Scope
from archspec.ops import Shape
from archspec.ops.common.memory import Numbers
from archspec.records import record
from archspec.sizes import Dim, Evaluation

Frees = Sequence[Sequence[int]]
"""By node, the values that are freed."""


@record
class Amounts:
    """The bytes of the tensors of one step, at the sizes and the batch of a schedule."""

    facts: Facts | None
    """None for an input of the network."""
    output: Bytes
    stored: Bytes
    """What its output allocates: as ``output``, but 0 for a parameter, which counts as a weight."""
    weights: Bytes = 0
    """Its parameters."""
    buffers: Bytes = 0
    prepared: Bytes = 0
    """What it makes from its input before it runs."""
    scratch: Bytes = 0
    """Temporary tensors while it runs, besides its inputs and output."""
    extra: Bytes = 0
    """What it saves for its backward step besides inputs and output."""
    passing: Bytes = 0
    """The same, where the gradient of an input is wanted."""
    backward: Bytes = 0
    """Temporary tensors of its backward step."""
    padded: Bytes = 0
    """The gradient of a padded input; 0 where the backward step gives that of the input itself."""
    unpadding: Bytes = 0
    """Temporary tensors while that becomes the gradient of the input."""
    made: Bytes = 0
    """Temporary tensors while gradients go on to what a weight is made of."""
    largest: Bytes = 0
    """The gradient of its largest parameter."""


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
        self.strides = Strides(graph, partial(_numbers, evaluation, batch))
        self.facts = facts(graph)
        self._products: dict[tuple[int, tuple[Dim, ...]], Bytes] = {}
        self._released: dict[bool, tuple[Frees, Frees]] = {}
        self._roots: dict[bool, list[int]] = {}
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

    @cached_property
    def amounts(self) -> list[Amounts]:
        """What every node needs, by index; nodes that are alike share one."""
        known = _kept(self.evaluation, self.batch, self.width, self.symbolic)
        found: list[Amounts] = []
        for node, fact in zip(self.graph.nodes, self.facts, strict=True):
            if fact is None:
                size = self._size(node.shape)
                found.append(Amounts(None, size, size))
                continue
            amounts = known.get(id(fact))
            if amounts is None:
                amounts = known[id(fact)] = self._amounts(fact, bool(node.inputs))
            found.append(amounts)
        return found

    def _amounts(self, facts: Facts, reads: bool) -> Amounts:
        size = self._size(facts.output)
        nothing: Bytes = Formula(()) if self.symbolic else 0
        prepared = self._bytes(facts.prepared)
        buffers, weights = (fixed + elements * self.width for fixed, elements in facts.weights)
        return Amounts(
            facts,
            size,
            size if reads else nothing,
            nothing + weights,
            nothing + buffers,
            prepared,
            self._bytes(facts.scratch),
            self._bytes(facts.saved.extra),
            self._bytes(facts.saved.passing),
            self._bytes(facts.saved.backward),
            prepared or self._bytes(facts.saved.padded),
            self._bytes(facts.saved.unpadding),
            self._bytes(facts.saved.weights),
            nothing + facts.largest * self.width,
        )

    def _size(self, shape: Shape) -> Bytes:
        """Bytes of a value."""
        width = self.width if shape.pooled is None else WIDTHS["int64"]
        return self._product(width * (self.batch if shape.batched else 1), shape.dims)

    def _bytes(self, numbers: Iterable[Numbers]) -> Bytes:
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

    def weights(self, node: Node) -> Bytes:
        """Bytes of a node's own parameters."""
        return self.amounts[node.index].weights if node.reuse is None else 0

    def buffers(self, node: Node) -> Bytes:
        """Bytes of a node's own buffers."""
        return self.amounts[node.index].buffers if node.reuse is None else 0

    def roots(self, training: bool) -> list[int]:
        """By node, the one that allocated the memory of its output."""
        found = self._roots.get(training)
        if found is None:
            found = self._roots[training] = []
            for node, fact in zip(self.graph.nodes, self.facts, strict=True):
                shared = None if fact is None else fact.shares[training]
                if shared is None or (self.flow.live[node.index] and self.strides.is_copy(node.index, training)):
                    found.append(node.index)
                else:
                    found.append(found[node.inputs[shared]])
        return found

    @property
    def allocating(self) -> list[int]:
        """The nodes of an evaluation that allocate their output, without the inputs of the network."""
        roots, runs = self.roots(False), self._runs[False]
        return [
            node.index
            for node in self.graph.nodes
            if node.op is not None and runs[node.index] and roots[node.index] == node.index
        ]

    def released(self, training: bool) -> tuple[Frees, Frees]:
        """The values that are freed before a node runs, when it has prepared its input, and after it; by node."""
        known = self._released.get(training)
        if known is None:
            before: list[Sequence[int]] = [()] * len(self.graph.nodes)
            after = before.copy()
            kept = {self.flow.alias[output.node] for output in self.graph.outputs if training or not output.training}
            kept |= set(self.graph.inputs.values())
            found: dict[int, list[int]] = {}
            for index, (runs, turn) in enumerate(zip(self._runs[training], self.last_reads, strict=True)):
                if runs and index not in kept:
                    found.setdefault(turn, []).append(index)
            for turn, values in found.items():
                (after if turn % 2 else before)[turn // 2] = values
            known = self._released[training] = before, after
        return known

    @cached_property
    def last_reads(self) -> list[int]:
        """By value, the turn after which it is freed: that of its last reader, or of the last node of a call.

        A value that only training reads keeps its name until then in evaluation too.
        """
        flow, amounts = self.flow, self.amounts
        alias, live = flow.alias, flow.live
        last = [2 * index + 1 for index in range(len(self.graph.nodes))]
        ends: dict[Scope, int] = {}
        """By scope, the last of its nodes that is needed."""
        for node in self.graph.nodes:
            index = node.index
            if live[index]:
                ends[node.scope] = index
                if alias[index] == index:
                    until = 2 * index if amounts[index].prepared else 2 * index + 1
                    for read in node.inputs:
                        last[alias[read]] = until
        for scope in reversed(flow.depth):  # inner ones first
            if scope.parent is not None and scope in ends:
                ends[scope.parent] = max(ends[scope], ends.get(scope.parent, 0))
        for scope in flow.depth:
            if scope.parent is None or scope not in ends or self.structure.is_open(scope):
                continue
            begin: tuple[int, ...] = self.structure.inputs_of(scope)
            for tap in self.structure.taps(scope):  # a tapped chain is called piece by piece
                for value in begin:
                    last[value] = max(last[value], 2 * tap + 1)
                begin = (tap,)
            for value in begin:
                last[value] = max(last[value], 2 * ends[scope] + 1)
        return last

    def scratch(self, node: Node, training: bool) -> Bytes:
        """Bytes of the temporary tensors while a node runs, with those of inputs that it has to copy."""
        amounts = self.amounts[node.index]
        found = amounts.scratch
        if amounts.facts is not None and amounts.facts.gathers:
            for source in self.strides.gathered(node, training):
                found = found + self.amounts[source.index].output
        return found


_KEPT: dict[tuple[object, ...], dict[int, Amounts]] = {}
"""By sizes, batch and width: amounts by the id of their facts, which they keep."""
MOST_SCHEDULES, MOST_KEPT = 8, 20_000
"""Sizes, and amounts at each, that are kept for the next graph."""


def _kept(evaluation: Evaluation, batch: int, width: int, symbolic: bool) -> dict[int, Amounts]:
    """The amounts that earlier graphs have at the same sizes."""
    sizes = None if symbolic else tuple(sorted(evaluation.values.items()))
    found = _KEPT.setdefault((sizes, batch, width), {})
    if len(found) > MOST_KEPT:
        found.clear()
    if len(_KEPT) > MOST_SCHEDULES:
        del _KEPT[next(iter(_KEPT))]
    return found


def _numbers(evaluation: Evaluation, batch: int, node: Node) -> tuple[int, ...]:
    """Sizes of a node's output, the batch first."""
    return (*((batch,) if node.shape.batched else ()), *map(evaluation.of, node.shape.dims))
