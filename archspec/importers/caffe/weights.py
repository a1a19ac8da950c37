"""A ``.caffemodel``: the blobs of each layer as the tensors of a step.

The package protobuf reads the file, by a description of the few messages that hold weights.  Arrays are described as
bytes, so that no number of theirs becomes an object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.importers.tensors import Filled, missing_package, read_bytes
from archspec.records import record

if TYPE_CHECKING:
    from torch import Tensor

MOST_BYTES = 2**31 - 1
"""What one message may have in protocol buffers."""

_OPTIONAL, _REPEATED = 1, 3
_INT64, _INT32, _STRING, _MESSAGE, _BYTES = 3, 5, 9, 11, 12
_MESSAGES: dict[str, tuple[tuple[str, int, int, int, str], ...]] = {
    "Shape": (("dim", 1, _REPEATED, _INT64, ""),),
    "Blob": (
        ("num", 1, _OPTIONAL, _INT32, ""),
        ("channels", 2, _OPTIONAL, _INT32, ""),
        ("height", 3, _OPTIONAL, _INT32, ""),
        ("width", 4, _OPTIONAL, _INT32, ""),
        ("data", 5, _REPEATED, _BYTES, ""),
        ("shape", 7, _OPTIONAL, _MESSAGE, "Shape"),
        ("double_data", 8, _REPEATED, _BYTES, ""),
    ),
    "Layer": (("name", 1, _OPTIONAL, _STRING, ""), ("blobs", 7, _REPEATED, _MESSAGE, "Blob")),
    "OldLayer": (("name", 4, _OPTIONAL, _STRING, ""), ("blobs", 6, _REPEATED, _MESSAGE, "Blob")),
    "Net": (("layers", 2, _REPEATED, _MESSAGE, "OldLayer"), ("layer", 100, _REPEATED, _MESSAGE, "Layer")),
}
"""Name, number, label, type and message of the fields of ``caffe.proto`` that weights are in."""


@record
class Filling:
    """Some tensors of one step, which are the blobs of one layer in their order."""

    layer: str
    path: str
    tensors: tuple[str, ...]
    how: str = "plain"
    """``transposed``: a matrix of inputs by outputs; ``statistics``: sums, over the count in the third blob."""


@cache
def message_classes() -> Mapping[str, Any]:
    """The messages as classes; raises :class:`Fault` where protobuf is not installed."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError:
        raise missing_package("a .caffemodel", "protobuf") from None
    file: Any = descriptor_pb2.FileDescriptorProto(name="archspec/weights.proto", package="archspec.caffe")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, label, kind, of in fields:
            message.field.add(
                name=field, number=number, label=label, type=kind, type_name=f".archspec.caffe.{of}" if of else None
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"archspec.caffe.{name}") for name in _MESSAGES}
    return {name: message_factory.GetMessageClass(descriptor) for name, descriptor in found.items()}


def read(path: Path, fillings: Sequence[Filling], wanted: Mapping[str, tuple[int, ...]]) -> Filled:
    """The tensors of a file by a spec's own keys, of the shapes ``wanted``.

    Raises :class:`SpecError`: ``unreadable-weights``, or ``weights-mismatch`` with each layer that does not fit.
    """
    try:
        made = message_classes()["Net"]()
        content = read_bytes(path, MOST_BYTES)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    try:
        made.ParseFromString(content)
    except Exception as error:  # DecodeError, of whichever backend protobuf has
        message = f"cannot read weights from `{printable(str(path))}`: it is no .caffemodel, or a broken one"
        raise SpecError([Diagnostic("unreadable-weights", message)]) from error
    del content
    layers = {layer.name: layer.blobs for layer in [*made.layers, *made.layer] if layer.blobs}
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
        raise Fault("weights-mismatch", f"the layer `{shown}` has {there} blobs in the file, and {count} are wanted")
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
            raise Fault("weights-mismatch", f"the layer `{shown}` has a count of {factor.numel()} numbers, not one")
        total = float(factor)
        for key, value in found.items():
            found[key] = value / total if total else torch.zeros_like(value)
    return found


def _values(blob: Any, shown: str) -> tuple[tuple[int, ...], Tensor]:
    """A blob's shape and numbers; of old files the shape has four sizes."""
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
