"""Questions about the nodes of a draft that several rules ask."""

from __future__ import annotations

from archspec.rewrites import Draft, DraftNode


def is_own(draft: Draft, node: DraftNode) -> bool:
    """Whether no other step uses a node's weights, and it uses those of no other."""
    return node.reuse is None and node not in draft.sharing


def is_output(draft: Draft, node: DraftNode) -> bool:
    """Whether a node's value is one of the network's outputs."""
    return any(one is node for _, one in draft.outputs)


def beside(layer: DraftNode, other: DraftNode) -> str:
    """The path of a node from the scope of another, with a leading dot for each scope further out."""
    around, path = layer.path.split(".")[:-1], other.path.split(".")
    common = 0
    while common < min(len(around), len(path) - 1) and around[common] == path[common]:
        common += 1
    return "." * (len(around) - common) + ".".join(path[common:])
