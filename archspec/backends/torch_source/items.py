"""What one scope holds, use by use: its modules, function calls, uses of other classes and inline chains, in order."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from archspec.backends.torch_source.flow import Flow
from archspec.graph import Node, Scope
from archspec.ops import Argument, Function, Module

Kind = Literal["module", "function", "call", "chain"]
PLAIN_CALL = "{module}({0})"


@dataclass(slots=True, eq=False)
class Item:
    """One thing in one use of a scope.

    ``key`` tells which step of the spec it is, the same in every use; ``form`` is what must agree between uses that
    share a class.  ``reads`` and ``gives`` are node indices, ``gives`` with the place each has among the outputs.
    """

    key: Hashable
    kind: Kind
    name: str
    what: Node | Scope
    reads: tuple[int, ...]
    gives: dict[int, int]
    arguments: tuple[Argument, ...] = ()
    module: Module | None = None
    function: Function | None = None
    children: list[Item] = field(default_factory=list)
    training: bool = False
    live: bool = True
    outputs: int = 0
    """How many values its class gives, where it is a use of one; ``gives`` names those read here."""

    @property
    def form(self) -> Hashable:
        """What of it no constructor argument can stand for."""
        shared = (self.kind, self.training, self.live, len(self.reads), self.outputs or len(self.gives))
        if self.kind == "function" and self.function is not None:
            return (*shared, self.function.text, self.function.helper, self.name if isinstance(self.what, Node) else "")
        if self.kind == "module" and self.module is not None:
            slots = tuple((argument.slot, argument.keyword) for argument in self.arguments)
            return (*shared, self.module.target, slots, self.module.call, self.module.helper)
        return shared


def positional(names: Sequence[str]) -> bool:
    """Whether names are what ``nn.Sequential`` would give by itself."""
    return list(names) == [str(index) for index in range(len(names))]


class Reader:
    """Reads scopes as items; knows which scopes are chains that need no class."""

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
        self._known: dict[Scope, list[Item]] = {}
        self._collect(flow.graph.root)

    def _collect(self, root: Scope) -> None:
        """Group the scopes that may share a class, and note what holds nothing and what only training runs."""
        order = sorted(self.flow.depth, key=lambda scope: self.flow.depth[scope])
        for scope in order:
            self._identity[scope] = self._identify(scope)
        for scope in reversed(order):
            inner = [item for item in scope.items if isinstance(item, Scope)]
            own = [item for item in scope.items if isinstance(item, Node)]
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
        """What the scopes that may share a class have in common, but for how deep a block that uses itself goes."""
        if scope.block is not None:
            return ("block", id(scope.block))
        if scope.step is not None and scope.kind != "branch":
            return (scope.kind, id(scope.step))
        return (scope.kind, self._identity[scope.parent] if scope.parent is not None else None, scope.name)

    def ordered(self) -> list[Hashable]:
        """The groups, each after those whose classes it uses."""
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
        """The scopes directly inside that may be classes; those of open scopes too."""
        for item in scope.items:
            if isinstance(item, Scope) and item in self.group_of:
                if self.is_open(item):
                    yield from self._classes(item)
                else:
                    yield item

    # -- chains --------------------------------------------------------------------------------------------------------

    def module(self, node: Node) -> Module | None:
        """The module an op stands for, if it has that form."""
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
        if scope.kind in ("network", "merge") or self._reusing[scope]:
            return False
        current: int | None = None
        values: set[int] = set()
        names: list[str] = []
        for item in self.inside(scope):
            if isinstance(item, Scope):
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
                if module is None or module.call != PLAIN_CALL or item.reuse is not None or len(reads) != 1:
                    return False
            if current is not None and reads[0] != current:
                return False
            current = value
            values.add(value)
        outputs = self.flow.outputs[scope]
        if current is None or current not in outputs or self.flow.value(scope) != current or not set(outputs) <= values:
            return False
        if scope.kind != "block":
            return True
        return len(outputs) == 1 and (positional(names) or not any(name.isdigit() for name in names))

    def inside(self, scope: Scope) -> Iterator[Node | Scope]:
        """The nodes and scopes of a scope, without the identities that are looked through."""
        for item in scope.items:
            if isinstance(item, Scope) or self.flow.alias[item.index] == item.index:
                yield item

    # -- items ---------------------------------------------------------------------------------------------------------

    def items(self, scope: Scope, chained: bool | None = None) -> list[Item]:
        """What a scope holds; in a chain every op is a module."""
        chained = self.is_chain(scope) if chained is None else chained
        if scope in self._known:
            return self._known[scope]
        out: list[Item] = []
        seen: dict[Hashable, int] = {}
        for made in self._items(scope, chained):
            count = seen[made.key] = seen.get(made.key, 0) + 1
            if count > 1:
                made.key = (made.key, count)
            out.append(made)
        self._known[scope] = out
        return out

    def _items(self, scope: Scope, chained: bool) -> Iterator[Item]:
        for item in self.inside(scope):
            if isinstance(item, Node):
                yield self._node(item, scope, chained)
            elif self.is_open(item):
                prefix = self._key(item, scope)
                for inner in self.items(item):
                    inner.key = (prefix, inner.key)
                    inner.name = f"{item.name}.{inner.name}" if inner.name else ""
                    inner.training = inner.training or (self._training[item] and not self._training[scope])
                    yield inner
            elif chained or not self._empty[item]:
                yield self._scope(item, scope)

    def is_open(self, scope: Scope) -> bool:
        """Whether a scope applies weights from outside of it, so that it can be no class of its own."""
        scope = scope.reuse or scope
        if scope not in self._open:
            self._open[scope] = scope.block is None and self._reaches_out(scope)
        return self._open[scope]

    def _reaches_out(self, scope: Scope) -> bool:
        if not self._reusing[scope]:
            return False
        own = {node.index for node in scope.nodes()}
        return any(node.reuse is not None and node.reuse.index not in own for node in scope.nodes())

    def _key(self, item: Node | Scope, scope: Scope) -> Hashable:
        prefix = () if scope.block is not None else scope.copy
        copy = item.copy[len(prefix) :] if item.copy[: len(prefix)] == prefix else item.copy
        if item.step is None or (isinstance(item, Scope) and item.kind == "branch"):
            return ("name", item.name, copy)
        return ("step", id(item.step), copy)

    def _node(self, node: Node, scope: Scope, chained: bool) -> Item:
        live = self.flow.live[node.index]
        key, reads = self._key(node, scope), self.flow.reads(node) if live else ()
        more: dict[str, Any] = {"training": node.training_only and not self._training[scope], "live": live}
        assert node.op is not None
        module = self.module(node)
        function = node.op.function(self.flow.graph.shapes_in(node))
        gives = {node.index: 0}
        if module is not None and (chained or node.is_module or function is None):
            name = node.name if chained or node.is_module or node.reuse is not None else ""
            return Item(key, "module", name, node, reads, gives, module.arguments, module, function, **more)
        return Item(key, "function", "", node, reads, gives, module=module, function=function, **more)

    def _scope(self, scope: Scope, parent: Scope) -> Item:
        key = self._key(scope, parent)
        if self._empty[scope]:
            return Item(key, "module", scope.name, scope, (), {}, (), Module("nn.Identity"))
        outputs = self.flow.outputs[scope]
        gives = {index: position for position, index in enumerate(outputs)}
        if scope.reuse is not None:
            firsts = self.flow.outputs[scope.reuse]
            twins = {one.index: other.index for one, other in zip(scope.nodes(), scope.reuse.nodes(), strict=True)}
            gives = {index: firsts.index(twins[index]) for index in outputs}
        more: dict[str, Any] = {"training": self._training[scope] and not self._training[parent], "live": bool(outputs)}
        reads = self.flow.inputs[scope]
        if scope.block is None and self.is_chain(scope):
            children = [] if scope.reuse is not None else self.items(scope, True)
            return Item(key, "chain", scope.name, scope, reads, gives, children=children, **more)
        return Item(key, "call", scope.name, scope, reads, gives, **more)
