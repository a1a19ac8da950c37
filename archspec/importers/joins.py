"""Growing concatenations, as in dense blocks: each joins all inputs of the one before and one more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from archspec.importers.network import Frame, Layer


def grown_joins(layers: Sequence[Layer], read_by: Counter[int]) -> Iterator[Layer]:
    """Make each concatenation read the one before and its new input; no layer is removed.

    Gradients are summed in the same order, since after the first of these joins only joins read the joined values.
    Each join is placed where its new input was made, so that modules whose outputs are all joined later are alike.
    """
    reads = {id(layer): tuple(layer.reads) for layer in layers}
    place = {id(layer): at for at, layer in enumerate(layers)}
    readers: dict[int, list[Layer]] = {}
    for layer in layers:
        for value in (*layer.reads, *layer.refers.values()):
            readers.setdefault(value, []).append(layer)
    chains: dict[tuple[int, ...], tuple[int, Layer]] = {}
    for at, layer in enumerate(layers):
        every = reads[id(layer)]
        if layer.op != "concat" or len(set(every)) < len(every):
            continue
        begin, before = chains.get(every[:-1], (at, None))
        chains[every] = (begin, layer)
        if before is None or before.arguments != layer.arguments or read_by[before.gives] != 1:
            continue
        if any(read_by[value] != len(readers[value]) for value in every[:-1]):  # an output
            continue
        later = [one for value in every[:-1] for one in readers[value] if place[id(one)] > begin]
        if all(one.op == "concat" and _goes_on(reads[id(one)], every) for one in later):
            layer.reads = [before.gives, every[-1]]
            for join in (before, layer):
                _move(join, layers[place[id(join)] - 1])
    yield from ()


def _goes_on(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether one of two lists of values is a prefix of the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _move(join: Layer, before: Layer) -> None:
    """Put a join at the end of the module that makes its new input."""
    around = set(map(id, _calls(join.frame)))
    calls = [frame for frame in _calls(before.frame) if id(frame) not in around]
    if before.gives == join.reads[-1] and calls and not calls[-1].chain:
        join.frame = calls[-1]


def _calls(frame: Frame | None) -> Iterator[Frame]:
    """A call and its enclosing calls, from the inside out."""
    while frame is not None:
        yield frame
        frame = frame.parent
