"""Removal of a step or a block."""

from __future__ import annotations

from typing import ClassVar

from archspec.rewrites.common.chosen import OfChosen
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode, DraftScope


class Remove(OfChosen):
    """Remove a step or a whole block: ``{remove: pool5}``, as dilated networks do with VGG's last pools.

    Its readers read its input instead.  The numbers of other steps do not change, so all other weights keep their keys.
    An auxiliary head, which only an output of training reads, is removed together with that output.
    ``{remove: {block: squeeze_excite}}`` removes every use of a block.
    """

    keyword: ClassVar[str] = "remove"

    def apply(self, draft: Draft) -> None:
        """Remove each step; raises RewriteError if its input cannot replace it."""
        for what in self.chosen(draft):
            if isinstance(what, DraftScope):
                _remove_scope(draft, what)
            else:
                _remove_node(draft, what)


def _remove_node(draft: Draft, node: DraftNode) -> None:
    if node.op is None:
        raise RewriteError(f"`{node.path}` is an input", node)
    if len(node.inputs) != 1:
        count = "nothing" if not node.inputs else f"{len(node.inputs)} values"
        raise RewriteError(f"`{node.path}` reads {count}, and none of them can replace it", node)
    if node not in node.scope.items:
        raise RewriteError(f"`{node.path}` is removed already", node)
    _drop_training_outputs(draft, [node])
    draft.remove(node)


def _remove_scope(draft: Draft, scope: DraftScope) -> None:
    if scope.parent is None or scope not in scope.parent.items:
        raise RewriteError(f"`{scope.path}` is removed already")
    inside = dict.fromkeys(scope.nodes())
    sources = {one for node in inside for one in node.inputs if one not in inside}
    _drop_training_outputs(draft, list(inside))
    for node in inside:
        readers = [reader for reader in node.readers if reader not in inside]
        if node is not scope.output and (readers or any(one is node for _, one in draft.outputs)):
            who = f"`{readers[0].path}` reads it" if readers else "it is an output"
            raise RewriteError(f"`{node.path}` inside `{scope.path}` would be removed, but {who}", node)
    output = scope.output
    if output is not None and output in inside:
        if len(sources) != 1:
            raise RewriteError(f"`{scope.path}` reads {len(sources)} values, and none of them can replace it", output)
        (source,) = sources
        draft.hand_over_label(output, source)
        draft.redirect(output, source)
    draft.drop(scope)


def _drop_training_outputs(draft: Draft, nodes: list[DraftNode]) -> None:
    """Remove the training outputs that are read from inside an auxiliary head."""
    gone = set(nodes)
    reads_on = any(reader not in gone for node in nodes for reader in node.readers)
    if not reads_on:
        draft.outputs = [(output, one) for output, one in draft.outputs if not (output.training and one in gone)]
