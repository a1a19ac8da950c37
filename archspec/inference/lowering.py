"""A network for inference from a plain one: graph to graph, each rule a function.

A module keeps its path, so that the plain form's keys say where its weights come from.
"""

from __future__ import annotations

from typing import Literal

from archspec.graph import Graph
from archspec.inference.affine import fold_affine
from archspec.inference.merging import fuse_activations, fuse_sums, pool_first
from archspec.inference.nodes import beside, is_own
from archspec.inference.operations import Entry, Exit, FusedConv, FusedLinear
from archspec.ops.batch_norm import BatchNorm
from archspec.ops.common.spatial import Windows
from archspec.ops.conv import Conv
from archspec.ops.linear import Linear
from archspec.rewrites import Draft, DraftNode, finish

Precision = Literal["f32", "bf16"]


def lowered(graph: Graph, precision: Precision = "f32") -> Graph:
    """The graph for inference; ``graph`` is not changed."""
    draft = Draft(graph)
    draft.keep_only([(output, node) for output, node in draft.outputs if not output.training])
    _remove_dropout(draft)
    _prepare_layers(draft)
    _fold_norms(draft)
    pool_first(draft)
    if precision == "f32":
        # In bfloat16 the sum s·clip(x) + b would cancel what the few bits of a bound have lost.
        fold_affine(draft)
    fuse_sums(draft)
    fuse_activations(draft)
    _enter(draft, precision)
    return finish(draft, "for_inference")


def _remove_dropout(draft: Draft) -> None:
    """Dropout is the identity in evaluation."""
    for node in list(draft.nodes()):
        if node.op is not None and node.op.kind == "dropout":
            draft.remove(node)


def _prepare_layers(draft: Draft) -> None:
    """Put layers that can take in others in the place of plain ones; nothing is initialised."""
    for node in draft.nodes():
        op = node.op
        if op is None:
            continue
        if type(op) is Conv and _is_plain(node, op) and is_own(draft, node):
            plain = op.explicit(node.shapes_in)
            given = {name: getattr(plain, name) for name in Conv.model_fields if name != "init"}
            draft.set(node, FusedConv(**given))
        elif type(op) is Linear and is_own(draft, node):
            draft.set(node, FusedLinear(init=None, features=op.features, bias=op.bias))
        elif op.init is not None:
            draft.set(node, op.model_copy(update={"init": None}))


def _is_plain(node: DraftNode, op: Conv) -> bool:
    """Whether oneDNN has the convolution as it is: over two axes, padded with zeros."""
    (shape,) = node.shapes_in
    if shape.rank != 2 or op.padding_mode != "zeros":
        return False
    return Windows.of(shape.spatial, op.kernel, op.stride, op.padding, op.dilation).symmetric


def _fold_norms(draft: Draft) -> None:
    """Each batch norm that alone reads a layer becomes a part of its weights (arXiv:1806.08342, section 3.2.2)."""
    given = {node for _, node in draft.outputs}
    for norm in list(draft.nodes()):
        if type(norm.op) is not BatchNorm or not norm.op.track_running_stats or not is_own(draft, norm):
            continue
        (layer,) = norm.inputs
        if not isinstance(layer.op, FusedConv | FusedLinear) or layer.op.norm or layer.readers != [norm]:
            continue
        if layer in given or (isinstance(layer.op, FusedLinear) and norm.shape.axes != ("channels",)):
            continue
        draft.set(layer, layer.op.model_copy(update={"norm": beside(layer, norm), "eps": norm.op.eps}))
        draft.remove(norm)


def _enter(draft: Draft, precision: Precision) -> None:
    """Lay the inputs channels last where there is a convolution to gain by it, once for all steps."""
    maps = any(isinstance(node.op, FusedConv) for node in draft.nodes())
    for source in draft.inputs:
        is_map = maps and source.shape.rank == 2 and source.shape.channels_first
        if source.readers and (is_map or precision == "bf16"):
            _after(draft, source, Entry(init=None, precision=precision, map=is_map), source.readers[0])
    if precision == "bf16":
        for node in dict.fromkeys(node for _, node in draft.outputs):
            _leave(draft, node)


def _after(draft: Draft, source: DraftNode, op: Entry, first: DraftNode) -> None:
    """Put a node between an input and all that reads it."""
    root = draft.root
    like = first.like
    node = DraftNode(op, [], root, root.free_name("laid_out"), False, False, None, source.shape, like)
    draft.redirect(source, node)
    node.inputs, source.readers = [source], [node]
    root.items.insert(0, node)


def _leave(draft: Draft, source: DraftNode) -> None:
    root = draft.root
    node = DraftNode(Exit(init=None), [], root, root.free_name("answer"), False, False, None, source.shape, source.like)
    node.label, source.label = source.label, None
    node.inputs = [source]
    source.readers.append(node)
    draft.outputs = [(output, node if one is source else one) for output, one in draft.outputs]
    if root.output is source:
        draft.give(root, node)
    root.items.append(node)
