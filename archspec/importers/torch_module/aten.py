"""Translates operators of exported programs: the rules of the functions that they are the bodies of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from archspec.importers.torch_module import shapes
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import Lowering, Rule
from archspec.importers.torch_module.trace import Call

PREFIX = "aten."
_HOMES = ("torch.nn.functional.", "torch.", "torch.Tensor.", "torch._C._nn.")
_OTHERS = {"feature_dropout": "dropout2d", "hardtanh": "clamp"}
"""Operators with another name than their function."""
ARGUMENTS: dict[str, Sequence[str]] = {
    "batch_norm": ("input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps", ""),
    "layer_norm": ("input", "normalized_shape", "weight", "bias", "eps", ""),
    "group_norm": ("input", "num_groups", "weight", "bias", "eps", ""),
    "dropout": ("input", "p", "training"),
    "feature_dropout": ("input", "p", "training"),
    "upsample_nearest2d": ("input", "size", "scale_factor"),
    "upsample_bilinear2d": ("input", "size", "align_corners", "scale_factor"),
}
"""The names of arguments of operators whose order is not their function's; without a name it makes no difference."""


def rule_of(rules: Mapping[str, Rule], what: str) -> Rule | None:
    """The rule for an operator, such as ``aten.conv2d.default``; None without one."""
    if not what.startswith(PREFIX):
        return None
    name = what.split(".")[1].rstrip("_")
    own = _OWN.get(name)
    if own is not None:
        return own
    word = _OTHERS.get(name, name)
    word = "interpolate" if name.startswith("upsample_") else word
    found = next((rules[home + word] for home in _HOMES if home + word in rules), None)
    if found is None or name not in ARGUMENTS:
        return found
    return lambda lowering, call: found(lowering, _named(call, name))


def _named(call: Call, name: str) -> Call:
    """A call with its arguments by name."""
    names = ARGUMENTS[name]
    given = {key: value for key, value in zip(names, call.arguments, strict=False) if key} | call.keywords
    if name.startswith("upsample_"):
        given |= {"mode": name.removeprefix("upsample_").removesuffix("2d"), "size": given.get("size")}
        scale = given.get("scale_factor")
        given["scale_factor"] = None if scale is None else tuple(scale)
    return replace(call, arguments=(), keywords=given)


def _indexed(lowering: Lowering, call: Call, index: Any) -> None:
    source, dim = call.source, call.arguments[1] if len(call.arguments) > 1 else 0
    if not isinstance(dim, int):
        raise Unknown("an axis that varies")
    at = dim % len(lowering.shape(lowering.value(source)))
    shapes.RULES["torch.Tensor.__getitem__"](
        lowering, replace(call, arguments=(source, (*(slice(None),) * at, index)), keywords={})
    )


def _select(lowering: Lowering, call: Call) -> None:
    _indexed(lowering, call, call.arguments[2])


def _slice(lowering: Lowering, call: Call) -> None:
    start, stop, step = (*call.arguments[2:], *(None,) * (5 - max(len(call.arguments), 2)))
    whole = isinstance(stop, int) and stop >= 2**31
    _indexed(lowering, call, slice(start or None, None if whole else stop, None if step == 1 else step))


_OWN: dict[str, Rule] = {"select": _select, "slice": _slice}
