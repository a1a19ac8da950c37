"""ONNX's elementwise operators, and those along the channels."""

from __future__ import annotations

from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.onnx.lowering import Lowering, Rule, refuse
from archspec.importers.onnx.messages import Node
from archspec.importers.onnx.values import Known, Value


def _plain(op: str) -> Rule:
    return lambda lowering, node: lowering.add(op, [lowering.step(node)])


def _leaky(lowering: Lowering, node: Node) -> Value:
    return lowering.add("leaky_relu", [lowering.step(node)], negative_slope=node.attributes.get("alpha", 0.01))


def _elu(lowering: Lowering, node: Node) -> Value:
    return lowering.add("elu", [lowering.step(node)], alpha=_number(node.attributes.get("alpha", 1.0)))


def _hardsigmoid(lowering: Lowering, node: Node) -> Value:
    given = node.attributes
    alpha, beta = given.get("alpha", 0.2), given.get("beta", 0.5)
    value = lowering.step(node)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return lowering.add("hardsigmoid", [value])
    value = lowering.add("scale", [value], by=alpha).number
    value = lowering.add("shift", [value], by=beta).number
    return lowering.add("clamp", [value], min=0, max=1)


def _selu(lowering: Lowering, node: Node) -> Value:
    given = node.attributes
    if abs(given.get("alpha", 1.67326) - 1.67326) > 1e-4 or abs(given.get("gamma", 1.0507) - 1.0507) > 1e-4:
        raise refuse("only the standard factors are supported")
    return lowering.add("selu", [lowering.step(node)])


def _gelu(lowering: Lowering, node: Node) -> Value:
    return lowering.add("gelu", [lowering.step(node)], approximate=node.attributes.get("approximate", "none"))


def _clip(lowering: Lowering, node: Node) -> Value:
    """A clamp; its bounds are attributes up to opset 10, and inputs from 11 on."""
    bounds: dict[str, Any] = {}
    for at, name in enumerate(("min", "max"), 1):
        found = lowering.numbers(node, at)
        bound = found.scalar if found is not None else node.attributes.get(name)
        if found is not None and bound is None:
            raise Fault("wrong-value", f"`{name}` must be a single number")
        if bound is not None and abs(bound) < 3e38:
            bounds[name] = _number(bound)
    value = lowering.given(node)
    if isinstance(value, Known):
        least, most = bounds.get("min", float("-inf")), bounds.get("max", float("inf"))
        return Known(value.dims, [one if least <= one <= most else min(max(one, least), most) for one in value.values])
    source = lowering.step(node)
    if bounds == {"min": 0, "max": 6}:
        return lowering.add("relu6", [source])
    if bounds == {"min": 0}:
        return lowering.add("relu", [source])
    return lowering.add("clamp", [source], **bounds) if bounds else value


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _along(op: str) -> Rule:
    """A softmax; before opset 13 it is over all axes from ``axis`` on together."""

    def rule(lowering: Lowering, node: Node) -> Value:
        value = lowering.step(node)
        axes = lowering.assembly.shapes[value].axes
        at = node.attributes.get("axis", -1 if lowering.opset >= 13 else 1)
        at = at - 1 if at > 0 else at + len(axes)
        if not 0 <= at < len(axes):
            raise refuse("the batch axis is not supported")
        if lowering.opset < 13 and at != len(axes) - 1:
            raise refuse("several axes together are not supported")
        return lowering.add(op, [value], axis=axes[at])

    return rule


def _same(lowering: Lowering, node: Node) -> Value:
    return lowering.given(node)


def _dropout(lowering: Lowering, node: Node) -> Value:
    ratio = lowering.numbers(node, 1)
    p = ratio.scalar if ratio is not None else node.attributes.get("ratio", 0.5)
    return lowering.add("dropout", [lowering.step(node)], p=p)


RULES: dict[str, Rule] = {
    "Abs": _plain("abs"),
    "Clip": _clip,
    "Dropout": _dropout,
    "Elu": _elu,
    "Gelu": _gelu,
    "HardSigmoid": _hardsigmoid,
    "HardSwish": _plain("hardswish"),
    "Identity": _same,
    "LeakyRelu": _leaky,
    "LogSoftmax": _along("log_softmax"),
    "Mish": _plain("mish"),
    "Relu": _plain("relu"),
    "Selu": _selu,
    "Sigmoid": _plain("sigmoid"),
    "Silu": _plain("silu"),
    "Softmax": _along("softmax"),
    "Softplus": _plain("softplus"),
    "Swish": _plain("silu"),
    "Tanh": _plain("tanh"),
}
"""The translation rule of each operator; ``Silu`` is a product with its own sigmoid."""
