"""Keras's networks: ``.keras``, ``.json`` and ``.h5``, and their weights, without Keras.

The stages, one file each, in order: ``files`` extracts the configuration from a file; ``graph`` flattens nested models
and sorts the calls of layers; ``network`` assembles them; ``layers``, ``activations`` and ``shapes`` translate each to
ops, ``keeping`` the others to opaque steps; ``weights`` reads the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from archspec.diagnostics import Diagnostics
from archspec.importers import regions
from archspec.importers.assembly import Read
from archspec.importers.keras import activations, files, layers, shapes, weights
from archspec.importers.keras.graph import flat
from archspec.importers.keras.keeping import keeper
from archspec.importers.keras.network import Network
from archspec.importers.naming import legal
from archspec.importers.opaque import unknown_tensors
from archspec.importers.tensors import Filled

RULES = {**layers.RULES, **activations.RULES, **shapes.RULES}
"""The translation rule of each layer class."""


def read(path: Path, diagnostics: Diagnostics, size: Sequence[int] | None = None, opaque: bool = False) -> Read:
    """The network of a file; errors are added to the diagnostics.  Raises :class:`Fault`."""
    kept = files.network(path)
    unknown: list[str] = []
    keep = keeper(path, kept.config, unknown) if opaque else None
    found = flat(kept.config)
    given = kept.config.get("config")
    title = given.get("name") if isinstance(given, dict) else None
    network = Network(found, legal(title if isinstance(title, str) else path.stem, "net"), kept.old, size, keep)
    outputs = network.run(RULES, shapes.OPERATIONS, diagnostics)
    if unknown:
        diagnostics.add(unknown_tensors(unknown))
    assembly = network.assembly
    flat_names = all(layer.frame.parent is None for layer in assembly.layers)
    renamed = regions.find(assembly, [value for _, value in outputs], regions.Order()) if flat_names else {}
    fillings = [replace(each, key=regions.key(each.key, renamed)) for each in network.fillings]

    def fill(weights_path: Path) -> Filled:
        return weights.read(weights_path, kept.config, fillings, assembly.weights)

    return Read(assembly, outputs, fill)
