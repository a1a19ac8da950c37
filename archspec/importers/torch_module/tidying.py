"""Layers said shorter: what several of them do together and one op does alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from archspec.importers.network import Layer, Output


def tidy(layers: Sequence[Layer], outputs: Sequence[Output]) -> tuple[list[Layer], list[Output]]:
    """Layer normalisation of a map whose channels go to the end and back, as one layer."""
    read_by: Counter[int] = Counter(output.value for output in outputs)
    for layer in layers:
        read_by.update([*layer.reads, *layer.refers.values()])
    made = {layer.gives: layer for layer in layers}
    dropped: set[int] = set()
    for layer in layers:
        norm = made.get(layer.reads[0]) if layer.op == "permute" else None
        if norm is None or norm.op != "layer_norm" or norm.arguments.get("axes", ("channels",)) != ("channels",):
            continue
        first = made.get(norm.reads[0])
        if first is None or first.op != "permute" or first.arguments["axes"][-1] != "channels":
            continue
        if layer.arguments["axes"][0] != "channels" or read_by[norm.gives] != 1 or read_by[first.gives] != 1:
            continue
        norm.reads, norm.gives = list(first.reads), layer.gives
        dropped |= {id(first), id(layer)}
    return [layer for layer in layers if id(layer) not in dropped], list(outputs)
