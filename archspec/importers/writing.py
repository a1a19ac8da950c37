"""From layers to a spec's text: the stages after an importer, in order."""

from __future__ import annotations

from archspec.importers import blocks, branches, scopes, text
from archspec.importers.network import Network


def written(network: Network, channels: dict[int, int]) -> str:
    """The spec of a network as text; ``channels`` are those of the known values."""
    root = scopes.tree(network)
    read_by = branches.readers(root)
    read_by.update(output.value for output in network.outputs)
    branches.fold(root, read_by)
    found = blocks.find(root, read_by, channels, network.initial)
    return text.write(network, root, found)
