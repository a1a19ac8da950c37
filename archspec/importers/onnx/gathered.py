"""Patterns of numbers that are gathered by their places: what torch's exporter makes of operations on strides."""

from __future__ import annotations

from math import prod
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.onnx.matching import Matching, one_node
from archspec.importers.onnx.messages import Node
from archspec.importers.onnx.numbers import known

MOST_NODES = 32
"""The most sums of places that are followed."""


def as_strided(found: Matching, at: int, node: Node) -> bool:
    """Numbers of a flat tensor by their places: what torch's exporter makes of ``as_strided``.

    For batches of any size it adds to the places in one sample those at which each sample begins.
    """
    flat = found.made(node.inputs[0], "Reshape")
    if flat is None or len(flat[1].inputs) != 2 or node.attributes.get("axis", 0) != 0:
        return False
    if wholes(found, flat[1].inputs[1]) != [-1]:
        return False
    gone, more, places = [flat[0]], {}, node.inputs[1]
    if places not in found.tensors:
        summed = _summed(found, places)
        if summed is None:
            return False
        places, more = summed[1], {"sample": summed[2]}
        gone += summed[0]
    found.put(at, gone, one_node(node, "Places", [flat[1].inputs[0], places], **more))
    return True


def _summed(found: Matching, name: str) -> tuple[list[int], str, int] | None:
    """A sum of places in a sample, of each sample's beginning, and of zeros: its nodes, the first, and the step."""
    gone: list[int] = []
    constants: list[str] = []
    step: int | None = None
    waiting = [name]
    while waiting:
        value = waiting.pop()
        if value in found.tensors:
            if found.number(value) != 0:
                constants.append(value)
            continue
        added = found.made(value, "Add")
        if added is not None and len(gone) < MOST_NODES:
            gone.append(added[0])
            waiting += added[1].inputs
            continue
        begins = _beginnings(found, value)
        if begins is None or step is not None:
            return None
        gone, step = gone + begins[0], begins[1]
    return (gone, constants[0], step) if len(constants) == 1 and step is not None else None


def _beginnings(found: Matching, name: str) -> tuple[list[int], int] | None:
    """``range(batch) · step`` along the first of several axes: its nodes, and the step."""
    raised = found.made(name, "Unsqueeze")
    product = found.made(raised[1].inputs[0], "Mul") if raised is not None else None
    if raised is None or product is None or len(product[1].inputs) != 2 or len(raised[1].inputs) != 2:
        return None
    counted, step = found.made(product[1].inputs[0], "Range"), found.number(product[1].inputs[1])
    if counted is None or step is None or len(counted[1].inputs) != 3:
        return None
    start, stop, every = counted[1].inputs
    axes = wholes(found, raised[1].inputs[1])
    single = found.made(stop, "Squeeze", alone=False)
    size = found.made(single[1].inputs[0], "Shape", alone=False) if single is not None else None
    if size is None or (found.number(start), found.number(every)) != (0, 1):
        return None
    is_batch = (size[1].attributes.get("start", 0), size[1].attributes.get("end")) == (0, 1)
    if not is_batch or axes != list(range(1, len(axes or ()) + 1)):
        return None
    return [raised[0], product[0], counted[0]], int(step)


def windows(found: Matching, at: int, node: Node) -> bool:
    """The means of windows that are gathered by their places: what torch's exporter makes of adaptive pooling."""
    turned = found.made(node.inputs[0], "Transpose")
    gathered = found.made(turned[1].inputs[0], "GatherND") if turned is not None else None
    before = found.made(gathered[1].inputs[0], "Transpose") if gathered is not None else None
    if turned is None or gathered is None or before is None or gathered[1].attributes.get("batch_dims", 0) != 0:
        return False
    orders = (before[1].attributes.get("perm"), turned[1].attributes.get("perm"))
    means = (wholes(found, node.inputs[1]), node.attributes.get("keepdims", 1))
    if orders != ([2, 3, 0, 1], [4, 5, 0, 1, 2, 3]) or means != ([-3, -1], 0):
        return False
    places, gone = gathered[1].inputs[1], [turned[0], gathered[0], before[0]]
    if places in found.tensors:
        found.put(at, gone, one_node(node, "WindowMeans", [before[1].inputs[0], places]))
    else:
        found.put(at, gone + found.only_for(places), one_node(node, "ComputedWindowMeans", [before[1].inputs[0]]))
    return True


def wholes(found: Matching, name: str) -> list[Any] | None:
    """The numbers of a constant of a few; None for any other value."""
    stored = found.tensors.get(name)
    if stored is None or prod(stored.dims) > 8:
        return None
    try:
        return list(known(stored, found.folder))
    except Fault:
        return None
