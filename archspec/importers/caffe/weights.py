"""A ``.caffemodel``: the blobs of each layer as the tensors of a step.

The package protobuf parses the file, by a description of the few messages that hold weights.  Arrays are declared as
bytes, so that their numbers do not become Python objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.importers import protobuf
from archspec.importers.protobuf import BYTES, INT32, INT64, MESSAGE, OPTIONAL, REPEATED
from archspec.importers.tensors import Filled, read_bytes
from archspec.records import record

if TYPE_CHECKING:
    from torch import Tensor

_MESSAGES: protobuf.Table = {
    "Shape": (("dim", 1, REPEATED, INT64, ""),),
    "Blob": (
        ("num", 1, OPTIONAL, INT32, ""),
        ("channels", 2, OPTIONAL, INT32, ""),
        ("height", 3, OPTIONAL, INT32, ""),
        ("width", 4, OPTIONAL, INT32, ""),
        ("data", 5, REPEATED, BYTES, ""),
        ("shape", 7, OPTIONAL, MESSAGE, "Shape"),
        ("double_data", 8, REPEATED, BYTES, ""),
    ),
    "Layer": (
        ("name", 1, OPTIONAL, BYTES, ""),
        ("blobs", 7, REPEATED, MESSAGE, "Blob"),
    ),
    "OldLayer": (
        ("name", 4, OPTIONAL, BYTES, ""),
        ("blobs", 6, REPEATED, MESSAGE, "Blob"),
    ),
    "Net": (
        ("layers", 2, REPEATED, MESSAGE, "OldLayer"),
        ("layer", 100, REPEATED, MESSAGE, "Layer"),
    ),
}
"""Name, number, label, type and nested message of the fields of ``caffe.proto`` that hold weights."""


@record
class Filling:
    """Some tensors of one step, from the blobs of one layer, in order."""

    layer: str
    path: str
    tensors: tuple[str, ...]
    how: str = "plain"
    """``transposed``: a matrix of inputs by outputs; ``statistics``: sums, to divide by the count in the third blob."""


@cache
def message_classes() -> Mapping[str, Any]:
    """The messages as classes; raises :class:`Fault` if protobuf is not installed."""
    return protobuf.message_classes("caffe", _MESSAGES, "a .caffemodel")


def read(path: Path, fillings: Sequence[Filling], wanted: Mapping[str, tuple[int, ...]]) -> Filled:
    """The tensors of a file by a spec's own keys, with the shapes ``wanted``.

    Raises :class:`SpecError`: ``unreadable-weights``, or ``weights-mismatch`` with each layer that does not fit.
    """
    try:
        made = message_classes()["Net"]()
        content = read_bytes(path, protobuf.MOST_BYTES)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    if not protobuf.is_filled(made, content):
        message = f"cannot read weights from `{printable(str(path))}`: it is not a .caffemodel, or is broken"
        raise SpecError([Diagnostic("unreadable-weights", message)])
    del content
    layers = {
        layer.name.decode("utf-8", "replace"): layer.blobs for layer in [*made.layers, *made.layer] if layer.blobs
    }
    state: dict[str, Tensor] = {}
    wrong: list[Diagnostic] = []
    for filling in fillings:
        try:
            state |= _filled(filling, layers.get(filling.layer), wanted)
        except Fault as fault:
            wrong.append(fault.diagnostic)
    if wrong:
        raise SpecError(wrong[:100])
    return Filled.of(state, wanted, sorted(layers.keys() - {filling.layer for filling in fillings}))


def _filled(filling: Filling, blobs: Any, wanted: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    import torch

    shown = printable(filling.layer, 60)
    count = len(filling.tensors) + (filling.how == "statistics")
    if blobs is None or len(blobs) < count:
        there = 0 if blobs is None else len(blobs)
        raise Fault("weights-mismatch", f"the layer `{shown}` has {there} blobs in the file, but needs {count}")
    found: dict[str, Tensor] = {}
    for name, blob in zip(filling.tensors, blobs, strict=False):
        key = f"{filling.path}.{name}"
        shape, values = _values(blob, shown)
        own = wanted[key]
        if filling.how == "transposed" and name == "weight":
            own = own[::-1]
        if [size for size in shape if size != 1] != [size for size in own if size != 1]:
            said = f"the layer `{shown}` has a blob of shape {list(shape)}, and {list(own)} is wanted"
            raise Fault("weights-mismatch", said)
        found[key] = values.reshape(own)
        if own != wanted[key]:
            found[key] = found[key].T.contiguous()
    if filling.how == "statistics":
        _, factor = _values(blobs[2], shown)
        if factor.numel() != 1:
            raise Fault(
                "weights-mismatch", f"the layer `{shown}` has a scale factor of {factor.numel()} numbers, not one"
            )
        total = float(factor)
        for key, value in found.items():
            found[key] = value / total if total else torch.zeros_like(value)
    return found


def _values(blob: Any, shown: str) -> tuple[tuple[int, ...], Tensor]:
    """A blob's shape and numbers; in old files the shape always has four sizes."""
    import torch

    doubles = not blob.data and blob.double_data
    raw = bytearray().join(blob.double_data if doubles else blob.data)
    width = 8 if doubles else 4
    if blob.HasField("shape"):
        shape = tuple(_sizes(blob.shape))
    else:
        shape = (blob.num or 1, blob.channels or 1, blob.height or 1, blob.width or 1)
    if min(shape, default=1) < 1 or prod(shape) * width != len(raw):
        said = f"the layer `{shown}` has a blob of shape {list(shape[:8])} and {len(raw) // width} numbers"
        raise Fault("weights-mismatch", said)
    return shape, torch.frombuffer(raw, dtype=torch.float64 if doubles else torch.float32).float()


def _sizes(shape: Any) -> list[int]:
    return list(shape.dim)[:32]
