"""Translates convolutions by a standardised weight: its mean and variance are those of a batch norm over the weight."""

from __future__ import annotations

from math import nextafter, prod
from typing import Any

from archspec.importers.torch_module import functions
from archspec.importers.torch_module.functions import bound
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import Lowering, Rule
from archspec.importers.torch_module.trace import Call, Value, Weight
from archspec.records import record


@record
class Standardised:
    """A weight that was standardised."""

    weight: Weight
    eps: float
    gain: Weight | None
    scale: float
    """What the gain is multiplied by."""


def _norm(lowering: Lowering, call: Call) -> None:
    """A batch norm, of a map or of a weight."""
    names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    given = bound(call, names, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5)
    view = _view(lowering, given["input"])
    if view is None:
        functions.batch_norm(lowering, call)
        return
    weight, shape = view
    if given["running_mean"] is not None or given["bias"] is not None or given["training"] is not True:
        raise Unknown("a weight that is normalised in another way")
    if shape != (1, weight.shape[0], prod(weight.shape[1:])):
        raise Unknown("a weight that is normalised over other axes than all inputs")
    gain, scale = _gain(lowering, given["weight"])
    _note(lowering, call.results, Standardised(weight, given["eps"], gain, scale))


def _view(lowering: Lowering, value: Any) -> tuple[Weight, tuple[int, ...]] | None:
    return lowering.views.get(value.number) if isinstance(value, Value) else None


def _gain(lowering: Lowering, value: Any) -> tuple[Weight | None, float]:
    """The gain and the number it is multiplied by."""
    if value is None:
        return None, 1.0
    found = lowering.parts.get(lowering.value(value))
    if found is None or found[0] != "scaled":
        raise Unknown("a gain that is worked out in another way")
    return found[1], found[2]


def _note(lowering: Lowering, result: Value, found: Standardised) -> None:
    def refuse() -> None:
        raise Unknown("a standardised weight that something else than a convolution reads")

    lowering.parts[result.number] = ("standardised", found)
    lowering.later(result.number, refuse)


def _reshape_as(lowering: Lowering, call: Call) -> None:
    """A standardised weight with its own shape again."""
    given = bound(call, ("input", "other"))
    found = _known(lowering, given["input"])
    if found is None or given["other"] != found.weight:
        raise Unknown("a view whose shape another tensor gives")
    _note(lowering, call.results, found)


def _known(lowering: Lowering, value: Any) -> Standardised | None:
    if not isinstance(value, Value):
        return None
    found = lowering.parts.get(lowering.value(value))
    return found[1] if found is not None and found[0] == "standardised" else None


def reshape(lowering: Lowering, call: Call) -> bool:
    """Follow a view of a standardised weight or of a scaled gain; False for anything else."""
    source, result = call.source, call.results
    if not isinstance(source, Value):
        return False
    found = lowering.parts.get(lowering.value(source))
    if found is None or found[0] not in ("standardised", "scaled"):
        return False
    lowering.parts[result.number] = found
    lowering.later(result.number, lowering.kept[lowering.value(source)])
    return True


def _conv(lowering: Lowering, call: Call) -> None:
    """A convolution, by a weight of a layer or a standardised one."""
    given = bound(call, functions.CONV, **functions.CONV_DEFAULTS)
    found = _known(lowering, given["weight"])
    if found is None:
        functions.conv(lowering, call)
        return
    weights = [found.weight, given["bias"], found.gain]
    path = functions.owner([one for one in weights if one is not None])
    functions.named({"weight": found.weight, "bias": given["bias"], "gain": found.gain})
    arguments = functions.conv_arguments(given, found.weight.shape) | {"eps": found.eps}
    if found.gain is not None:
        before = next((one for one in reversed(lowering.layers) if one.op == "standardized_conv"), None)
        usual = before.arguments.get("gamma", 1.0) if before is not None else 1.0
        arguments |= {"gain": True, "gamma": _gamma(found.scale, prod(found.weight.shape[1:]), usual)}
    source = lowering.number(given["input"])
    lowering.add(call, "standardized_conv", arguments, [source], call.result, path)


def _gamma(scale: float, inputs: int, usual: float) -> float:
    """The number that gives exactly ``scale`` when it is multiplied by ``inputs ** -0.5``, if possible the usual one.

    Raises :class:`Unknown`.
    """
    found = scale / inputs**-0.5
    for one in (usual, round(found, 12), found, nextafter(found, 0.0), nextafter(found, float("inf"))):
        if one * inputs**-0.5 == scale:
            return one
    raise Unknown("a scale of the gain that no number gives")


RULES: dict[str, Rule] = {
    "torch.nn.functional.batch_norm": _norm,
    "torch.Tensor.reshape_as": _reshape_as,
    "torch.Tensor.view_as": _reshape_as,
    **{f"{origin}conv{rank}d": _conv for rank in (1, 2, 3) for origin in ("torch.nn.functional.", "torch.")},
}
