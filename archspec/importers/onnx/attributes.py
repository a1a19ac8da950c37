"""What ONNX's operators must be given: their inputs and attributes are checked before anything reads them."""

from __future__ import annotations

from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.onnx.messages import Node, Stored

_WHOLE = (
    "allowzero", "antialias", "axis", "blocksize", "ceil_mode", "count_include_pad", "end", "exclude_outside", "group",
    "keepdims", "noop_with_empty_axes", "num_groups", "num_outputs", "size", "start", "to", "training_mode",
    "transA", "transB", "value_int",
)  # fmt: skip
_WHOLES = (
    "axes", "dilations", "ends", "kernel_shape", "output_padding", "output_shape", "pads", "perm", "split", "starts",
    "steps", "strides", "value_ints",
)  # fmt: skip
_NUMBER = (
    "alpha",
    "beta",
    "bias",
    "cubic_coeff_a",
    "epsilon",
    "gamma",
    "max",
    "min",
    "momentum",
    "ratio",
    "value_float",
)
_NUMBERS = ("scales", "value_floats")
_TEXT = ("approximate", "auto_pad", "coordinate_transformation_mode", "mode", "nearest_mode")
_KINDS = {
    **dict.fromkeys(_WHOLE, "a whole number"),
    **dict.fromkeys(_WHOLES, "a list of whole numbers"),
    **dict.fromkeys(_NUMBER, "a number"),
    **dict.fromkeys(_NUMBERS, "a list of numbers"),
    **dict.fromkeys(_TEXT, "a text"),
    "value": "a tensor or a number",
}
"""What each attribute is; its name means the same in every operator that the importer knows."""
_REQUIRED = {
    "Cast": ("to",), "Concat": ("axis",), "DepthToSpace": ("blocksize",), "GroupNormalization": ("num_groups",),
    "LRN": ("size",),
}  # fmt: skip
"""The attributes without which an operator means nothing."""


_FEWEST = {
    "Constant": 0, "BatchNormalization": 5, "Range": 3, "Where": 3,
    **dict.fromkeys(("GroupNormalization", "InstanceNormalization"), 3),
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "LayerNormalization", "MatMul", "PRelu"), 2),
    **dict.fromkeys(("Add", "Div", "Equal", "Expand", "Gather", "Mul", "Pow", "Reshape", "Sub"), 2),
}  # fmt: skip
"""The fewest inputs of each operator; 1 for the others."""
_MOST = {
    "Constant": 0, "Where": 3, "Range": 3,
    **dict.fromkeys(("Add", "Div", "Equal", "Expand", "Gather", "Mul", "Pow", "Reshape", "Sub"), 2),
    **dict.fromkeys(("Abs", "Cast", "Ceil", "Floor", "Identity", "Neg", "Relu", "Shape", "Sigmoid", "Sqrt", "Tanh"), 1),
}  # fmt: skip
"""The most inputs of each operator; any number for the others."""


def check(node: Node) -> None:
    """Raise :class:`Fault` where a standard operator lacks an input or an attribute, or one is not what it must be."""
    if node.domain not in ("", "ai.onnx"):
        return
    fewest, most = _FEWEST.get(node.op, 1), _MOST.get(node.op)
    if not all(node.inputs[:fewest]) or len(node.inputs) < fewest:
        raise Fault("wrong-value", f"{node.shown}: it needs {fewest} input{'s' * (fewest != 1)}")
    if most is not None and len(node.inputs) > most:
        raise Fault("wrong-value", f"{node.shown}: it takes at most {most} input{'s' * (most != 1)}")
    for name in _REQUIRED.get(node.op, ()):
        if name not in node.attributes:
            raise Fault("wrong-value", f"{node.shown}: `{name}` is missing")
    for name, value in node.attributes.items():
        kind = _KINDS.get(name)
        if kind is not None and not _is(kind, value):
            raise Fault("wrong-value", f"{node.shown}: `{name}` must be {kind}")


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "a whole number":
            return type(value) is int
        case "a number":
            return _finite(value)
        case "a text":
            return isinstance(value, str)
        case "a list of whole numbers":
            return isinstance(value, list) and all(type(one) is int for one in value)
        case "a list of numbers":
            return isinstance(value, list) and all(map(_finite, value))
        case _:
            return isinstance(value, Stored) or _finite(value)


def _finite(value: Any) -> bool:
    return type(value) in (int, float) and value - value == 0
