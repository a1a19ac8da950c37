"""Translates ONNX's operators with windows or weights, by the operators' definitions."""

from __future__ import annotations

from math import prod
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.onnx.lowering import Lowering, Rule, refuse
from archspec.importers.onnx.messages import Node, Stored
from archspec.importers.onnx.values import Step
from archspec.ops.common.windows import fitted


def _numbers(node: Node, name: str, rank: int, usual: int, least: int = 0) -> list[int]:
    """An attribute with a number for each axis; raises :class:`Fault`."""
    found = node.attributes.get(name) or [usual] * rank
    if len(found) != rank or any(type(one) is not int or one < least for one in found):
        raise Fault("wrong-value", f"`{name}` must be {rank} whole numbers of at least {least}")
    return found


def _collapsed(values: list[Any]) -> Any:
    return values[0] if all(value == values[0] for value in values) else values


def _way(node: Node) -> str:
    """How a window is padded, by ``auto_pad``; raises :class:`Fault`."""
    way = node.attributes.get("auto_pad", "NOTSET")
    if way not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise Fault("wrong-value", "`auto_pad` must be NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    return way


def _written(node: Node, way: str, rank: int) -> list[list[int]]:
    """The rows that ``pads`` gives, before and after on each axis; none for ``VALID``."""
    pads = _numbers(node, "pads", 2 * rank, 0) if way == "NOTSET" else [0] * (2 * rank)
    return [[pads[axis], pads[axis + rank]] for axis in range(rank)]


def _padding(lowering: Lowering, node: Node, source: int, kernel: list[int]) -> Any:
    """``pads`` or ``auto_pad`` as our padding: a number, one for each axis, pairs, or ``same``."""
    rank, way = lowering.rank(source), _way(node)
    if way == "SAME_UPPER":
        return "same"
    sides = _written(node, way, rank)
    if way == "SAME_LOWER":
        strides = _numbers(node, "strides", rank, 1, 1)
        dilations = _numbers(node, "dilations", rank, 1, 1)
        sizes = [int(size) for size in lowering.dims(source)[2:]]
        sides = [
            list(fitted(size, k, s, d))[::-1] for size, k, s, d in zip(sizes, kernel, strides, dilations, strict=True)
        ]
        if any(stride != 1 for stride in strides):
            lowering.assembly.pinned = True  # the padding holds at these sizes only
    if all(before == after for before, after in sides):
        return _collapsed([before for before, _ in sides])
    return sides


def _windows(lowering: Lowering, node: Node, source: int, kernel: list[int]) -> dict[str, Any]:
    rank = lowering.rank(source)
    if len(kernel) != rank or not 1 <= rank <= 3:
        raise Fault("shape-mismatch", f"a window of {len(kernel)} axes on a map of {rank}")
    return {
        "kernel": _collapsed(kernel),
        "stride": _collapsed(_numbers(node, "strides", rank, 1, 1)),
        "padding": _padding(lowering, node, source, kernel),
        "dilation": _collapsed(_numbers(node, "dilations", rank, 1, 1)),
    }


def _bias(lowering: Lowering, node: Node, at: int, features: int) -> dict[str, Stored]:
    """The tensor of a bias; none if the node has none; raises :class:`Fault`."""
    if lowering.value(node, at) is None:
        return {}
    found = lowering.weight(node, at)
    if [size for size in found.dims if size != 1] != ([features] if features != 1 else []):
        raise Fault("shape-mismatch", f"a bias of shape {list(found.dims)} for {features} outputs")
    return {"bias": found}


def _conv(lowering: Lowering, node: Node) -> Step:
    source, weight = lowering.step(node), lowering.weight(node, 1)
    if len(weight.dims) < 3 or min(weight.dims) < 1:
        raise Fault("shape-mismatch", f"a kernel of shape {list(weight.dims)}")
    channels, _, *kernel = weight.dims
    bias = _bias(lowering, node, 2, channels)
    groups = node.attributes.get("group", 1)
    arguments = {"channels": channels, "groups": groups, "bias": bool(bias)}
    _hold(weight, (channels, lowering.assembly.channels(source) // max(groups, 1), *kernel))
    return lowering.learnt(
        "conv", [source], {"weight": weight, **bias}, **arguments, **_windows(lowering, node, source, kernel)
    )


def _hold(weight: Stored, wanted: tuple[int, ...]) -> None:
    if weight.dims != wanted:
        raise Fault("shape-mismatch", f"weights of shape {list(weight.dims)}, not {list(wanted)}")


def _conv_transpose(lowering: Lowering, node: Node) -> Step:
    source, weight = lowering.step(node), lowering.weight(node, 1)
    if len(weight.dims) < 3 or min(weight.dims) < 1:
        raise Fault("shape-mismatch", f"a kernel of shape {list(weight.dims)}")
    groups = node.attributes.get("group", 1)
    channels, kernel, rank = weight.dims[1] * groups, list(weight.dims[2:]), lowering.rank(source)
    if len(kernel) != rank or rank > 3:
        raise Fault("shape-mismatch", f"a kernel of shape {list(weight.dims)} for a map of {rank} axes")
    bias = _bias(lowering, node, 2, channels)
    stride, dilation = _numbers(node, "strides", rank, 1, 1), _numbers(node, "dilations", rank, 1, 1)
    reach = [step * (size - 1) + 1 for step, size in zip(dilation, kernel, strict=True)]
    cut, extra = _transposed_sides(lowering, node, source, stride, reach)
    # Rows cut at the start alone are padding of both sides with the end's rows added back; what that leaves is cropped.
    padding, over = [], []
    for axis, (before, after) in enumerate(cut):
        added = extra[axis] + before - after
        whole = 0 <= added < max(stride[axis], dilation[axis])
        padding.append(before if whole else min(before, after))
        extra[axis] = added if whole else extra[axis]
        over.append([0, 0] if whole else [before - padding[axis], after - padding[axis]])
    made = lowering.learnt(
        "conv_transpose", [source], {"weight": weight, **bias}, channels=channels, kernel=_collapsed(kernel),
        stride=_collapsed(stride), padding=_collapsed(padding), output_padding=_collapsed(extra),
        dilation=_collapsed(dilation), groups=groups, bias=bool(bias),
    )  # fmt: skip
    return lowering.add("crop", [made.number], amount=over) if any(map(any, over)) else made


def _transposed_sides(
    lowering: Lowering, node: Node, source: int, stride: list[int], reach: list[int]
) -> tuple[list[list[int]], list[int]]:
    """The rows cut from a transposed convolution's output at each end, and those added at its end, by axis.

    ONNX gives the cut, or the output's size, from which the cut follows: ``output_shape``, or ``auto_pad`` with
    n·stride rows out of n.  The odd row is cut at the end for ``SAME_UPPER`` and at the start otherwise.
    """
    rank = lowering.rank(source)
    extra, way = _numbers(node, "output_padding", rank, 0), _way(node)
    wanted = node.attributes.get("output_shape")
    if not wanted and not way.startswith("SAME"):
        return _written(node, way, rank), extra
    over = [more + field - step for more, field, step in zip(extra, reach, stride, strict=True)]
    if wanted:
        sizes = [int(size) for size in lowering.dims(source)[2:]]
        rows = _numbers(node, "output_shape", rank, 0, 1)
        over = [each + step * size - row for each, step, size, row in zip(over, stride, sizes, rows, strict=True)]
        lowering.assembly.pinned = True  # the file's size holds for its own input only
    extra = [more + max(0, -each) for more, each in zip(extra, over, strict=True)]
    sides = [[max(0, each) // 2, (max(0, each) + 1) // 2] for each in over]
    return sides if way == "SAME_UPPER" else [side[::-1] for side in sides], extra


def _pool(op: str) -> Rule:
    def rule(lowering: Lowering, node: Node) -> Step:
        source = lowering.step(node)
        if len(node.outputs) > 1 and node.outputs[1]:
            raise refuse("the indices of the maxima are not supported")
        windows = _windows(lowering, node, source, _numbers(node, "kernel_shape", lowering.rank(source), 0, 1))
        ceil = bool(node.attributes.get("ceil_mode", 0))
        if op == "max_pool":
            return lowering.add(op, [source], ceil=ceil, **windows)
        if windows.pop("dilation") != 1:
            raise refuse("dilation is not supported")
        padded = windows["padding"] != 0
        counted = bool(node.attributes.get("count_include_pad", 0)) or not padded
        return lowering.add(op, [source], ceil=ceil, count_include_pad=counted, **windows)

    return rule


def _batch_norm(lowering: Lowering, node: Node) -> Step:
    if node.attributes.get("training_mode", 0) or len([name for name in node.outputs if name]) > 1:
        raise refuse("batch statistics, as in training, are not supported")
    source = lowering.step(node)
    names = ("weight", "bias", "running_mean", "running_var")
    tensors = {name: lowering.weight(node, at) for at, name in enumerate(names, 1)}
    channels = lowering.assembly.channels(source)
    for tensor in tensors.values():
        _hold(tensor, (channels,))
    momentum = round(1 - node.attributes.get("momentum", 0.9), 7)
    return lowering.learnt("batch_norm", [source], tensors, eps=node.attributes.get("epsilon", 1e-5), momentum=momentum)


def _instance_norm(lowering: Lowering, node: Node) -> Step:
    source = lowering.step(node)
    tensors = {name: lowering.weight(node, at) for at, name in enumerate(("weight", "bias"), 1)}
    eps = node.attributes.get("epsilon", 1e-5)
    return lowering.learnt("instance_norm", [source], tensors, eps=eps, affine=True)


def _group_norm(lowering: Lowering, node: Node) -> Step:
    source = lowering.step(node)
    tensors = {name: lowering.weight(node, at) for at, name in enumerate(("weight", "bias"), 1)}
    groups, eps = node.attributes["num_groups"], node.attributes.get("epsilon", 1e-5)
    if prod(tensors["weight"].dims) != lowering.assembly.channels(source):
        raise refuse("a scale for each group is not supported, only one for each channel")
    return lowering.learnt("group_norm", [source], tensors, groups=groups, eps=eps)


def _layer_norm(lowering: Lowering, node: Node) -> Step:
    source = lowering.step(node)
    shape = lowering.assembly.shapes[source]
    at = node.attributes.get("axis", -1)
    at = at - 1 if at > 0 else at + len(shape.axes)
    tensors = {"weight": lowering.weight(node, 1)}
    if lowering.value(node, 2) is None:
        raise refuse("a scale without a shift is not supported")
    tensors["bias"] = lowering.weight(node, 2)
    axes, eps = shape.axes[at:], node.attributes.get("epsilon", 1e-5)
    return lowering.learnt("layer_norm", [source], tensors, axes=axes, eps=eps)


def _linear(lowering: Lowering, node: Node) -> Step:
    """``Gemm`` and ``MatMul`` with a matrix of the file, and the bias that is added to it."""
    source, weight = lowering.step(node), lowering.weight(node, 1)
    given = node.attributes
    if given.get("transA", 0) or given.get("alpha", 1.0) != 1 or given.get("beta", 1.0) != 1:
        raise refuse("`transA`, `alpha` and `beta` are not supported")
    if len(weight.dims) != 2:
        raise refuse(f"its weights must have 2 axes, not {len(weight.dims)}")
    lying = not given.get("transB", 0)
    features = weight.dims[1 if lying else 0]
    width = lowering.dims(source)[-1]
    if width != weight.dims[0 if lying else 1]:
        raise Fault("shape-mismatch", f"weights of shape {list(weight.dims)} for {width} numbers")
    bias = _bias(lowering, node, 2, features)
    return lowering.learnt(
        "linear", [source], {"weight": weight, **bias}, ("weight",) if lying else (), features=features, bias=bool(bias)
    )


def _prelu(lowering: Lowering, node: Node) -> Step:
    source, weight = lowering.step(node), lowering.weight(node, 1)
    sizes = [size for size in weight.dims if size != 1]
    channels = lowering.assembly.channels(source)
    if sizes not in ([], [channels]):
        raise refuse(f"slopes of shape {list(weight.dims)} for {channels} channels are not supported")
    return lowering.learnt("prelu", [source], {"weight": weight}, per_channel=bool(sizes) or channels == 1)


def _lrn(lowering: Lowering, node: Node) -> Step:
    given = node.attributes
    size = given["size"]
    if size % 2 == 0:
        raise refuse("an even number of channels is not supported")
    return lowering.add(
        "lrn", [lowering.step(node)], size=size, alpha=given.get("alpha", 1e-4), beta=given.get("beta", 0.75),
        k=given.get("bias", 1.0),
    )  # fmt: skip


RULES: dict[str, Rule] = {
    "AveragePool": _pool("avg_pool"),
    "BatchNormalization": _batch_norm,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _linear,
    "GroupNormalization": _group_norm,
    "InstanceNormalization": _instance_norm,
    "LRN": _lrn,
    "LayerNormalization": _layer_norm,
    "Linear": _linear,
    "MatMul": _linear,
    "MaxPool": _pool("max_pool"),
    "PRelu": _prelu,
}
"""The translation rule of each operator; ``Linear`` is a ``MatMul`` with the bias after it."""

WEIGHTS = {
    "BatchNormalization": 1, "Conv": 1, "ConvTranspose": 1, "Gemm": 1, "GroupNormalization": 1,
    "InstanceNormalization": 1, "LayerNormalization": 1, "Linear": 1, "MatMul": 1, "PRelu": 1,
}  # fmt: skip
"""The index of each operator's input whose tensor name tells its module."""
