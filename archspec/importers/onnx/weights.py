"""The tensors of an ONNX file by a spec's own keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.importers.onnx import messages
from archspec.importers.onnx.lowering import Filling
from archspec.importers.onnx.messages import Stored
from archspec.importers.onnx.numbers import tensor
from archspec.importers.tensors import Filled

if TYPE_CHECKING:
    from torch import Tensor


def read(path: Path, fillings: Sequence[Filling], wanted: Mapping[str, tuple[int, ...]]) -> Filled:
    """The tensors of a file, with the shapes ``wanted``; raises :class:`SpecError` with each that does not fit."""
    try:
        model = messages.read(path)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    state: dict[str, Tensor] = {}
    wrong: list[Diagnostic] = []
    for filling in fillings:
        try:
            state[filling.key] = _filled(filling, model.stored.get(filling.tensor), wanted[filling.key], path.parent)
        except Fault as fault:
            wrong.append(fault.diagnostic)
    if wrong:
        raise SpecError(wrong[:100])
    return Filled.of(state, wanted)


def _filled(filling: Filling, found: Stored | None, wanted: tuple[int, ...], folder: Path) -> Tensor:
    shown = printable(filling.tensor, 80)
    if found is None:
        raise Fault("weights-mismatch", f"the file has no tensor `{shown}`")
    if prod(found.dims) != prod(wanted):
        raise Fault("weights-mismatch", f"the tensor `{shown}` is {list(found.dims)}, not {list(wanted)}")
    values = tensor(found, folder)
    return (values.T if filling.transposed else values).reshape(wanted).contiguous().clone()
