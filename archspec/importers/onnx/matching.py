"""The nodes of a graph as patterns look for them: by what they make, and by what reads it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.onnx.messages import Model, Node
from archspec.importers.onnx.numbers import known

OURS = "archspec"
"""The domain of fused nodes."""


class Matching:
    """The nodes of a graph with the maker and the readers of each value."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.folder = folder
        self.nodes: dict[int, Node] = dict(enumerate(model.nodes))
        self.makers = {name: at for at, node in self.nodes.items() for name in node.outputs if name}
        self.readers = Counter(name for node in model.nodes for name in node.inputs)
        self.readers.update(model.outputs)
        self.tensors = model.stored

    def made(self, name: str, op: str, alone: bool = True) -> tuple[int, Node] | None:
        """The node that makes a value, if its operator is ``op``; ``alone``: the value must have a single reader."""
        at = self.makers.get(name)
        if at is None or at not in self.nodes or (alone and self.readers[name] != 1):
            return None
        node = self.nodes[at]
        return (at, node) if node.op == op and node.domain in ("", "ai.onnx", OURS) else None

    def only_for(self, name: str) -> list[int]:
        """The nodes that only serve to make a value with a single reader."""
        left: Counter[str] = Counter()
        gone: list[int] = []
        waiting = [name]
        while waiting:
            value = waiting.pop()
            left[value] += 1
            at = self.makers.get(value)
            if (
                at is None
                or at not in self.nodes
                or any(left[one] < self.readers[one] for one in self.nodes[at].outputs)
            ):
                continue
            gone.append(at)
            waiting += self.nodes[at].inputs
        return gone

    def number(self, name: str) -> float | None:
        """The number of a scalar constant; None for any other value."""
        stored = self.tensors.get(name)
        if stored is None or prod(stored.dims) != 1:
            return None
        try:
            return float(known(stored, self.folder)[0])
        except Fault:
            return None

    def put(self, at: int, gone: list[int], node: Node) -> None:
        """Put a node in the place of another, and remove the nodes ``gone``."""
        for other in gone:
            self.nodes.pop(other)
        self.nodes[at] = node


def one_node(node: Node, op: str, reads: list[str], **attributes: Any) -> Node:
    """A node of ours in the place of another."""
    return replace(node, op=op, domain=OURS, written=node.written or node.op, inputs=reads, attributes=attributes)
