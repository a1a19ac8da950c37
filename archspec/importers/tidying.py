"""Simplifications: several layers are replaced by one op that does the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from archspec.importers.joins import grown_joins
from archspec.importers.network import Layer, Output


def tidy(layers: Sequence[Layer], outputs: Sequence[Output]) -> list[Layer]:
    """The layers of a network with every rule below applied; the outputs stay the same."""
    for rule in (_normalised_map, _shuffled, _long_sum, grown_joins, _all_same):
        read_by: Counter[int] = Counter(output.value for output in outputs)
        for layer in layers:
            read_by.update([*layer.reads, *layer.refers.values()])
        dropped = set(map(id, rule(layers, read_by)))
        layers = [layer for layer in layers if id(layer) not in dropped]
    return list(layers)


def _normalised_map(layers: Sequence[Layer], read_by: Counter[int]) -> Iterator[Layer]:
    """Layer normalisation between two permutations, channels to the end and back, as one layer."""
    made = {layer.gives: layer for layer in layers}
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
        yield first
        yield layer


def _shuffled(layers: Sequence[Layer], read_by: Counter[int]) -> Iterator[Layer]:
    """A channel shuffle: channels split into groups, the two axes transposed, and flattened again."""
    made = {layer.gives: layer for layer in layers}
    for layer in layers:
        turned = made.get(layer.reads[0]) if layer.op == "reshape" else None
        parted = made.get(turned.reads[0]) if turned is not None and turned.op == "permute" else None
        if turned is None or parted is None or parted.op != "reshape" or read_by[turned.gives] != 1:
            continue
        groups, count, *kept = parted.arguments["shape"]
        (first, second, *axes), whole = turned.arguments["axes"], layer.arguments["shape"]
        if read_by[parted.gives] != 1 or axes != kept or second != "channels" or list(whole[1:]) != kept:
            continue
        if first not in axes and kept and whole[0] == groups * count:
            layer.op, layer.arguments, layer.reads = "channel_shuffle", {"groups": groups}, list(parted.reads)
            yield parted
            yield turned


def _long_sum(layers: Sequence[Layer], read_by: Counter[int]) -> Iterator[Layer]:
    """``a + b + c`` as one merge of three, which is also evaluated from the left."""
    for before, layer in pairwise(layers):
        if (
            layer.op == before.op
            and layer.op in ("add", "multiply")
            and layer.frame is before.frame
            and layer.reads[0] == before.gives
            and read_by[before.gives] == 1
            and not layer.arguments
            and not before.arguments
        ):
            layer.reads = [*before.reads, *layer.reads[1:]]
            yield before


def _all_same(layers: Sequence[Layer], read_by: Counter[int]) -> Iterator[Layer]:
    """In a network with strided ``same``, give every convolution that keeps its size ``same``; removes no layer."""
    convolutions = [layer.arguments for layer in layers if layer.op == "conv"]
    if any(arguments.get("padding") == "same" for arguments in convolutions):
        for arguments in convolutions:
            if _keeps_size(**arguments):
                arguments["padding"] = "same"
    yield from ()


def _keeps_size(kernel: Any, padding: Any = 0, stride: Any = 1, dilation: Any = 1, **_: Any) -> bool:
    """Whether a convolution's padding equals that of ``same``, is symmetric, and is not zero."""
    if not all(isinstance(one, int) for one in (kernel, padding, stride, dilation)):
        return False
    return stride == 1 and padding > 0 and 2 * padding == dilation * (kernel - 1)
