"""Darknet's networks: ``.cfg``, and their weights, ``.weights``.

The stages, one file each, in order: ``cfg`` parses sections; ``layers`` translates each to ops; ``network`` assembles
them and makes the names that the file lacks; ``weights`` reads the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from archspec.diagnostics import Diagnostics
from archspec.importers import regions
from archspec.importers.assembly import Read
from archspec.importers.darknet import weights
from archspec.importers.darknet.network import assembled
from archspec.importers.tensors import Filled


def read(text: str, name: str, diagnostics: Diagnostics, size: Sequence[int] | None = None) -> Read:
    """The network of a ``.cfg``; errors are added to the diagnostics.  Raises :class:`Fault`."""
    network, outputs = assembled(text, name, diagnostics, size)
    assembly = network.assembly
    renamed = regions.find(assembly, [value for _, value in outputs], regions.Order())
    stored = [
        replace(each, path=renamed.get(each.path, each.path), norm=renamed.get(each.norm or "", each.norm))
        for each in network.stored
    ]

    def fill(path: Path) -> Filled:
        return weights.read(path, stored, assembly.weights)

    return Read(assembly, outputs, fill)
