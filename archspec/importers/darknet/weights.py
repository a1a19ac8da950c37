"""Darknet's ``.weights``: a header, then the weights of each layer in sequence, as 32-bit floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.importers.tensors import Filled, read_bytes
from archspec.records import record

if TYPE_CHECKING:
    from torch import Tensor

MOST_BYTES = 8_000_000_000


@record
class Stored:
    """The weights of one section."""

    index: int
    section: str
    path: str
    """The path of the convolution or the linear layer."""
    norm: str | None
    """The path of the batch normalisation after it."""


def read(path: Path, stored: Sequence[Stored], wanted: Mapping[str, tuple[int, ...]]) -> Filled:
    """The tensors of a file by a spec's own keys.

    Raises :class:`SpecError`: ``unreadable-weights``, or ``weights-mismatch`` with the section where the file ends.
    """
    try:
        content = read_bytes(path, MOST_BYTES)
        start, transposed = _head(content, path)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    import torch

    state: dict[str, Tensor] = {}
    at = start
    values = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    for layer in stored:
        for key in _order(layer, matrix=len(wanted[f"{layer.path}.weight"]) == 2):
            shape = wanted[key]
            end = at + 4 * prod(shape)
            if end > len(content):
                said = f"the numbers run out at [{layer.section}], layer {layer.index}: {key} {list(shape)}"
                raise _mismatch(path, said)
            state[key] = values[at:end].clone().view(torch.float32)
            if transposed and len(shape) == 2:
                state[key] = state[key].reshape(shape[::-1]).T
            state[key] = state[key].reshape(shape).contiguous()
            at = end
    if at != len(content):
        raise _mismatch(path, f"{(len(content) - at) // 4:,} numbers are left over")
    return Filled.of(state, wanted)


def _mismatch(path: Path, said: str) -> SpecError:
    return SpecError([Diagnostic("weights-mismatch", f"`{printable(str(path))}`: {said}")])


def _head(content: bytes, path: Path) -> tuple[int, bool]:
    """The offset of the weights, and whether matrices are transposed; raises :class:`Fault`."""
    major, minor = (int.from_bytes(content[at : at + 4], "little", signed=True) for at in (0, 4))
    counted = 8 if major * 10 + minor >= 2 and major < 1000 and minor < 1000 else 4
    if len(content) < 12 + counted or min(major, minor) < 0 or len(content) % 4:
        said = f"cannot read weights from `{printable(str(path))}`: it is not a .weights file of Darknet, or is broken"
        raise Fault("unreadable-weights", said)
    return 12 + counted, major > 1000 or minor > 1000


def _order(layer: Stored, matrix: bool) -> list[str]:
    """The tensors of a layer in file order: a matrix before its normalisation's scales, a kernel after them."""
    weight, bias = f"{layer.path}.weight", f"{layer.norm or layer.path}.bias"
    if layer.norm is None:
        return [bias, weight]
    scales = [f"{layer.norm}.{name}" for name in ("weight", "running_mean", "running_var")]
    return [bias, weight, *scales] if matrix else [bias, *scales, weight]
