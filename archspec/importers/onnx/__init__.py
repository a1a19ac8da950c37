"""ONNX's networks and their weights, as torch and other tools write them.

The stages, one file each, in order: ``messages`` reads the file; ``attributes`` checks the nodes; ``patterns``
fuses nodes that belong together; ``places`` finds the module of each node; ``lowering`` walks the nodes by the rules
in ``layers``, ``activations``, ``arithmetic``, ``shapes``, ``gathers`` and ``resizing``, and in ``folding`` for values
known before the network runs; ``keeping`` makes opaque steps of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from archspec.diagnostics import Diagnostics
from archspec.importers import regions
from archspec.importers.assembly import Read
from archspec.importers.naming import legal
from archspec.importers.network import Output
from archspec.importers.onnx import (
    activations,
    arithmetic,
    folding,
    gathers,
    layers,
    messages,
    resizing,
    shapes,
    weights,
)
from archspec.importers.onnx.attributes import check
from archspec.importers.onnx.keeping import keeper
from archspec.importers.onnx.lowering import SHARING, Lowering, Rule
from archspec.importers.onnx.messages import Node
from archspec.importers.onnx.patterns import together
from archspec.importers.onnx.places import places
from archspec.importers.tensors import Filled
from archspec.importers.tidying import tidy

_STEPS: dict[str, Rule] = {
    **layers.RULES, **activations.RULES, **arithmetic.RULES, **shapes.RULES, **resizing.RULES,
    **gathers.RULES,
}  # fmt: skip
RULES: dict[str, Rule] = _STEPS | {op: folding.folded(_STEPS.get(op), rule) for op, rule in folding.RULES.items()}
"""The translation rule of each operator."""


def read(path: Path, diagnostics: Diagnostics, size: Sequence[int] | None = None, opaque: bool = False) -> Read:
    """The network of a file; errors are added to the diagnostics.  Raises :class:`Fault`."""
    model = messages.read(path)
    for node in model.nodes:
        check(node)
    nodes = together(model, path.parent)
    keep = keeper(model) if opaque else None
    lowering = Lowering(model, path.parent, diagnostics, legal(path.stem, "net"), size, keep)

    readers = Counter(name for node in nodes for name in node.inputs)

    def owner(node: Node) -> str:
        at = layers.WEIGHTS.get(node.op)
        if at is None or at >= len(node.inputs):
            return ""
        if node.op not in SHARING and readers[node.inputs[at]] > 1:
            return ""  # equal tensors that an exporter made one: it is named after the first module that has it
        return node.inputs[at] if node.inputs[at] in lowering.values or node.op != "MatMul" else ""

    assembly = lowering.assembly
    outputs = lowering.run(nodes, places(model, nodes, owner, assembly.root), RULES)
    assembly.layers[:] = tidy(assembly.layers, [Output(*output) for output in outputs])
    renamed = regions.find(assembly, [value for _, value in outputs], regions.by_tag) if _flat(lowering) else {}
    fillings = [replace(each, key=regions.key(each.key, renamed)) for each in lowering.fillings]

    def fill(weights_path: Path) -> Filled:
        return weights.read(weights_path, fillings, assembly.weights)

    return Read(assembly, outputs, fill)


def _flat(lowering: Lowering) -> bool:
    """Whether the file records no modules."""
    return all(layer.frame.parent is None for layer in lowering.assembly.layers)
