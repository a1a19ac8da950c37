"""Memory layout of tensors at given sizes: which views have to be copies.

Only the output of a slice, a crop or a permutation can be non-contiguous, so little has to be computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from archspec.graph import Graph, Node
from archspec.ops import Op
from archspec.ops.common.memory import dense


class Strides:
    """The strides of each value, computed when needed; ``sizes`` returns a node's sizes, the batch first."""

    def __init__(self, graph: Graph, sizes: Callable[[Node], tuple[int, ...]]) -> None:
        self.graph = graph
        self.sizes = sizes
        self._known: dict[tuple[int, bool], tuple[tuple[int, ...], bool]] = {}

    def of(self, index: int, training: bool) -> tuple[int, ...]:
        """The strides of a value, in elements."""
        return self._of(index, training)[0]

    def is_copy(self, index: int, training: bool) -> bool:
        """Whether a node whose output is a view has to copy its input."""
        node = self.graph.nodes[index]
        if node.op is None or not node.op.regroups or regroups_freely(self.graph, node, self.reordered):
            return False
        return self._of(index, training)[1]

    def gathered(self, node: Node, training: bool) -> list[Node]:
        """The inputs that a node copies before it runs."""
        if node.op is None or not may_gather(node.op):
            return []
        shapes, sources = self.graph.shapes_in(node), [self.graph.nodes[index] for index in node.inputs]
        return [
            source
            for position, source in enumerate(sources)
            if not regroups_freely(self.graph, node, self.reordered, position)
            and node.op.gathered(shapes, position, self.sizes(source), self.of(source.index, training), training)
        ]

    @cached_property
    def reordered(self) -> bool:
        """Whether the axes of any value may be in another order in memory."""
        return reordered(self.graph)

    def _of(self, index: int, training: bool) -> tuple[tuple[int, ...], bool]:
        """Strides, and whether it is a copy; without recursion, because chains can be long."""
        waiting = [index]
        while waiting:
            key = (waiting[-1], training)
            if key in self._known:
                waiting.pop()
                continue
            node = self.graph.nodes[waiting[-1]]
            if node.op is None or not node.inputs:
                self._known[key] = dense(self.sizes(node)), False
                continue
            shapes = self.graph.shapes_in(node)
            shared = node.op.aliases(shapes, training)
            plain = node.op.layout == "plain" and not node.op.permutes
            if shared is None and plain:
                self._known[key] = dense(self.sizes(node)), False
                continue
            source = self._first(node) if shared is None else self.graph.nodes[node.inputs[shared]]
            before = self._known.get((source.index, training))
            if before is None:
                waiting.append(source.index)
                continue
            sizes, output = self.sizes(source), self.sizes(node)
            if shared is None:
                self._known[key] = node.op.lay(shapes, sizes, before[0], output), False
            else:
                view = node.op.view(shapes, sizes, before[0], output)
                self._known[key] = (dense(output), True) if view is None else (view, False)
        return self._known[index, training]

    def _first(self, node: Node) -> Node:
        """The input that determines the layout of the output: the first with the same sizes, if there is one."""
        sources = [self.graph.nodes[index] for index in node.inputs]
        output = self.sizes(node)
        return next((source for source in sources if self.sizes(source) == output), sources[0])


def reordered(graph: Graph) -> bool:
    """Whether the axes of any value of a graph may be in another order in memory."""
    return any(node.op is not None and node.op.reorders for node in graph.nodes)


def may_gather(op: Op) -> bool:
    """Whether an op copies an input that does not lie as it needs."""
    return op.gathers is not None or type(op).gathered is not Op.gathered


def regroups_freely(graph: Graph, node: Node, reordered: bool, position: int = 0) -> bool:
    """Whether an input of a node is contiguous at all sizes, as far as the graph alone decides it.

    The output of an op on a map with gaps has no gaps; the output of an op on reordered axes may keep their order.
    """
    source = graph.nodes[node.inputs[position]]
    while source.op is not None and not source.op.permutes:
        shared = source.op.aliases(graph.shapes_in(source), False)
        if shared is None:
            return source.op.layout == "plain" or not reordered
        source = graph.nodes[source.inputs[shared]]
    return source.op is None
