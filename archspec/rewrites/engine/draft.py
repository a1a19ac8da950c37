"""A network that is being rewritten: nodes can be changed, removed and inserted, and a graph made again.

Edits do not update shapes; ``finish`` infers them all again, so a rewrite that does not fit is found there and not in
the emitted module.  Each node has a list of its readers, so the cost of an edit does not depend on the size of the
network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from archspec import vocabulary
from archspec.analyses.step_names import Named, StepNames, step_names
from archspec.analyses.trial import NoNumber, Trial
from archspec.diagnostics import did_you_mean, printable
from archspec.graph import Graph, Node, Output, Scope
from archspec.ops import Op, Shape
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode, DraftScope
from archspec.rewrites.engine.weights import Make
from archspec.sizes import Dim


class Draft:
    """A graph to edit.  Sizes are numbers, at the spec's own sizes."""

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

    # -- looking -----------------------------------------------------------------------------------------------------

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

    # -- editing -----------------------------------------------------------------------------------------------------

    def set(self, node: DraftNode, op: Op) -> None:
        """Replace a node's op; its name and position stay, and so do weights that keep their shapes."""
        node.op = op

    def change(self, node: DraftNode, **arguments: Any) -> None:
        """Change arguments of a node's op; raises RewriteError if the op does not take them."""
        op = node.op
        assert op is not None
        kind = type(op)
        for name in arguments:
            if name not in kind.model_fields:
                hint = vocabulary.argument(name, kind.model_fields) or f"it has {', '.join(kind.model_fields)}"
                raise RewriteError(f"`{kind.keyword}` has no argument `{printable(name, 80)}`", node, hint)
            if name in kind.references:
                raise RewriteError(
                    f"`{name}` of `{kind.keyword}` names a step, and a rewrite cannot change which steps are read", node
                )
        try:
            node.op = kind.model_validate({name: getattr(op, name) for name in kind.model_fields} | arguments)
        except ValidationError as failed:
            error = failed.errors(include_url=False)[0]
            where = f"`{error['loc'][0]}` of `{kind.keyword}`" if error["loc"] else f"`{kind.keyword}`"
            message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
            raise RewriteError(f"{where}: {printable(message)}", node, error.get("ctx", {}).get("hint")) from None

    def remove(self, node: DraftNode) -> None:
        """Remove a node: its readers read its first input instead.  Its number stays unused, so no key changes.

        Its label moves to its input, if that has none.
        """
        source = node.inputs[0]
        self._drop_second(node)
        self._known = None
        self.hand_over_label(node, source)
        self.redirect(node, source)
        for other in node.inputs:
            other.readers.remove(node)
        node.scope.items.remove(node)

    def _drop_second(self, node: DraftNode) -> None:
        """Remove the second value of a node's call with it; raises RewriteError if a step reads that."""
        items = node.scope.items
        after = next(iter(items[items.index(node) + 1 :]), None)
        if isinstance(after, DraftNode) and after.op is not None and after.op.follows:
            if after.readers:
                raise RewriteError(f"`{after.readers[0].path}` reads the indices of `{node.path}`", node)
            for other in after.inputs:
                other.readers.remove(after)
            items.remove(after)

    def hand_over_label(self, node: DraftNode, source: DraftNode) -> None:
        """Move the label of a removed node to its replacement, if that has none."""
        if node.label is not None and source.op is not None and source.label is None:
            source.label = node.label

    def copy_before(self, scope: DraftScope, name: str) -> DraftNode:
        """Insert another use of a block (a single chain of steps) before it; returns the first step of the new use."""
        assert scope.parent is not None
        (source,) = scope.inputs
        parent = scope.parent
        name = parent.free_name(name)
        copy = DraftScope(scope.old, parent, name, inputs=[source], names=set(scope.names))
        previous = source
        for item in scope.items:
            assert isinstance(item, DraftNode)
            node = DraftNode(
                item.op, [previous], copy, item.name, item.named, item.counted, None, item.shape, item.like
            )
            copy.items.append(node)
            if previous is not source:
                previous.readers.append(node)
            previous = node
        first, last = copy.items[0], previous
        assert isinstance(first, DraftNode)
        for one in scope.nodes():
            if source in one.inputs:
                one.inputs = [last if each is source else each for each in one.inputs]
                source.readers[source.readers.index(one)] = first
                last.readers.append(one)
        source.feeds[source.feeds.index(scope)] = copy
        scope.inputs = [last]
        last.feeds.append(scope)
        self._give(copy, last)
        parent.items.insert(parent.items.index(scope), copy)
        self._known = self._scopes = None
        return first

    def redirect(self, node: DraftNode, source: DraftNode, but: DraftNode | None = None) -> None:
        """Make all readers of a node (``but`` one) read another node, scopes and outputs included."""
        kept = [reader for reader in node.readers if reader is but]
        for reader in node.readers:
            if reader is not but:
                reader.inputs = [source if one is node else one for one in reader.inputs]
                source.readers.append(reader)
        node.readers = kept
        for scope in node.gives:
            scope.output = source
        source.gives += node.gives
        for scope in node.feeds:
            scope.inputs = [source if one is node else one for one in scope.inputs]
        source.feeds += node.feeds
        node.gives, node.feeds = [], []
        self.outputs = [(output, source if one is node else one) for output, one in self.outputs]

    def insert_before(self, node: DraftNode, op: Op, name: str, shape: Shape | None = None) -> DraftNode:
        """Put a new node before one that reads one value; ``name`` is its own in the scope, empty for its number;
        ``shape`` what it gives, where that differs.
        """
        (source,) = node.inputs
        scope = node.scope
        new = self._new(op, node, scope.free_name(name), shape or source.shape)
        new.inputs, node.inputs = [source], [new]
        source.readers[source.readers.index(node)] = new
        new.readers.append(node)
        scope.items.insert(scope.items.index(node), new)
        return new

    def _new(self, op: Op, beside: DraftNode, name: str, shape: Shape | None) -> DraftNode:
        self._known = None
        return DraftNode(op, [], beside.scope, name, bool(name), True, None, shape or beside.shape, beside.like)

    def give(self, scope: DraftScope, node: DraftNode) -> None:
        """Make a node the output of a scope."""
        if scope.output is not None and scope in scope.output.gives:
            scope.output.gives.remove(scope)
        self._give(scope, node)

    def _give(self, scope: DraftScope, node: DraftNode | None) -> None:
        scope.output = node
        if node is not None:
            node.gives.append(scope)

    def drop(self, scope: DraftScope) -> None:
        """Remove a whole block; nothing outside may still read nodes inside it."""
        inside = set(scope.nodes())
        read = {one for node in inside for one in node.inputs}
        for one in read:
            one.readers = [reader for reader in one.readers if reader not in inside]
        assert scope.parent is not None
        scope.parent.items.remove(scope)
        self._known = None
        self._scopes = None

    def keep_only(self, outputs: list[tuple[Output, DraftNode]]) -> None:
        """Make these the outputs, and remove every node that none of them needs."""
        self.outputs = outputs
        needed: set[DraftNode] = set()
        stack = [node for _, node in outputs]
        while stack:
            node = stack.pop()
            if node in needed:
                continue
            needed.add(node)
            stack += node.inputs
            if node.reuse is not None:
                stack.append(node.reuse)
        alive = {*needed, *self.inputs}
        for scope in reversed(list(self.scopes())):
            scope.items = [
                item
                for item in scope.items
                if (item in needed if isinstance(item, DraftNode) else item.items or not item.old.items)
            ]
            if scope.output is not None and scope.output not in alive:
                last = scope.items[-1] if scope.items else None
                value = last.output if isinstance(last, DraftScope) else last
                scope.output = None
                self._give(scope, value)
        for node in (*self.inputs, *self.nodes()):
            node.readers = [reader for reader in node.readers if reader in needed]
        self._known = self._scopes = None

    def last_output(self) -> Output:
        """The output of a network with a new end; it has no name, since the old one no longer fits."""
        first = next(output for output, _ in self.outputs if not output.training)
        return replace(first, name="output", loss_weight=1.0)

    def weight(self, node: DraftNode, name: str, olds: tuple[str, ...], make: Make) -> None:
        """Record how a tensor of a node is made from tensors at old keys."""
        self.made[node, name] = (olds, make)

    def start_anew(self, node: DraftNode) -> None:
        """Record that the tensors of a node are initialised anew, even if their shapes stay the same."""
        self.fresh.add(node)

    def note(self, message: str) -> None:
        """Keep a note for the user, such as what was saved or not changed."""
        self.notes.append(message)

    # -- a graph again -----------------------------------------------------------------------------------------------


def _around(scope: DraftScope | None) -> tuple[str, ...]:
    found: list[str] = []
    while scope is not None:
        found.append(scope.path)
        scope = scope.parent
    return tuple(found)
