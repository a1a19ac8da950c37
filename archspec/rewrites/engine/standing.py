"""A network that is being rewritten, read: its nodes and scopes, and what a path or a label means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archspec.analyses.step_names import Named, StepNames, step_names
from archspec.analyses.trial import NoNumber, Trial
from archspec.diagnostics import did_you_mean, printable
from archspec.graph import Graph, Node, Output, Scope
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode, DraftScope
from archspec.rewrites.engine.weights import Make
from archspec.sizes import Dim


class Standing:
    """A network that is being rewritten, as it stands: its nodes and scopes, by name and in the order they run.

    Sizes are numbers, at the spec's own sizes.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.inputs: list[DraftNode] = []
        self.made: dict[tuple[DraftNode, str], tuple[tuple[str, ...], Make]] = {}
        """By node and tensor name: the old keys that a tensor is made from, and the function."""
        self.fresh: set[DraftNode] = set()
        """The nodes whose weights are initialised anew."""
        self.notes: list[str] = []
        self.places: dict[int, int] = {}
        """After ``finish``: old index of a node -> its new index."""
        self._trial = Trial(graph.sizes)
        self._known: StepNames[DraftNode] | None = None
        self._scopes: StepNames[DraftScope] | None = None
        by_index: dict[int, DraftNode] = {}
        self.root = self._scope(graph.root, None, by_index)
        self.sharing: dict[DraftNode, list[DraftNode]] = {}
        """By node: the nodes that reuse its weights."""
        for node in by_index.values():
            if node.reuse is not None:
                self.sharing.setdefault(node.reuse, []).append(node)
        self.outputs: list[tuple[Output, DraftNode]] = [(output, by_index[output.node]) for output in graph.outputs]

    def _scope(self, scope: Scope, parent: DraftScope | None, by_index: dict[int, DraftNode]) -> DraftScope:
        draft = DraftScope(scope, parent, scope.name, checkpoint=scope.checkpoint)
        if parent is None:
            for index in self.graph.inputs.values():
                node = self.graph.nodes[index]
                by_index[index] = DraftNode(None, [], draft, node.name, False, False, node, node.shape, node)
                self.inputs.append(by_index[index])
                draft.names.add(node.name)
        for item in scope.items:
            draft.names |= {item.name, (isinstance(item, Node) and item.label) or item.name}
            if isinstance(item, Scope):
                draft.items.append(self._scope(item, draft, by_index))
                continue
            reuse = by_index[item.reuse.index] if item.reuse is not None else None
            inputs = [by_index[index] for index in item.inputs]
            node = DraftNode(
                item.op, inputs, draft, item.name, item.named, item.counted, item, item.shape, item, item.label, reuse
            )
            for source in inputs:
                source.readers.append(node)
            by_index[item.index] = node
            draft.items.append(node)
        draft.inputs = [by_index[index] for index in scope.inputs if index in by_index]
        for node in draft.inputs:
            node.feeds.append(draft)
        self._give(draft, by_index.get(scope.output))
        return draft

    def nodes(self) -> Iterator[DraftNode]:
        """Every node but the inputs, in execution order."""
        return self.root.nodes()

    def scopes(self, within: DraftScope | None = None) -> Iterator[DraftScope]:
        """Every scope (or one and those inside it), outer ones first."""
        stack = [within or self.root]
        while stack:
            scope = stack.pop()
            yield scope
            stack += [item for item in reversed(scope.items) if isinstance(item, DraftScope)]

    def scope(self, name: str) -> DraftScope | None:
        """The block, sequence or branch with a path or label; None if there is none."""
        if self._scopes is None:
            self._scopes = step_names(
                Named(scope, scope.path, scope.label, _around(scope.parent))
                for scope in self.scopes()
                if scope.parent is not None
            )
        return self._scopes.found.get(name)

    def find(self, name: str) -> DraftNode:
        """The node with a path or label, or the output of the scope with it; raises RewriteError."""
        if self._known is None:
            self._known = step_names(
                Named(node, node.path, node.label, _around(node.scope)) for node in (*self.inputs, *self.nodes())
            )
        scope = self.scope(name)
        found = self._known.found.get(name) if scope is None else scope.output
        if found is None:
            message, hint = self._known.complaint(name, self._scopes.found if self._scopes else ())
            raise RewriteError(message, hint=hint)
        return found

    def uses(self, block: str) -> Iterator[DraftScope]:
        """The uses of a block, none inside another, in order; raises RewriteError if there is none."""
        blocks: set[str] = set()
        found = False
        stack = [self.root]
        while stack:
            scope = stack.pop()
            if scope.old.kind == "block" and scope.old.block is not None:
                blocks.add(scope.old.block.name)
                if scope.old.block.name == block:
                    found = True
                    yield scope
                    continue
            stack += [item for item in reversed(scope.items) if isinstance(item, DraftScope)]
        if not found:
            listed = f"its blocks are {', '.join(sorted(blocks)[:8])}" if blocks else None
            hint = did_you_mean(block, blocks) or listed
            raise RewriteError(f"nothing in this network is a block `{printable(block, 80)}`", hint=hint)

    def within(self, names: Sequence[str] | None) -> list[DraftNode]:
        """The nodes in the blocks or steps with these paths or labels, in execution order; all nodes for None."""
        if names is None:
            return list(self.nodes())
        chosen: set[DraftNode] = set()
        for name in names:
            scope = self.scope(name)
            chosen |= set(scope.nodes()) if scope is not None else {self.find(name)}
        return [node for node in self.nodes() if node in chosen]

    def number(self, dim: Dim) -> int:
        """A size as a number, at the spec's sizes; raises RewriteError if a symbol has no number."""
        try:
            return self._trial.number(dim)
        except NoNumber as error:
            raise RewriteError(str(error), hint=error.hint) from None

    def numbers(self, dims: Sequence[Dim]) -> tuple[int, ...]:
        """Sizes as numbers."""
        return tuple(map(self.number, dims))

    def _give(self, scope: DraftScope, node: DraftNode | None) -> None:
        scope.output = node
        if node is not None:
            node.gives.append(scope)


def _around(scope: DraftScope | None) -> tuple[str, ...]:
    found: list[str] = []
    while scope is not None:
        found.append(scope.path)
        scope = scope.parent
    return tuple(found)
