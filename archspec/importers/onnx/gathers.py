"""Translates numbers that are gathered by constant places, as torch's exporter writes some of its operations."""

from __future__ import annotations

from archspec.importers.onnx.lowering import Lowering, Rule, refuse
from archspec.importers.onnx.messages import Node
from archspec.importers.onnx.numbers import known
from archspec.importers.onnx.shapes import view
from archspec.importers.onnx.values import Step, count

MOST_PLACES = 1_000_000


def _places(lowering: Lowering, node: Node) -> tuple[tuple[int, ...], list[int]]:
    """The shape and the numbers of the places."""
    stored = lowering.weight(node, 1)
    if count(stored.dims) > MOST_PLACES:
        raise refuse(f"more than {MOST_PLACES:,} places are not supported")
    return stored.dims, [int(place) for place in known(stored, lowering.folder)]


def _in_order(lowering: Lowering, node: Node) -> Step:
    """All numbers of a tensor in their order: another shape at most."""
    source = lowering.step(node)
    dims, places = _places(lowering, node)
    own = [int(size) for size in lowering.dims(source)]
    if "sample" in node.attributes:  # the places of one sample, where the batch may be of any size
        if (node.attributes["sample"], dims[:1]) != (count(own[1:]), (1,)):
            raise refuse("only all numbers in their order are supported")
        own[0] = 1
    if places != list(range(len(places))) or count(own) != len(places) or dims[:1] != (own[0],):
        raise refuse("only all numbers in their order are supported")
    return Step(source) if list(dims) == own else view(lowering, source, dims[1:])


def _window_means(lowering: Lowering, node: Node) -> Step:
    """Adaptive average pooling: the windows must be those of the map's own size, which is then fixed."""
    source = lowering.step(node)
    dims, places = _places(lowering, node)
    sizes = [int(size) for size in lowering.dims(source)[2:]]
    if len(sizes) != 2 or len(dims) != 5 or dims[4] != 2:
        raise refuse("only windows over height and width are supported")
    spans = [
        [range(at * size // parts, -(-(at + 1) * size // parts)) for at in range(parts)]
        for size, parts in zip(sizes, (dims[0], dims[2]), strict=True)
    ]
    wanted = [
        number for down in spans[0] for row in down for across in spans[1] for column in across
        for number in (row, column)
    ]  # fmt: skip
    same = all(len(span) == extent for own, extent in zip(spans, (dims[1], dims[3]), strict=True) for span in own)
    if not same or places != wanted:
        raise refuse("the windows are not those of adaptive pooling")
    lowering.assembly.pinned = True
    return lowering.add("adaptive_avg_pool", [source], size=[dims[0], dims[2]])


def _computed_windows(lowering: Lowering, node: Node) -> Step:
    """torch writes the places of the size it has seen as numbers, so that the file is right at that size only."""
    raise refuse(
        "adaptive average pooling for maps of any size is exported wrongly by torch, and right at one size only",
        "export it with a fixed height and width, without dynamic axes 2 and 3",
    )


RULES: dict[str, Rule] = {"Places": _in_order, "WindowMeans": _window_means, "ComputedWindowMeans": _computed_windows}
"""The translation rule of each fused node."""
