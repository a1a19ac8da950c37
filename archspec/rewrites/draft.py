"""A network while it is being rewritten: nodes that can be changed, taken out and put in, then a graph again.

Edits leave shapes alone; :meth:`Draft.finish` infers them all anew, so that a rewrite which does not fit is found
there and
not in the emitted module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from archspec.diagnostics import did_you_mean
from archspec.graph import Graph, Node, Output, Scope
from archspec.ops import Op, Shape, ShapeError
from archspec.rewrites.base import RewriteError
from archspec.rewrites.weights import Make, Stage
from archspec.schema import Step
from archspec.sizes import Dim, Evaluation, Size, failure, text


@dataclass(eq=False, slots=True)
class DraftNode:
    """One node of a draft.  ``old`` is what it was in the graph before, None for a new one."""

    op: Op | None
    inputs: list[DraftNode]
    scope: DraftScope
    name: str
    named: bool
    counted: bool
    old: Node | None
    shape: Shape
    """Its shape before the rewrite; for a new node that of the node it stands for."""
    label: str | None = None
    step: Step | None = None
    reuse: DraftNode | None = None

    @property
    def path(self) -> str:
        """The path of the node, as it is now."""
        if not self.counted and self.old is not None:
            return self.old.path
        return f"{self.scope.path}.{self.name}" if self.scope.path else self.name

    @property
    def shapes_in(self) -> tuple[Shape, ...]:
        """Shapes of what it reads, before the rewrite."""
        return tuple(node.shape for node in self.inputs)


@dataclass(eq=False, slots=True)
class DraftScope:
    """One scope of a draft."""

    old: Scope
    parent: DraftScope | None
    items: list[DraftNode | DraftScope] = field(default_factory=list)
    output: DraftNode | None = None
    inputs: list[DraftNode] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Module path of the scope."""
        return self.old.path


