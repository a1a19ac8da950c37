"""What flows in and out of each scope, and which nodes anything needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from archspec.graph import Graph, Node, Scope


@dataclass(slots=True)
class Flow:
    """Values are node indices.

    ``inputs`` of a scope are the values read inside and made outside, in the order they are first read; ``outputs``
    those made inside and read outside, its own value first.
    """

    graph: Graph
    live: list[bool]
    alias: list[int]
    """For each node the value it stands for: itself, but for an unnamed identity what that reads."""
    inputs: dict[Scope, tuple[int, ...]] = field(default_factory=dict)
    outputs: dict[Scope, tuple[int, ...]] = field(default_factory=dict)
    depth: dict[Scope, int] = field(default_factory=dict)

    def reads(self, node: Node) -> tuple[int, ...]:
        """What a node reads, identities looked through."""
        return tuple(self.alias[index] for index in node.inputs)

    def value(self, scope: Scope) -> int:
        """The value of a scope."""
        return self.alias[scope.output] if scope.output >= 0 else -1


def analyse(graph: Graph) -> Flow:
    """The flow of a graph, in time linear in its edges and the depth of its scopes."""
    flow = Flow(graph, [False] * len(graph.nodes), list(range(len(graph.nodes))))
    for node in graph.nodes:
        if node.op is not None and node.op.transparent and not node.is_module and node.inputs:
            flow.alias[node.index] = flow.alias[node.inputs[0]]
    waiting = [flow.alias[output.node] for output in graph.outputs]
    while waiting:
        index = waiting.pop()
        if not flow.live[index]:
            flow.live[index] = True
            waiting += flow.reads(graph.nodes[index])
    _depths(flow)
    inside: dict[Scope, dict[int, None]] = {scope: {} for scope in flow.depth}
    outside: dict[Scope, dict[int, None]] = {scope: {} for scope in flow.depth}

    def cross(made: int, scope: Scope | None) -> None:
        source: Scope | None = graph.nodes[made].scope
        while source is not scope:
            if scope is None or (source is not None and flow.depth[source] >= flow.depth[scope]):
                assert source is not None
                outside[source][made] = None
                source = source.parent
            else:
                inside[scope][made] = None
                scope = scope.parent

    for node in graph.nodes:
        if flow.live[node.index] and flow.alias[node.index] == node.index:
            for made in flow.reads(node):
                cross(made, node.scope)
    for output in graph.outputs:
        cross(flow.alias[output.node], None)
    for scope in flow.depth:
        if scope.reuse is not None:
            twins = {one.index: other.index for one, other in zip(scope.nodes(), scope.reuse.nodes(), strict=True)}
            outside[scope.reuse].update((twins[index], None) for index in outside[scope])
    for scope in flow.depth:
        own = flow.value(scope)
        flow.inputs[scope] = tuple(inside[scope])
        flow.outputs[scope] = tuple(sorted(outside[scope], key=lambda index, own=own: (index != own, index)))
    return flow


def _depths(flow: Flow) -> None:
    waiting = [(flow.graph.root, 0)]
    while waiting:
        scope, depth = waiting.pop()
        flow.depth[scope] = depth
        waiting += [(item, depth + 1) for item in reversed(scope.items) if isinstance(item, Scope)]
