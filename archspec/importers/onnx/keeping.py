"""Nodes without counterpart as opaque steps, where the file says the shape of what they give."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.diagnostics import Fault, printable
from archspec.importers import opaque
from archspec.importers.onnx.lowering import Filling, Lowering, Rule, refuse
from archspec.importers.onnx.messages import Model, Node, Stored
from archspec.importers.onnx.values import Known, Step

FLOATS = (1, 10, 11, 16)
"""The types of tensors that may be trained."""


def keeper(model: Model) -> Rule:
    """The rule that makes a node of a model an opaque step; it raises :class:`Fault` where the file says too little."""
    shapes = model.shapes()

    def kept(lowering: Lowering, node: Node) -> Step:
        values = [(name, lowering.values[name]) for name in node.inputs if name]
        steps = [(name, value.number) for name, value in values if isinstance(value, Step)]
        given = [at for at, name in enumerate(node.outputs) if name and lowering.readers[name]]
        if given != [0]:
            raise refuse("it gives several values, or none that is read")
        if not steps:
            raise refuse("it reads nothing that the network computes")
        found = shapes.get(node.outputs[0])
        if found is None:
            raise refuse("the file does not say the shape of what it gives")
        source, number = steps[0]
        shape = _sizes(found, shapes.get(source, ()), lowering.assembly.shapes[number].axes, lowering.batches)
        tensors = list(filter(None, map(_trained, (value for _, value in values))))
        names = opaque.tensor_names([tensor.name for tensor in tensors])
        path = lowering.path(node.op.lower())
        dims = {name: tensor.dims for name, tensor in zip(names, tensors, strict=True)}
        reads = [number for _, number in steps]
        made = opaque.keep(lowering.assembly, node.op, reads, shape, dims, path=path, frame=lowering.place.frame)
        lowering.made[made] = lowering.assembly.layers[-1]
        at = ".".join(path)
        lowering.fillings += [
            Filling(f"{at}.{name}", tensor.name) for name, tensor in zip(names, tensors, strict=True)
        ]  # fmt: skip
        return Step(made)

    return kept


def _trained(value: object) -> Stored | None:
    """A tensor of the file that may be trained, of at least one number."""
    stored = value.stored if isinstance(value, Known) else value
    if not isinstance(stored, Stored) or stored.message.data_type not in FLOATS or min(stored.dims, default=1) < 1:
        return None
    return stored


def _sizes(
    found: Sequence[int | str | None], source: Sequence[int | str | None], axes: Sequence[str], batches: set[int]
) -> list[int | str]:
    """Channels and sizes of an output: numbers, and axes of the input that have the same word in the file."""
    if len(found) < 2:
        raise refuse(f"it gives {len(found)} axes, where a batch and channels are needed")
    batch, *rest = found
    if isinstance(batch, int) and batches and batch not in batches:
        raise refuse(f"it gives a batch of {batch}")
    words = {word: axis for word, axis in zip(source[1:], axes, strict=False) if isinstance(word, str)}
    sizes: list[int | str] = []
    for size in rest:
        if isinstance(size, int):
            sizes.append(size)
        elif size in words:
            sizes.append(words[size])
        else:
            raise Fault("not-importable", f"the file leaves a size open: {printable(str(size or 'unknown'), 40)}")
    return sizes
