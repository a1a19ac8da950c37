"""How scopes become modules: which can share a class, which are chains, and which are written in place.

The emitter uses it, and so does the memory analysis, because a call keeps its inputs alive.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property

from archspec.analyses.flow import Flow
from archspec.analyses.strides import reordered
from archspec.graph import Node, Scope
from archspec.ops import Module

PLAIN_CALL = "{module}({0})"


def positional(names: Sequence[str]) -> bool:
    """Whether the names are the numbers that ``nn.Sequential`` uses."""
    return list(names) == [str(index) for index in range(len(names))]


class Structure:
    """The scopes of a graph, grouped by structure."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.nodes = flow.graph.nodes
        self.groups: dict[Hashable, list[Scope]] = {}
        self.group_of: dict[Scope, Hashable] = {}
        self._chains: dict[Hashable, bool] = {}
        self._modules: dict[int, Module | None] = {}
        self._identity: dict[Scope, Hashable] = {}
        self._heights: dict[Scope, dict[Hashable, int]] = {}
        self._empty: dict[Scope, bool] = {}
        self._training: dict[Scope, bool] = {}
        self._reusing: dict[Scope, bool] = {}
        self._open: dict[Scope, bool] = {}
        self._collect(flow.graph.root)

    def _collect(self, root: Scope) -> None:
        """Group the scopes that can share a class; note the empty ones and those that only training runs."""
        order = sorted(self.flow.depth, key=lambda scope: self.flow.depth[scope])
        for scope in order:
            self._identity[scope] = self._identify(scope)
        for scope in reversed(order):
            inner = [item for item in scope.items if isinstance(item, Scope)]
            own = [item for item in self.inside(scope) if isinstance(item, Node)]
            self._empty[scope] = not own and all(self._empty[item] for item in inner)
            self._training[scope] = all(node.training_only for node in own) and all(
                self._training[item] for item in inner
            )
            self._reusing[scope] = any(node.reuse for node in own) or any(self._reusing[item] for item in inner)
            heights: dict[Hashable, int] = {}
            for item in inner:
                for identity, height in self._heights[item].items():
                    heights[identity] = max(heights.get(identity, 0), height)
            identity = self._identity[scope]
            heights[identity] = heights.get(identity, 0) + 1
            self._heights[scope] = heights
        waiting = [root]
        while waiting:
            scope = waiting.pop()
            if scope.reuse is not None:
                continue
            identity = self._identity[scope]
            key = (identity, self._heights[scope][identity])
            self.group_of[scope] = key
            if not self.is_open(scope):
                self.groups.setdefault(key, []).append(scope)
            waiting += [item for item in reversed(scope.items) if isinstance(item, Scope) and not self._empty[item]]

    def _identify(self, scope: Scope) -> Hashable:
        """The key of the scopes that can share a class; the depth of a recursive block does not count."""
        if scope.block is not None:
            return ("block", scope.block)
        if scope.step is not None and scope.kind != "branch":
            return (scope.kind, scope.step)
        return (scope.kind, self._identity[scope.parent] if scope.parent is not None else None, scope.name)

    def ordered(self) -> list[Hashable]:
        """The groups, each after the groups whose classes it uses."""
        out: list[Hashable] = []
        done: set[Hashable] = set()
        waiting: list[tuple[Hashable, bool]] = [(self.group_of[self.flow.graph.root], False)]
        while waiting:
            group, left = waiting.pop()
            if left:
                out.append(group)
            elif group not in done:
                done.add(group)
                waiting.append((group, True))
                inner = dict.fromkeys(
                    self.group_of[item] for scope in self.groups[group] for item in self._classes(scope)
                )
                waiting += [(other, False) for other in reversed(inner)]
        return out

    def _classes(self, scope: Scope) -> Iterator[Scope]:
        """The scopes directly inside that can be classes, including those inside open scopes."""
        for item in scope.items:
            if isinstance(item, Scope) and item in self.group_of:
                if self.is_open(item):
                    yield from self._classes(item)
                else:
                    yield item

    # -- chains --------------------------------------------------------------------------------------------------------

    def module(self, node: Node) -> Module | None:
        """The module of a node's op, if it has that form."""
        if node.index not in self._modules:
            assert node.op is not None
            self._modules[node.index] = node.op.module(self.flow.graph.shapes_in(node))
        return self._modules[node.index]

    def is_chain(self, scope: Scope) -> bool:
        """Whether every scope of its group is a chain of modules, so that all of them are an ``nn.Sequential``."""
        group = self.group_of[scope.reuse or scope]
        if group not in self._chains:
            self._chains[group] = all(self._is_chain(one) for one in self.groups.get(group, [scope]))
        return self._chains[group]

    def _is_chain(self, scope: Scope) -> bool:
        if scope.kind == "merge" or self._reusing[scope]:
            return False
        current: int | None = None
        values: set[int] = set()
        names: list[str] = []
        for item in self.inside(scope):
            if isinstance(item, Scope):
                if item.kind == "container" or item.checkpoint:
                    return False
                names.append(item.name)
                if self._empty[item]:
                    continue
                reads, gives = self.flow.inputs[item], self.flow.outputs[item]
                value = self.flow.value(item)
                if item.reuse is not None or len(reads) != 1 or gives != (value,):
                    return False
            else:
                module = self.module(item) if item.counted else None
                names.append(item.name)
                reads, value = self.flow.reads(item), item.index
                if module is None or module.whole != PLAIN_CALL or item.reuse is not None or len(reads) != 1:
                    return False
            if current is not None and reads[0] != current:
                return False
            current = value
            values.add(value)
        outputs = self.flow.outputs[scope]
        if scope.checkpoint and len(outputs) > 1:  # it would be called piece by piece
            return False
        if current is None or current not in outputs or self.flow.value(scope) != current or not set(outputs) <= values:
            return False
        if scope.kind == "network":
            return len(outputs) == len(self.flow.graph.inputs) == 1 and len(names) > 1 and positional(names)
        if scope.kind != "block":
            return True
        return len(outputs) == 1 and (positional(names) or not any(name.isdigit() for name in names))

    def inside(self, scope: Scope) -> Iterator[Node | Scope]:
        """The nodes and scopes of a scope, without skipped identities."""
        for item in scope.items:
            if isinstance(item, Scope) or self.flow.alias[item.index] == item.index:
                yield item

    def is_open(self, scope: Scope) -> bool:
        """Whether a scope uses weights from outside, or is filled from outside, so that it cannot be a class."""
        scope = scope.reuse or scope
        if scope.kind == "container":
            return True
        if scope not in self._open:
            self._open[scope] = scope.block is None and self._reaches_out(scope)
        return self._open[scope]

    def recomputes(self, scope: Scope) -> bool:
        """Whether training computes the values inside a scope again: it is checkpointed, and nothing around it is."""
        if not scope.checkpoint or self.is_open(scope) or scope.reuse is not None or scope in self.flow.idle:
            return False
        around = scope.parent
        while around is not None:
            if around.checkpoint and not self.is_open(around):
                return False
            around = around.parent
        return True

    def _reaches_out(self, scope: Scope) -> bool:
        if not self._reusing[scope]:
            return False
        own = {node.index for node in scope.nodes()}
        return any(node.reuse is not None and node.reuse.index not in own for node in scope.nodes())

    def inputs_of(self, scope: Scope) -> tuple[int, ...]:
        """The nodes that a scope is called with: a block's declared inputs, or what another scope reads."""
        read = self.flow.inputs[scope]
        if scope.kind == "network":
            return tuple(self.flow.graph.inputs.values())
        if scope.kind != "block" or not scope.inputs:
            return read
        declared = tuple(self.flow.alias[index] for index in scope.inputs)
        return declared if set(read) <= set(declared) else read

    @cached_property
    def reordered(self) -> bool:
        """Whether the axes of any value may be in another order in memory."""
        return reordered(self.flow.graph)

    def taps(self, scope: Scope) -> tuple[int, ...]:
        """The values inside a chain that are read outside of it; the chain is called in the pieces between them."""
        if scope.block is not None or not self.is_chain(scope):
            return ()
        own = self.flow.value(scope)
        return tuple(sorted(value for value in self.flow.outputs[scope] if value != own))
