"""Pattern fusion: several nodes that together express one operation become one node.

torch writes SiLU as a product with the sigmoid, Mish and GELU in three to five nodes, group normalisation as reshaped
instance normalisation; TensorFlow's converter leaves a bias as a separate node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path

from archspec.diagnostics import Fault
from archspec.importers.onnx.gathered import as_strided, windows
from archspec.importers.onnx.matching import OURS, Matching, one_node
from archspec.importers.onnx.messages import Model, Node, Stored
from archspec.importers.onnx.numbers import known


def together(model: Model, folder: Path) -> list[Node]:
    """The nodes of a model after fusion."""
    found = Matching(model, folder)
    for at, node in list(found.nodes.items()):
        patterns = _ENDS.get(node.op, ()) if at in found.nodes and len(node.inputs) == 2 else ()
        for pattern in patterns:
            if pattern(found, at, found.nodes[at]):
                break
    return list(found.nodes.values())


def _either(node: Node) -> Iterator[tuple[str, str]]:
    one, other = node.inputs
    yield one, other
    yield other, one


def _gated(inner: str, op: str) -> Callable[[Matching, int, Node], bool]:
    """``x · sigmoid(x)`` and its like."""

    def pattern(found: Matching, at: int, node: Node) -> bool:
        for value, gate in _either(node):
            maker = found.made(gate, inner)
            if maker is not None and maker[1].inputs[:1] == [value] and _usual(maker[1]):
                found.put(at, [maker[0]], one_node(node, op, [value]))
                return True
        return False

    return pattern


def _usual(node: Node) -> bool:
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    return node.op != "HardSigmoid" or (abs(alpha - 1 / 6) < 1e-6 and beta == 0.5)


def _mish(found: Matching, at: int, node: Node) -> bool:
    for value, gate in _either(node):
        tanh = found.made(gate, "Tanh")
        soft = found.made(tanh[1].inputs[0], "Softplus") if tanh is not None else None
        if tanh is not None and soft is not None and soft[1].inputs == [value]:
            found.put(at, [tanh[0], soft[0]], one_node(node, "Mish", [value]))
            return True
    return False


def _gelu(found: Matching, at: int, node: Node) -> bool:
    """``x · (1 + erf(x / √2)) · ½``, the half at the end or at the start."""
    for product, half in _either(node):
        if found.number(half) == 0.5 and (outer := found.made(product, "Mul")) is not None:
            for value, factor in _either(outer[1]):
                gone = _erf(found, factor, value)
                if gone is not None:
                    found.put(at, [outer[0], *gone], one_node(node, "Gelu", [value]))
                    return True
    for halved, factor in _either(node):
        first = found.made(halved, "Mul")
        for value, half in _either(first[1]) if first is not None else ():
            gone = _erf(found, factor, value) if found.number(half) == 0.5 else None
            if first is not None and gone is not None:
                found.put(at, [first[0], *gone], one_node(node, "Gelu", [value]))
                return True
    return False


def _erf(found: Matching, name: str, value: str) -> list[int] | None:
    """The nodes of ``1 + erf(value / √2)``."""
    plus = found.made(name, "Add")
    for inner, one in _either(plus[1]) if plus is not None and len(plus[1].inputs) == 2 else ():
        erf = found.made(inner, "Erf")
        if plus is None or erf is None or found.number(one) != 1:
            continue
        for op, root in (("Div", 2**0.5), ("Mul", 0.5**0.5)):
            scaled = found.made(erf[1].inputs[0], op)
            if scaled is None or len(scaled[1].inputs) != 2 or scaled[1].inputs[0] != value:
                continue
            if abs((found.number(scaled[1].inputs[1]) or 0) - root) < 1e-6:
                return [plus[0], erf[0], scaled[0]]
    return None


def _biased(found: Matching, at: int, node: Node) -> bool:
    """A separate bias after a convolution or a matrix without one."""
    for value, bias in _either(node):
        stored = found.tensors.get(bias)
        for op, kind in (("Conv", "Conv"), ("ConvTranspose", "ConvTranspose"), ("MatMul", "Linear")):
            maker = found.made(value, op)
            if maker is None or stored is None or len(maker[1].inputs) != 2:
                continue
            weight = found.tensors.get(maker[1].inputs[1])
            if weight is None or not weight.dims:
                continue
            features = {"Conv": weight.dims[0], "MatMul": weight.dims[-1]}.get(
                op, weight.dims[min(1, len(weight.dims) - 1)] * maker[1].attributes.get("group", 1)
            )
            spatial = len(weight.dims) - 2 if op != "MatMul" else 0
            dims = stored.dims[1:] if len(stored.dims) == spatial + 2 and stored.dims[0] == 1 else stored.dims
            if dims != (features, *(1,) * spatial):
                continue
            made = replace(maker[1], inputs=[*maker[1].inputs, bias], outputs=node.outputs, op=kind)
            if kind == "Linear":
                made.domain = OURS
            found.put(at, [maker[0]], made)
            return True
    return False


def _group_norm(found: Matching, at: int, node: Node) -> bool:
    """Group normalisation: instance normalisation with groups as channels, then a scale and a shift per channel."""
    for scaled, bias in _either(node):
        product = found.made(scaled, "Mul")
        if product is None or bias not in found.tensors:
            continue
        for normed, weight in _either(product[1]):
            after = found.made(normed, "Reshape")
            norm = found.made(after[1].inputs[0], "InstanceNormalization") if after is not None else None
            before = found.made(norm[1].inputs[0], "Reshape") if norm is not None else None
            if after is None or norm is None or before is None or weight not in found.tensors:
                continue
            groups = found.tensors.get(norm[1].inputs[1])
            sizes = found.tensors.get(before[1].inputs[1])
            if groups is None or sizes is None or len(groups.dims) != 1 or prod(sizes.dims) != 3:
                continue
            if not _ones(found, norm[1], groups) or known(sizes, found.folder)[:2] != [0, groups.dims[0]]:
                continue
            more = {"num_groups": groups.dims[0], "epsilon": norm[1].attributes.get("epsilon", 1e-5)}
            inputs = [before[1].inputs[0], weight, bias]
            found.put(at, [each[0] for each in (product, after, norm, before)],
                      one_node(node, "GroupNormalization", inputs, **more))  # fmt: skip
            return True
    return False


def _ones(found: Matching, norm: Node, groups: Stored) -> bool:
    shift = found.tensors.get(norm.inputs[2])
    if shift is None or shift.dims != groups.dims or groups.dims[0] > 1024:
        return False
    try:
        return set(known(groups, found.folder)) == {1.0} and set(known(shift, found.folder)) == {0.0}
    except Fault:
        return False


_ENDS: Mapping[str, tuple[Callable[[Matching, int, Node], bool], ...]] = {
    "Add": (_biased, _group_norm),
    "Gather": (as_strided,),
    "Mul": (_gelu, _gated("Sigmoid", "Silu"), _gated("HardSigmoid", "HardSwish"), _mish),
    "ReduceMean": (windows,),
}
"""The patterns to try, by the operator of the last node."""
