"""The values that enter and leave each scope, and the nodes that are needed."""

from __future__ import annotations

from dataclasses import dataclass, field

from archspec.graph import Graph, Node, Scope


@dataclass(slots=True)
class Flow:
    """Values are node indices.

    ``inputs`` of a scope are the values made outside and read inside, in the order of the first reading; ``outputs``
    are those made inside and read outside, the scope's own value first.
    """

    graph: Graph
    live: list[bool]
    """By node, whether an output of the network needs it."""
    called: list[bool]
    """By node, whether the forward of its scope runs it: it is live, or is the value of an idle scope."""
    alias: list[int]
    """For each node, the node whose value it has: itself, or the input of an unnamed identity."""
    inputs: dict[Scope, tuple[int, ...]] = field(default_factory=dict)
    outputs: dict[Scope, tuple[int, ...]] = field(default_factory=dict)
    depth: dict[Scope, int] = field(default_factory=dict)
    idle: set[Scope] = field(default_factory=set)
    """Scopes that no output needs: the scope around them does not call them, but they can be called."""

    def reads(self, node: Node) -> tuple[int, ...]:
        """The values that a node reads, skipping identities."""
        alias, inputs = self.alias, node.inputs
        return (alias[inputs[0]],) if len(inputs) == 1 else tuple([alias[index] for index in inputs])

    def value(self, scope: Scope) -> int:
        """The value of a scope."""
        return self.alias[scope.output] if scope.output >= 0 else -1


def analyse(graph: Graph) -> Flow:
    """The flow of a graph, in time linear in its edges and the depth of its scopes."""
    nodes = graph.nodes
    flow = Flow(graph, [False] * len(nodes), [], list(range(len(nodes))))
    for node in nodes:
        if _skipped(node):
            flow.alias[node.index] = flow.alias[node.inputs[0]]
    for output in graph.outputs:
        flow.live[flow.alias[output.node]] = True
    for node in reversed(nodes):
        if flow.live[node.index]:
            for read in node.inputs:
                flow.live[flow.alias[read]] = True
    flow.called = list(flow.live)
    _depths(flow)
    if not all(flow.live):
        _rest(flow)
    _cross(flow)
    return flow


def _skipped(node: Node) -> bool:
    """Whether a node is an identity that needs no module: unnamed, and no step of a chain with other steps."""
    if node.op is None or not node.op.transparent or not node.inputs:
        return False
    return not node.is_module or (not node.named and _through(node.scope))


def _through(scope: Scope) -> bool:
    """Whether a branch has nothing but unnamed identities."""
    return scope.kind == "branch" and all(
        isinstance(item, Node) and item.op is not None and item.op.transparent and not item.named
        for item in scope.items
    )


def _need(flow: Flow, value: int, needed: list[bool], within: set[int]) -> None:
    """Mark the nodes that a value needs among those ``within``."""
    waiting = [flow.alias[value]]
    while waiting:
        index = waiting.pop()
        if not needed[index] and index in within:
            needed[index] = True
            waiting += flow.reads(flow.graph.nodes[index])


def _depths(flow: Flow) -> None:
    waiting = [(flow.graph.root, 0)]
    while waiting:
        scope, depth = waiting.pop()
        flow.depth[scope] = depth
        waiting += [(item, depth + 1) for item in reversed(scope.items) if isinstance(item, Scope)]


def _rest(flow: Flow) -> None:
    """Find the idle scopes, outer ones first, and the nodes that run when they are called."""
    for scope in flow.depth:
        own = {node.index for node in scope.nodes()} if scope.parent is not None else set()
        if own and not any(flow.called[index] for index in own):
            flow.idle.add(scope)
            if scope.output >= 0:
                _need(flow, scope.output, flow.called, own)
    for scope in flow.depth:
        if scope.reuse is not None:  # it runs the forward of the scope whose modules it reuses
            for one, other in zip(scope.nodes(), scope.reuse.nodes(), strict=True):
                flow.called[other.index] = flow.called[other.index] or flow.called[one.index]
            for inner, twin in zip(scope.scopes(), scope.reuse.scopes(), strict=True):
                if inner is not scope and inner not in flow.idle:
                    flow.idle.discard(twin)


def _cross(flow: Flow) -> None:
    """Fill ``inputs`` and ``outputs``."""
    graph = flow.graph
    inside: dict[Scope, dict[int, None]] = {scope: {} for scope in flow.depth}
    outside: dict[Scope, dict[int, None]] = {scope: {} for scope in flow.depth}
    home: dict[Scope, Scope | None] = {}
    for scope in flow.depth:  # the nearest idle scope at or around each
        home[scope] = scope if scope in flow.idle else home[scope.parent] if scope.parent is not None else None

    def cross(made: int, scope: Scope | None) -> None:
        source: Scope | None = graph.nodes[made].scope
        edge = home[scope] if scope is not None else None
        if edge is not None and not _holds(edge, source):
            # The caller of an idle scope passes its inputs; nothing in the network has to compute them.
            while scope is not None and scope is not edge.parent:
                inside[scope][made] = None
                scope = scope.parent
            return
        while source is not scope:
            if scope is None or (source is not None and flow.depth[source] >= flow.depth[scope]):
                assert source is not None
                outside[source][made] = None
                source = source.parent
            else:
                inside[scope][made] = None
                scope = scope.parent

    nodes, alias = graph.nodes, flow.alias
    for node in nodes:
        if flow.called[node.index] and alias[node.index] == node.index:
            for read in node.inputs:
                made = alias[read]
                if nodes[made].scope is not node.scope:
                    cross(made, node.scope)
    for output in graph.outputs:
        cross(flow.alias[output.node], None)
    for scope in flow.idle:
        value = flow.value(scope)
        around = graph.nodes[value].scope if value >= 0 else None
        if _holds(scope, around):
            while around is not None and around is not scope.parent:
                outside[around][value] = None
                around = around.parent
    for scope in flow.depth:
        if scope.reuse is not None:
            twins = {one.index: other.index for one, other in zip(scope.nodes(), scope.reuse.nodes(), strict=True)}
            outside[scope.reuse].update((twins[index], None) for index in outside[scope])
    for scope in flow.depth:
        own = flow.value(scope)
        flow.inputs[scope] = tuple(inside[scope])
        flow.outputs[scope] = tuple(sorted(outside[scope], key=lambda index, own=own: (index != own, index)))


def _holds(scope: Scope, inner: Scope | None) -> bool:
    """Whether a scope is ``inner`` or contains it."""
    while inner is not None and inner is not scope:
        inner = inner.parent
    return inner is scope