class Draft:
    """A graph to edit.  ``sizes`` gives a number for a symbolic size, at the sizes the network is written for."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._evaluation = Evaluation(graph.sizes)
        self._by_index: dict[int, DraftNode] = {}
        self.root = self._scope(graph.root, None)
        self.outputs: list[tuple[Output, DraftNode]] = [(o, self._by_index[o.node]) for o in graph.outputs]
        self.made: dict[str, tuple[tuple[str, ...], Make]] = {}
        self.fresh: set[str] = set()

    def _scope(self, scope: Scope, parent: DraftScope | None) -> DraftScope:
        draft = DraftScope(scope, parent)
        if parent is None:
            for index in self.graph.inputs.values():
                node = self.graph.nodes[index]
                self._by_index[index] = DraftNode(None, [], draft, node.name, False, False, node, node.shape)
        for item in scope.items:
            if isinstance(item, Scope):
                draft.items.append(self._scope(item, draft))
                continue
            node = DraftNode(
                item.op,
                [self._by_index[index] for index in item.inputs],
                draft,
                item.name,
                item.named,
                item.counted,
                item,
                item.shape,
                item.label,
                item.step,
                self._by_index[item.reuse.index] if item.reuse is not None else None,
            )
            self._by_index[item.index] = node
            draft.items.append(node)
        draft.inputs = [self._by_index[index] for index in scope.inputs if index in self._by_index]
        draft.output = self._by_index.get(scope.output)
        return draft

    # -- looking -----------------------------------------------------------------------------------------------------

    def nodes(self) -> Iterator[DraftNode]:
        """Every node but the inputs, in execution order."""

        def visit(scope: DraftScope) -> Iterator[DraftNode]:
            for item in list(scope.items):
                if isinstance(item, DraftScope):
                    yield from visit(item)
                else:
                    yield item

        return visit(self.root)

    def scopes(self) -> Iterator[DraftScope]:
        """Every scope, outermost first."""
        stack = [self.root]
        while stack:
            scope = stack.pop()
            yield scope
            stack += [item for item in scope.items if isinstance(item, DraftScope)]

    def consumers(self, node: DraftNode) -> list[DraftNode]:
        """The nodes that read a node."""
        return [other for other in self.nodes() if node in other.inputs]

    def find(self, name: str) -> DraftNode:
        """The node of a path or label, or the one a scope of that path gives; raises RewriteError."""
        known: dict[str, DraftNode] = {}
        for scope in self.scopes():
            if scope.output is not None and scope.path:
                known[scope.path] = scope.output
        for node in self.nodes():
            known[node.path] = node
            if node.label is not None:
                known.setdefault(node.label, node)
        if name not in known:
            raise RewriteError(f"there is no step or label `{name}`", hint=did_you_mean(name, known))
        return known[name]

    def number(self, dim: Dim) -> int:
        """A size as a number at the sizes of the spec; raises RewriteError when it has none."""
        try:
            return self._evaluation.of(dim)
        except ValueError:
            raise RewriteError(f"this needs a number for {text(dim)}, and the spec gives none") from None

    # -- editing -----------------------------------------------------------------------------------------------------

    def set(self, node: DraftNode, op: Op) -> None:
        """Give a node another op (or the same with other arguments); its name and place stay."""
        node.op = op

    def remove(self, node: DraftNode) -> None:
        """Take a node out: whoever reads it reads what it read first.  Its number stays free, so no key changes."""
        if node.label is not None:
            self._keep_label(node)
        source = node.inputs[0]
        for other in self.nodes():
            other.inputs = [source if one is node else one for one in other.inputs]
        for scope in self.scopes():
            if scope.output is node:
                scope.output = source
            scope.inputs = [source if one is node else one for one in scope.inputs]
        self.outputs = [(output, source if one is node else one) for output, one in self.outputs]
        node.scope.items.remove(node)

    def _keep_label(self, node: DraftNode) -> None:
        source = node.inputs[0]
        if source.op is not None and source.label is None:
            source.label = node.label
        else:
            raise RewriteError(f"the label `{node.label}` would vanish with `{node.path}`", node)

    def insert_after(self, node: DraftNode, op: Op, name: str, shape: Shape | None = None) -> DraftNode:
        """Put a new node behind one: whoever read that reads this.  ``name`` is its own in the scope."""
        taken = {item.name if isinstance(item, DraftNode) else item.old.name for item in node.scope.items}
        while name in taken:
            name += "_"
        new = DraftNode(op, [node], node.scope, name, True, True, None, shape or node.shape, step=node.step)
        for other in self.nodes():
            other.inputs = [new if one is node else one for one in other.inputs]
        for scope in self.scopes():
            if scope.output is node:
                scope.output = new
            scope.inputs = [new if one is node else one for one in scope.inputs]
        self.outputs = [(output, new if one is node else one) for output, one in self.outputs]
        new.inputs = [node]
        new.label, node.label = node.label, None
        node.scope.items.insert(node.scope.items.index(node) + 1, new)
        return new

    def keep_only(self, outputs: list[tuple[Output, DraftNode]]) -> None:
        """Make these the outputs, and drop every node none of them needs."""
        self.outputs = outputs
        needed: set[int] = set()
        stack = [node for _, node in outputs]
        while stack:
            node = stack.pop()
            if id(node) not in needed:
                needed.add(id(node))
                stack += node.inputs
        for scope in self.scopes():
            scope.items = [item for item in scope.items if isinstance(item, DraftScope) or id(item) in needed]
        self._drop_empty(self.root)

    def _drop_empty(self, scope: DraftScope) -> bool:
        scope.items = [item for item in scope.items if isinstance(item, DraftNode) or not self._drop_empty(item)]
        alive = {id(node) for node in self.nodes()} | {id(node) for node in self.root.inputs}
        if scope.output is not None and id(scope.output) not in alive:
            last = next((item for item in reversed(scope.items)), None)
            scope.output = last.output if isinstance(last, DraftScope) else last
        return not scope.items

    def weight(self, key: str, olds: tuple[str, ...], make: Make) -> None:
        """Say how a new tensor is made from old ones."""
        self.made[key] = (olds, make)

    def start_anew(self, node: DraftNode, *names: str) -> None:
        """Say that tensors of a node cannot be had from old ones."""
        self.fresh |= {f"{node.path}.{name}" for name in names}

    # -- a graph again -----------------------------------------------------------------------------------------------

    def finish(self, name: str) -> Graph:
        """The edited network as a graph, shapes inferred anew; raises RewriteError where they do not fit."""
        return _Finish(self, name).graph()


class _Finish:
    def __init__(self, draft: Draft, name: str) -> None:
        self.draft = draft
        self.name = name
        self.nodes: list[Node] = []
        self.new: dict[int, Node] = {}
        self.pins: list[tuple[Dim, int, int]] = []
        self.evaluation = Evaluation(draft.graph.sizes)

    def graph(self) -> Graph:
        old = self.draft.graph
        root = self._scope(self.draft.root, None)
        outputs = tuple(replace(output, node=self.new[id(node)].index) for output, node in self.draft.outputs)
        inputs = {name: self.new[id(self.draft._by_index[index])].index for name, index in old.inputs.items()}
        graph = Graph(old.name, root, self.nodes, inputs, outputs, old.sizes, old.source, self.pins)
        graph.stages = (*old.stages, self._stage())
        graph.chain, graph.parts = old.chain, old.parts
        graph.task, graph.loss = old.task, old.loss
        graph.doc, graph.spec = old.doc, old.spec
        graph.connect()
        return graph

    def _scope(self, draft: DraftScope, parent: Scope | None) -> Scope:
        old = draft.old
        scope = Scope(
            old.kind, old.name, old.path, parent, old.block, old.step, old.values, old.loops, old.copy,
            aside=old.aside, depth=old.depth,
        )  # fmt: skip
        if parent is None:
            for index in self.draft.graph.inputs.values():
                node = self.draft._by_index[index]
                self._add(node, scope, Node(0, None, (), node.shape, scope, node.name, node.name, node.old.span))  # type: ignore[union-attr]
        for item in draft.items:
            scope.items.append(self._scope(item, scope) if isinstance(item, DraftScope) else self._node(item, scope))
        scope.inputs = tuple(self.new[id(node)].index for node in draft.inputs if id(node) in self.new)
        if draft.output is not None and id(draft.output) in self.new:
            scope.output = self.new[id(draft.output)].index
        return scope

    def _add(self, draft: DraftNode, scope: Scope, node: Node) -> Node:
        node.index = len(self.nodes)
        self.nodes.append(node)
        self.new[id(draft)] = node
        return node

    def _node(self, draft: DraftNode, scope: Scope) -> Node:
        op = draft.op
        assert op is not None
        inputs = [self.new[id(node)] for node in draft.inputs]
        shapes = tuple(node.shape for node in inputs)
        try:
            shape = op.infer(self._pinned(op, shapes))
        except ShapeError as error:
            raise RewriteError(f"after it `{draft.path}` does not fit: {error}", draft, error.hint) from None
        for condition in op.conditions(shapes, len(self.nodes)):
            found = failure(condition, self.evaluation) if self._known(shapes) else None
            if found is not None:
                raise RewriteError(
                    f"after it the sizes at `{draft.path}` do not fit ({found.left}, {found.right})", draft
                )
        old = draft.old
        weights = bool(op.weights(shapes))
        in_modules = draft.scope.old.kind in ("sequence", "branch", "merge")
        node = Node(
            0, op, tuple(node.index for node in inputs), shape, scope, draft.name, draft.path,
            old.span if old is not None else inputs[0].span, draft.step,
            old.loops if old is not None else (), old.copy if old is not None else (), draft.label, draft.named,
            draft.counted, draft.counted and (draft.named or in_modules or weights),
            self.new[id(draft.reuse)] if draft.reuse is not None else None,
            old.aside if old is not None else False,
        )  # fmt: skip
        return self._add(draft, scope, node)

    def _known(self, shapes: tuple[Shape, ...]) -> bool:
        try:
            for shape in shapes:
                for dim in shape.dims:
                    self.evaluation.of(dim)
        except ValueError:
            return False
        return True

    def _pinned(self, op: Op, shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
        if not op.pins:
            return shapes
        dims = [list(shape.dims) for shape in shapes]
        for position, axis in op.pinned(shapes):
            at = shapes[position].axes.index(axis)
            dim = dims[position][at]
            if isinstance(dim, Size):
                dims[position][at] = self.evaluation.of(dim)
                self.pins.append((dim, self.evaluation.of(dim), len(self.nodes)))
        return tuple(replace(shape, dims=tuple(sizes)) for sizes, shape in zip(dims, shapes, strict=True))

    def _stage(self) -> Stage:
        """Which new keys are old ones: those of nodes that were there before and keep their tensors' shapes."""
        kept: dict[str, str] = {}
        old_graph = self.draft.graph
        drafts = {id(node): node for node in self.draft.nodes()}
        for draft_id, node in self.new.items():
            draft = drafts.get(draft_id)
            if node.op is None or node.reuse is not None or draft is None or draft.old is None:
                continue
            olds = _keys(old_graph.nodes, draft.old)
            for key, shape in _keys(self.nodes, node).items():
                suffix = key[len(node.path) :]
                old_key = draft.old.path + suffix
                if key not in self.draft.made and key not in self.draft.fresh and olds.get(old_key) == shape:
                    kept[key] = old_key
        return Stage(self.name, kept, dict(self.draft.made), frozenset(self.draft.fresh))


def _keys(nodes: list[Node], node: Node) -> dict[str, Any]:
    """Shapes of a node's tensors by key."""
    assert node.op is not None
    shapes = tuple(nodes[index].shape for index in node.inputs)
    return {f"{node.path}.{w.name}" if w.name else node.path: w.shape for w in node.op.weights(shapes)}
