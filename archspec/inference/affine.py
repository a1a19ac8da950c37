"""Batch norm before an activation, as in pre-activation networks: its scale goes forward into the next layer.

With s and b for each channel, relu(s·x + b) = s·clip(x) + b: where s > 0 the clip is from −b/s on, where s < 0 up to
−b/s, and where s = 0 the value is max(b, 0), whatever x is.  The next layer is linear, so it takes in s and b, and only
the clip is left of two passes over the map.  What lies between, an average or a flatten, must keep a constant as it is.
"""

from __future__ import annotations

from archspec.inference.merging import means_alone
from archspec.inference.nodes import beside, is_output, is_own
from archspec.inference.operations import Clip, FusedConv, FusedLinear
from archspec.ops.batch_norm import BatchNorm
from archspec.ops.common.spatial import Windows
from archspec.ops.flatten import Flatten
from archspec.ops.global_avg_pool import GlobalAvgPool
from archspec.ops.relu import Relu
from archspec.rewrites import Draft, DraftNode


def fold_affine(draft: Draft) -> None:
    """Fold each batch norm with a ReLU after it into the layer that reads the two."""
    for norm in list(draft.nodes()):
        if type(norm.op) is not BatchNorm or not norm.op.track_running_stats or not is_own(draft, norm):
            continue
        relu = _only_reader(draft, norm)
        if relu is None or type(relu.op) is not Relu:
            continue
        layer = _layer(draft, relu)
        if layer is None or not isinstance(layer.op, FusedConv | FusedLinear):
            continue
        taken = {"before": beside(layer, norm), "before_eps": norm.op.eps}
        draft.set(layer, layer.op.model_copy(update=taken))
        draft.set(norm, Clip(init=None, eps=norm.op.eps))
        draft.remove(relu)


def _only_reader(draft: Draft, node: DraftNode) -> DraftNode | None:
    return node.readers[0] if len(node.readers) == 1 and not is_output(draft, node) else None


def _layer(draft: Draft, node: DraftNode) -> DraftNode | None:
    """The layer that alone reads a node, through averages and a flatten; None if it cannot take in a constant."""
    flat = False
    reader = _only_reader(draft, node)
    while reader is not None and (means_alone(reader) or type(reader.op) in (GlobalAvgPool, Flatten)):
        if type(reader.op) is Flatten:
            if reader.op.start is not None or flat:
                return None
            flat = True
        reader = _only_reader(draft, reader)
    if reader is None or not isinstance(reader.op, FusedConv | FusedLinear) or reader.op.before:
        return None
    if isinstance(reader.op, FusedLinear):
        return reader if flat and reader.shape.axes == ("channels",) else None
    return reader if not flat and _unpadded(reader, reader.op) else None


def _unpadded(node: DraftNode, op: FusedConv) -> bool:
    windows = Windows.of(node.shapes_in[0].spatial, op.kernel, op.stride, op.padding, op.dilation)
    return op.groups == 1 and not any(sum(sides) for sides in windows.padding) and not any(windows.by_size)
