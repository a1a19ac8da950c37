"""A network that is being rewritten: nodes can be changed, removed and inserted, and a graph made again.

Edits do not update shapes; ``finish`` infers them all again, so a rewrite that does not fit is found there and not in
the emitted module.  Each node has a list of its readers, so the cost of an edit does not depend on the size of the
network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from archspec import vocabulary
from archspec.diagnostics import printable
from archspec.graph import Output
from archspec.ops import Op, Shape
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode, DraftScope
from archspec.rewrites.engine.standing import Standing
from archspec.rewrites.engine.weights import Make


class Draft(Standing):
    """A network to edit."""

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
