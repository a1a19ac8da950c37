"""The contents of a scope in each use: its modules, function calls, uses of other classes and inline chains."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from archspec.analyses.flow import Flow
from archspec.analyses.structure import Structure
from archspec.graph import Inlined, Node, Scope
from archspec.ops import Argument, Function, Module

Kind = Literal["module", "function", "call", "chain", "loop"]


@dataclass(slots=True, eq=False)
class Item:
    """One element of one use of a scope.

    ``key`` identifies its step of the spec, the same in every use; ``form`` must agree between uses that share a class.
    ``reads`` holds node indices; ``gives`` maps node indices to positions among the outputs.
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
    recomputes: bool = False
    """Whether training computes its values again instead of keeping them."""
    outputs: int = 0
    """The number of outputs of its class, where it is a use of one; ``gives`` has those read here."""

    @property
    def form(self) -> Hashable:
        """The properties that a constructor argument cannot express."""
        calls = (len(self.reads), self.outputs or len(self.gives))
        shared = (self.kind, self.training, self.live, self.recomputes, *calls)
        if self.kind == "function" and self.function is not None:
            return (
                *shared,
                self.function.whole,
                self.function.helper,
                self.name if isinstance(self.what, Node) else "",
            )
        if self.kind == "module" and self.module is not None:
            slots = tuple((argument.slot, argument.keyword) for argument in self.arguments)
            return (*shared, self.module.target, slots, self.module.call, self.module.helper)
        return shared


class Reader(Structure):
    """Reads scopes as items."""

    def __init__(self, flow: Flow) -> None:
        super().__init__(flow)
        self._known: dict[Scope, list[Item]] = {}
        self._again = {node.reuse.index for node in self.nodes if node.reuse is not None}

    def items(self, scope: Scope, chained: bool | None = None) -> list[Item]:
        """The items of a scope; in a chain every op is a module."""
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
        inside = list(self.inside(scope))
        for place, item in enumerate(inside):
            if isinstance(item, Node):
                if follows(item):
                    continue
                if chained or not self._idle(item):
                    made = self._node(item, scope, chained)
                    after = inside[place + 1] if place + 1 < len(inside) else None
                    yield self._with_second(made, after) if isinstance(after, Node) and follows(after) else made
            elif self.is_open(item):
                prefix = self._key(item, scope)
                for inner in self.items(item):
                    if item in self.flow.idle:
                        inner.live, inner.reads = False, ()
                    inner.key = (prefix, inner.key)
                    inner.name = f"{item.name}.{inner.name}" if inner.name else ""
                    inner.training = inner.training or (self._training[item] and not self._training[scope])
                    yield inner
            elif chained or not self._empty[item]:
                yield self._scope(item, scope)

    def _with_second(self, item: Item, second: Node) -> Item:
        """A call that returns two values, the second for the node after it."""
        item.gives[second.index] = 1
        if self.flow.called[second.index] and not item.live:
            item.live, item.reads = True, self.flow.reads(second)
        item.training = item.training and second.training_only
        if item.module is not None:
            item.module = replace(item.module, call=item.module.call.removesuffix("[0]"))
        if item.function is not None:
            item.function = replace(item.function, text=item.function.text.removesuffix("[0]"))
        return item

    def _idle(self, node: Node) -> bool:
        """Whether a node does nothing and is never called."""
        assert node.op is not None
        return node.op.transparent and not self.flow.called[node.index] and node.index not in self._again

    def _key(self, item: Node | Scope, scope: Scope) -> Hashable:
        prefix = () if scope.block is not None else scope.copy
        copy = item.copy[len(prefix) :] if item.copy[: len(prefix)] == prefix else item.copy
        if item.step is None or (isinstance(item, Scope) and item.kind == "branch"):
            return ("name", item.name, copy)
        inlined = [names.step for names in item.loops[-len(copy) :] if isinstance(names, Inlined)] if copy else []
        return ("step", (item.step, *inlined) if inlined else item.step, copy)

    def _node(self, node: Node, scope: Scope, chained: bool) -> Item:
        live = self.flow.called[node.index]
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
        more: dict[str, Any] = {
            "training": self._training[scope] and not self._training[parent],
            "live": bool(outputs) and scope not in self.flow.idle,
            "recomputes": self.recomputes(scope),
        }
        reads = self.flow.inputs[scope] if more["live"] else ()
        if scope.block is None and self.is_chain(scope):
            children = [] if scope.reuse is not None else self.items(scope, True)
            return Item(key, "chain", scope.name, scope, reads, gives, children=children, **more)
        return Item(key, "call", scope.name, scope, reads, gives, **more)


def follows(node: Node) -> bool:
    """Whether a node stands for the second value of the call before it."""
    return node.op is not None and node.op.follows
