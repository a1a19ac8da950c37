"""``Resize`` and ``Upsample``: their sampling positions in terms of our op's arguments."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.onnx.lowering import Lowering, Rule, refuse
from archspec.importers.onnx.messages import Node
from archspec.importers.onnx.values import Extent, Known, Value


def _resize(lowering: Lowering, node: Node) -> Value:
    source = lowering.step(node)
    at = 1 if node.op == "Upsample" or lowering.opset < 11 else 2
    scales = lowering.numbers(node, at)
    sizes = lowering.numbers(node, 3) if at == 2 else None
    if node.op == "Upsample" and scales is None:
        scales = Known((), node.attributes.get("scales") or [])
    rank = lowering.rank(source)
    if node.attributes.get("axes") or node.attributes.get("antialias", 0):
        raise refuse("`axes` and `antialias` are not supported")
    mode = _mode(lowering, node, scales)
    own = lowering.dims(source)
    if sizes is not None and sizes.values:
        return _to_size(lowering, source, sizes.wholes, own, mode)
    if scales is None or len(scales.values) != rank + 2:
        raise Fault("wrong-value", f"a map of {rank + 2} axes needs as many scales")
    if scales.values[0] != 1 or scales.values[1] != 1:
        raise refuse("resizing the batch or the channels is not supported")
    factors = [_whole(factor) for factor in scales.values[2:]]
    scale = factors[0] if len(set(factors)) == 1 else factors
    return lowering.add("upsample", [source], scale=scale, **mode)


def _to_size(lowering: Lowering, source: int, sizes: list[Any], own: list[Extent], mode: dict[str, Any]) -> Value:
    """A map resized to given numbers, to the size of another step, or by a factor."""
    if len(sizes) != len(own) or int(sizes[1]) != own[1]:
        raise refuse("resizing the channels is not supported")
    wanted = sizes[2:]
    origins = [size.of for size in wanted if isinstance(size, Extent)]
    if len(origins) == len(wanted) and all(origin.axis >= 0 for origin in origins):
        owners, factors = {origin.number for origin in origins}, [origin.factor for origin in origins]
        placed = [origin.axis for origin in origins] == list(range(2, len(own)))
        if placed and len(owners) == 1 and all(factor == 1 for factor in factors):
            (owner,) = owners
            assert owner is not None
            return lowering.add("upsample", [source], refers={"to": owner}, **mode)
        if placed and owners == {source}:
            scale = [_whole(float(factor)) for factor in factors]
            return lowering.add("upsample", [source], scale=scale[0] if len(set(scale)) == 1 else scale, **mode)
    lowering.assembly.pinned = True
    numbers = [int(size) for size in wanted]
    return lowering.add("upsample", [source], size=numbers[0] if len(set(numbers)) == 1 else numbers, **mode)


def _mode(lowering: Lowering, node: Node, scales: Known | None) -> dict[str, Any]:
    given = node.attributes
    kind = given.get("mode", "nearest")
    old = node.op == "Upsample" or lowering.opset < 11
    where = "asymmetric" if old else given.get("coordinate_transformation_mode", "half_pixel")
    if kind == "nearest":
        whole = (
            scales is not None
            and scales.values
            and all(factor >= 1 and float(factor).is_integer() for factor in scales.values)
        )
        rounding = "floor" if old else given.get("nearest_mode", "round_prefer_floor")
        copied = where in ("half_pixel", "pytorch_half_pixel") and rounding.startswith("round")
        if (where, rounding) == ("asymmetric", "floor") or (whole and copied):
            return {"mode": "nearest"}
        raise refuse(f"the nearest rows are found by `{where}` and `{rounding}`"[:120])
    if kind not in ("linear", "cubic") or given.get("exclude_outside", 0):
        raise refuse("this mode of interpolation is not supported")
    if kind == "cubic" and abs(given.get("cubic_coeff_a", -0.75) + 0.75) > 1e-6:
        raise refuse("only a cubic coefficient of −0.75 is supported")
    if where not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        raise refuse(f"its rows lie by `{where}`"[:120])
    name = "bicubic" if kind == "cubic" else {1: "linear", 2: "bilinear", 3: "trilinear"}[
        lowering.rank(lowering.step(node))
    ]  # fmt: skip
    return {"mode": name, "align_corners": where == "align_corners"}


def _whole(factor: float) -> int | float:
    near = Fraction(factor).limit_denominator(1000)
    if near.denominator == 1:
        return int(near)
    return float(near) if abs(float(near) - factor) < 1e-6 else factor


RULES: dict[str, Rule] = {"Resize": _resize, "Upsample": _resize}
"""The translation rule of each operator."""
