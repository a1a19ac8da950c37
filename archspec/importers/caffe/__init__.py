"""Caffe's networks: ``.prototxt``, in the old syntax and the new, and their weights, ``.caffemodel``.

The stages, one file each, in order: ``prototxt`` parses the text format; ``fields`` reads a message's fields;
``network`` selects the layers of the phase and wires them; ``layers`` translates each to ops; ``weights`` reads a
caffemodel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from archspec.diagnostics import Diagnostics
from archspec.importers import regions
from archspec.importers.assembly import Read
from archspec.importers.caffe import weights
from archspec.importers.caffe.network import Reading
from archspec.importers.tensors import Filled


def read(
    text: str, name: str, diagnostics: Diagnostics, size: Sequence[int] | None = None, opaque: bool = False
) -> Read:
    """The network of a ``.prototxt``; errors are added to the diagnostics.  Raises :class:`Fault`."""
    reading = Reading(text, name, diagnostics, size, opaque)
    outputs = reading.run()
    assembly = reading.assembly
    renamed = regions.find(assembly, [value for _, value in outputs], regions.by_tag)
    fillings = [replace(each, path=renamed.get(each.path, each.path)) for each in reading.fillings]

    def fill(path: Path) -> Filled:
        return weights.read(path, fillings, assembly.weights)

    return Read(assembly, outputs, fill)
