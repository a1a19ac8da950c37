"""Layers of files that the language lacks, kept as opaque steps where the file says their shape: ``--opaque``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from archspec.diagnostics import Diagnostic, Diagnostics, Fault, Span
from archspec.importers.assembly import SYMBOLS, Assembly
from archspec.importers.network import Frame

NO_SHAPE = "the file does not say the shape of what it gives, so that `--opaque` cannot keep it"


def keep(
    assembly: Assembly, kind: str, reads: Sequence[int], shape: Sequence[int | str],
    tensors: Mapping[str, tuple[int, ...]], *, path: Sequence[str], frame: Frame, span: Span | None = None,
) -> int:  # fmt: skip
    """Add a step of which the class, the output's channels and sizes and the tensors are known; raises :class:`Fault`.

    Sizes are numbers of the file, or axes of the first input.  With numbers the network is right at the file's own
    sizes only.
    """
    if not reads:
        raise Fault("not-importable", "it reads nothing that the network computes", span)
    if len(shape) - 1 not in (0, *SYMBOLS):
        raise Fault("not-importable", f"an output of {len(shape)} axes besides the batch has no names for them", span)
    assembly.pinned |= any(isinstance(size, int) for size in shape[1:])
    word = re.sub(r"[^\w.]", "_", kind, flags=re.ASCII)[:60] or "layer"
    arguments = {"type": word, "shape": list(shape), "trained": {name: list(dims) for name, dims in tensors.items()}}
    return assembly.add("opaque", reads, arguments, path=path, frame=frame, span=span, named=True)


def tensor_names(names: Sequence[str]) -> list[str]:
    """Names for the tensors of a step: the last words of theirs, each once."""
    found: list[str] = []
    for at, name in enumerate(names):
        word = re.sub(r"\W", "_", name.rpartition(".")[2].rpartition("/")[2], flags=re.ASCII).strip("_")[:60]
        word = word if word and word not in found else f"tensor{at}"
        found.append(word)
    return found


def unknown_tensors(layers: Sequence[str]) -> Diagnostic:
    """The note about opaque layers whose tensors the file does not hold."""
    shown = ", ".join(layers[:5]) + (", …" if len(layers) > 5 else "")
    said = f"the file does not hold the tensors of opaque layers, so that parameters are without them: {shown}"
    return Diagnostic("opaque", said, severity="note")


def told(diagnostics: Diagnostics) -> Diagnostics:
    """The same diagnostics; layers without counterpart that could not be kept say why."""
    found = Diagnostics()
    for each in diagnostics.all:
        lacking = each.code == "not-importable" and "--opaque" not in (each.hint or "")
        found.add(replace(each, hint=NO_SHAPE) if lacking else each)
    return found
