"""Steps that become one call with the layer before them, and average pooling before a 1×1 convolution."""

from __future__ import annotations

from archspec.inference.nodes import is_output
from archspec.inference.operations import FusedConv, FusedLinear
from archspec.ops.add import Add
from archspec.ops.avg_pool import AvgPool
from archspec.ops.common.spatial import Windows
from archspec.rewrites import Draft, DraftNode

ACTIVATIONS = {
    "none": '("none", [], "")',
    "relu": '("relu", [], "")',
    "relu6": '("hardtanh", [0.0, 6.0], "")',
    "sigmoid": '("sigmoid", [], "")',
    "tanh": '("tanh", [], "")',
    "silu": '("swish", [], "")',
    "hardswish": '("hardswish", [], "")',
    "hardsigmoid": '("hardsigmoid", [], "")',
}
"""The activations that oneDNN computes with a layer, by their names here and in ``F``: how torch's call says it."""

AFTER_A_SUM = ("relu",)
"""Those that it computes after a sum."""


def fuse_sums(draft: Draft) -> None:
    """Add the other branch in the call of a convolution that only the sum reads.

    Of several such convolutions it is one beside the sum, which can wait until the other branch is there; otherwise
    the one that runs last, so that nothing has to wait.
    """
    order = {node: place for place, node in enumerate(draft.nodes())}
    for total in list(draft.nodes()):
        if type(total.op) is not Add or len(total.inputs) != 2 or total.inputs[0] is total.inputs[1]:
            continue
        if any(one.shape.dims != total.shape.dims or not one.shape.batched for one in total.inputs):
            continue
        fit = [one for one in total.inputs if _can_sum(draft, one, total)]
        near = [one for one in fit if one.scope is total.scope]
        last = max(total.inputs, key=lambda one: order.get(one, -1))
        if near:
            conv = max(near, key=lambda one: order[one])
            _move_before(conv, total)
        elif last in fit:
            conv = last
        else:
            continue
        (other,) = (one for one in total.inputs if one is not conv)
        _sum(draft, conv, other, total)


def _can_sum(draft: Draft, node: DraftNode, total: DraftNode) -> bool:
    op = node.op
    plain = isinstance(op, FusedConv) and op.activation == "none" and not op.sums
    return plain and node.readers == [total] and not is_output(draft, node)


def _move_before(node: DraftNode, other: DraftNode) -> None:
    items = node.scope.items
    items.remove(node)
    items.insert(items.index(other), node)


def _sum(draft: Draft, conv: DraftNode, other: DraftNode, total: DraftNode) -> None:
    assert isinstance(conv.op, FusedConv)
    draft.set(conv, conv.op.model_copy(update={"sums": True}))
    conv.inputs = [*conv.inputs, other]
    conv.readers = []
    other.readers[other.readers.index(total)] = conv
    draft.hand_over_label(total, conv)
    draft.redirect(total, conv)
    total.scope.items.remove(total)


def fuse_activations(draft: Draft) -> None:
    """An activation that alone reads a layer is computed with it, where oneDNN has it."""
    for node in list(draft.nodes()):
        name = node.op.keyword if node.op is not None else ""
        if name not in ACTIVATIONS:
            continue
        (layer,) = node.inputs
        if not isinstance(layer.op, FusedConv | FusedLinear) or layer.op.activation != "none":
            continue
        summed = isinstance(layer.op, FusedConv) and layer.op.sums
        if layer.readers != [node] or is_output(draft, layer) or (summed and name not in AFTER_A_SUM):
            continue
        draft.set(layer, layer.op.model_copy(update={"activation": name}))
        draft.remove(node)


def means_alone(node: DraftNode) -> bool:
    """Whether a step averages values of the map only: no zeros of a padding count."""
    op = node.op
    if type(op) is not AvgPool:
        return False
    windows = Windows.of(node.shapes_in[0].spatial, op.kernel, op.stride, op.padding, 1, op.ceil, pooling=True)
    return not windows.laid_on and not any(sum(sides) for sides in windows.padding)


def pool_first(draft: Draft) -> None:
    """Average before a 1×1 convolution and not after it: the two commute, and fewer positions are left to compute."""
    for pool in list(draft.nodes()):
        if not means_alone(pool):
            continue
        (conv,) = pool.inputs
        op = conv.op
        if not isinstance(op, FusedConv) or op.activation != "none" or op.sums or not _is_pointwise(op):
            continue
        if conv.readers != [pool] or is_output(draft, conv) or conv.scope is not pool.scope:
            continue
        (source,) = conv.inputs
        draft.redirect(pool, conv)
        conv.readers.remove(pool)
        source.readers[source.readers.index(conv)] = pool
        pool.inputs, conv.inputs = [source], [pool]
        pool.readers = [conv]
        _move_before(pool, conv)


def _is_pointwise(op: FusedConv) -> bool:
    def each(value: object, wanted: int) -> bool:
        return all(one == wanted for one in (value if isinstance(value, tuple) else (value,)))

    return each(op.kernel, 1) and each(op.stride, 1) and op.padding in (0, "same", (0, 0), ((0, 0), (0, 0)))
