"""Translates Keras's activations: layers of their own, and those named by other layers."""

from __future__ import annotations

from typing import Any

from archspec.importers.keras.common import Rule, passing, plain
from archspec.importers.keras.network import Given

ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "elu": ("elu", {}), "gelu": ("gelu", {}), "hard_silu": ("hardswish", {}), "hard_swish": ("hardswish", {}),
    "leaky_relu": ("leaky_relu", {"negative_slope": 0.2}), "log_softmax": ("log_softmax", {}), "mish": ("mish", {}),
    "relu": ("relu", {}), "relu6": ("relu6", {}), "selu": ("selu", {}), "sigmoid": ("sigmoid", {}),
    "silu": ("silu", {}), "softmax": ("softmax", {}), "softplus": ("softplus", {}), "swish": ("silu", {}),
    "tanh": ("tanh", {}), "hard_sigmoid": ("hardsigmoid", {}),
}  # fmt: skip


def activated(given: Given, value: int) -> int:
    """Add the activation that a layer's settings name."""
    settings = given.settings
    found = settings.get("activation", "linear")
    if isinstance(found, dict) and found.get("class_name") == "function":
        found = found.get("config")
    if found == "linear":
        return value
    if not isinstance(found, str) or found not in ACTIVATIONS:
        raise settings.wrong("activation", f"must be one of {', '.join(ACTIVATIONS)}")
    if found == "hard_sigmoid" and given.network.old:  # Keras 2: another slope
        value = given.add("shift", [given.add("scale", [value], by=0.2)], by=0.5)
        return given.add("clamp", [value], min=0, max=1)
    op, arguments = ACTIVATIONS[found]
    return given.add(op, [value], **arguments)


def _activation(given: Given) -> int:
    return activated(given, given.reads[0])


def _relu(given: Given) -> int:
    settings = given.settings
    most, slope = settings.get("max_value"), settings.number("negative_slope", 0.0)
    if settings.number("threshold", 0.0) != 0 or (most is not None and slope):
        raise settings.refuse("a threshold, or a slope together with a bound, is not supported")
    if most is None:
        return given.add("leaky_relu", negative_slope=slope) if slope else given.add("relu")
    bound = settings.number("max_value", 6.0)
    return given.add("relu6") if bound == 6 else given.add("clamp", min=0, max=plain(bound))


def _leaky(given: Given) -> int:
    usual = given.settings.number("alpha", 0.3)
    return given.add("leaky_relu", negative_slope=given.settings.number("negative_slope", usual))


def _elu(given: Given) -> int:
    return given.add("elu", alpha=plain(given.settings.number("alpha", 1.0)))


def _prelu(given: Given) -> int:
    shared, rank = given.settings.get("shared_axes"), given.rank()
    if rank and sorted(shared or []) != list(range(1, rank + 1)):
        raise given.settings.refuse("a slope for each number of a map is not supported")
    value = given.add("prelu", per_channel=True)
    given.keep("weight", "alpha")
    return value


def _softmax(given: Given) -> int:
    at = given.settings.get("axis", -1)
    if type(at) is not int:
        raise given.settings.wrong("axis", "must be a whole number")
    return given.add("softmax", axis=given.axis(at))


RULES: dict[str, Rule] = {
    "Activation": passing(_activation),
    "ELU": passing(_elu),
    "LeakyReLU": passing(_leaky),
    "PReLU": _prelu,
    "ReLU": passing(_relu),
    "Softmax": _softmax,
}
"""The translation rule of each layer class."""
