"""From a draft to a graph: infer shapes again, track weights, and refuse what does not fit, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archspec.analyses.trial import NoNumber, Trial
from archspec.graph import Graph, Node, Scope
from archspec.ops import Op, Shape, ShapeError
from archspec.ops.common.tied import shares
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.following import values
from archspec.rewrites.engine.nodes import DraftNode, DraftScope
from archspec.rewrites.engine.weights import Make, Stage
from archspec.sizes import complaint, text


def finish(draft: Draft, name: str) -> Graph:
    """The edited network as a graph; raises RewriteError if something does not fit."""
    return _Finish(draft, name).graph()


class _Finish:
    def __init__(self, draft: Draft, name: str) -> None:
        self.draft = draft
        self.name = name
        self.nodes: list[Node] = []
        self.new: dict[DraftNode, Node] = {}
        self.scopes: dict[Scope, Scope] = {}
        self.trial = Trial(draft.graph.sizes)
        self.values = values(draft)

    def graph(self) -> Graph:
        draft, old = self.draft, self.draft.graph
        for scope in draft.scopes():
            scope.count()
        root = self._scope(draft.root, None)
        outputs = tuple(replace(output, node=self.new[node].index) for output, node in draft.outputs)
        inputs = {name: self.new[node].index for name, node in zip(old.inputs, draft.inputs, strict=True)}
        stages = (*old.stages, self._stage(root))
        graph = replace(
            old, root=root, nodes=self.nodes, inputs=inputs, outputs=outputs, pins=self.trial.pins, stages=stages,
        )  # fmt: skip
        graph.connect()
        draft.places = {
            node.old.index: self.new[node].index for node in (*draft.inputs, *draft.nodes()) if node.old is not None
        }
        return graph

    # -- scopes and nodes --------------------------------------------------------------------------------------------

    def _scope(self, draft: DraftScope, parent: Scope | None) -> Scope:
        old = draft.old
        scope = replace(
            old,
            values=self.values.get(draft, old.values),
            name=draft.name,
            path=draft.path,
            checkpoint=draft.checkpoint,
            parent=parent,
            inputs=(),
            output=-1,
            reuse=None,
            items=[],
        )
        self.scopes.setdefault(old, scope)
        if parent is None:
            for node in self.draft.inputs:
                assert node.old is not None
                self._add(node, Node(0, None, (), node.shape, scope, node.name, node.name, node.old.span))
        scope.inputs = tuple(self.new[node].index for node in draft.inputs if node in self.new)
        for item in draft.items:
            scope.items.append(self._scope(item, scope) if isinstance(item, DraftScope) else self._node(item, scope))
        if draft.output is not None and draft.output in self.new:
            scope.output = self.new[draft.output].index
        if old.reuse is not None:
            scope.reuse = self._twin(draft, scope, old.reuse)
        return scope

    def _twin(self, draft: DraftScope, scope: Scope, original: Scope) -> Scope:
        """The scope whose weights this one reuses; both must still have the same steps."""
        first = self.scopes.get(original)
        mine, its = list(scope.nodes()), list(first.nodes()) if first is not None else []
        if first is None or [node.op for node in mine] != [node.op for node in its]:
            path = original.path
            raise RewriteError(
                f"`{draft.path}` reuses the weights of `{path}`, and the two would no longer be the same"
            )
        return first

    def _add(self, draft: DraftNode, node: Node) -> Node:
        node.index = len(self.nodes)
        self.nodes.append(node)
        self.new[draft] = node
        return node

    def _node(self, draft: DraftNode, scope: Scope) -> Node:
        op, like = draft.op, draft.like
        assert op is not None
        assert like is not None
        inputs = [self.new[node] for node in draft.inputs]
        if op.follows:  # it is what the call before it gives, whatever became of that
            before = self.nodes[-1]
            op, inputs = before.op.second if before.op is not None else None, [self.nodes[i] for i in before.inputs]
            if op is None:
                raise RewriteError("the indices of a pool are read, and the rewrite would remove the pool", draft)
        try:
            shapes, shape = self.trial.infer(op, tuple(node.shape for node in inputs), len(self.nodes))
        except (ShapeError, NoNumber) as error:
            raise RewriteError(f"after the rewrite `{draft.path}` does not fit: {error}", draft, error.hint) from None
        self._try(draft, op, shapes, shape)
        reuse = self._lender(draft) if draft.reuse is not None else None
        in_modules = draft.scope.old.kind in ("sequence", "branch", "merge")
        is_module = draft.counted and reuse is None and (draft.named or in_modules or bool(op.weights(shapes)))
        node = replace(
            like, op=op, inputs=tuple(node.index for node in inputs), shape=shape, scope=scope, name=draft.name,
            path=draft.path, label=draft.label, named=draft.named, counted=draft.counted, is_module=is_module,
            reuse=reuse, pinned=shapes if op.pins else None,
        )  # fmt: skip
        return self._add(draft, node)

    def _lender(self, draft: DraftNode) -> Node:
        """The node whose weights another one reuses; both must still have the same op."""
        assert draft.reuse is not None
        lender = self.new.get(draft.reuse)
        if lender is None:
            raise RewriteError(
                f"`{draft.path}` reuses the weights of `{draft.reuse.path}`, which would be removed", draft
            )
        assert draft.op is not None
        assert lender.op is not None
        if not shares(draft.op, lender.op, tuple(node.shape for node in map(self.nodes.__getitem__, lender.inputs))):
            raise RewriteError(
                f"`{draft.path}` reuses the weights of `{lender.path}`, so both must stay the same", draft
            )
        return lender

    def _try(self, draft: DraftNode, op: Op, shapes: tuple[Shape, ...], shape: Shape) -> None:
        """Try the op at the spec's own sizes."""
        failing = self.trial.failing(op, shapes, len(self.nodes))
        if failing:
            said = complaint(failing[0], self.trial.evaluation)
            raise RewriteError(f"after the rewrite the sizes at `{draft.path}` do not fit: {said}", draft)
        if self.trial.is_empty(shape):
            raise RewriteError(
                f"after the rewrite the output of `{draft.path}` is empty: {' × '.join(map(text, shape.dims))}", draft
            )

    # -- weights and names -------------------------------------------------------------------------------------------

    def _stage(self, root: Scope) -> Stage:
        """The mapping from new keys to old ones, for nodes that remain and keep the shapes of their tensors."""
        draft = self.draft
        kept: dict[str, str] = {}
        made: dict[str, tuple[tuple[str, ...], Make]] = {}
        fresh: set[str] = set()
        for one in draft.nodes():
            node = self.new[one]
            if one.reuse is not None:
                continue
            olds = {} if one.old is None or one in draft.fresh else _tensors(draft.graph.nodes, one.old)
            for name, shape in _tensors(self.nodes, node).items():
                key = _key(node, name)
                if (one, name) in draft.made:
                    made[key] = draft.made[one, name]
                elif one.old is not None and olds.get(name) == shape:
                    kept[key] = _key(one.old, name)
                else:
                    fresh.add(key)
        lost = frozenset(_names(draft.graph.root)) - set(_names(root))
        return Stage(self.name, kept, made, frozenset(fresh), lost, tuple(draft.notes))


def _tensors(nodes: list[Node], node: Node) -> dict[str, Any]:
    """Shapes of a node's tensors by name."""
    assert node.op is not None
    shapes = node.pinned or tuple(nodes[index].shape for index in node.inputs)
    return {weight.name: weight.shape for weight in node.op.weights(shapes)}


def _key(node: Node, name: str) -> str:
    return f"{node.path}.{name}" if name else node.path


def _names(root: Scope) -> Iterator[str]:
    """Names that can be read from outside: labels, and paths of named steps and scopes."""
    stack = [root]
    while stack:
        scope = stack.pop()
        for item in scope.items:
            if isinstance(item, Scope):
                stack.append(item)
                yield item.path
            else:
                if item.label is not None:
                    yield item.label
                if item.named:
                    yield item.path
