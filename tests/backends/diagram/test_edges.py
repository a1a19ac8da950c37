"""A picture's lines are the graph's edges, both contracted to what is drawn; the words beside them say what flows.

Every shipped network and random specs of blocks, at every depth and left to themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

import archspec
from archspec.backends.diagram import Figure, draw
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Unit, units_of
from archspec.backends.diagram.units import data_inputs, is_parameter
from archspec.diagnostics import SpecError
from archspec.graph import Graph
from tests.helpers.block_specs import block_spec
from tests.helpers.places import EACH_SHIPPED, SHARED, SPECS
from tests.helpers.stream_specs import PYRAMID, stream_spec

FAULTS = SHARED / "faults"
DEPTHS = (0, 1, 2, 3, None)

NESTED_SKIPS = """archspec: 1
name: Skips
inputs: {x: [3, H, W]}
sizes: {H: 32, W: 32}
steps:
  - conv as a: {channels: 4, kernel: 3, padding: 1, stride: 2}
  - conv as b: {channels: 4, kernel: 3, padding: 1, stride: 2}
  - conv as c: {channels: 4, kernel: 3, padding: 1, stride: 2}
  - sequence as decoder:
      - upsample: {scale: 2}
      - add:
        from: [previous, b]
      - upsample: {scale: 2}
      - add:
        from: [previous, a]
      - conv as last: {channels: 4, kernel: 3, padding: 1}
"""

TWO_VALUES = """archspec: 1
name: TwoValues
inputs: {x: [3, H, W]}
sizes: {H: 64, W: 64}
steps:
  - sequence as encoder:
      - conv as a: {channels: 8, kernel: 3, padding: 1, stride: 2}
      - conv as b: {channels: 16, kernel: 3, padding: 1, stride: 2}
  - conv as c: {channels: 4, kernel: 1}
    from: encoder.a
  - max_pool: {kernel: 2}
  - concat:
    from: [previous, encoder]
"""


def _groups(items: Sequence[Element]) -> Iterator[Group]:
    for item in items:
        if isinstance(item, Group):
            yield item
            yield from _groups(item.items)
        elif isinstance(item, Parallel):
            for branch in item.branches:
                yield from _groups(branch)


def _contraction(figure: Figure) -> dict[int, int]:
    """For each node the thing drawn that it is part of: a box, or what is drawn once for several copies.

    A projection that dots alone tell of is part of none.
    """
    shown = {id(unit) for line in figure.flows for unit in line}
    found = {node.index: id(unit) for unit in units_of(figure.elements) if id(unit) in shown for node in unit.nodes}
    for group in _groups(figure.elements):
        if group.count > 1:
            members = [*units_of(group.items), *group.copies]
            found |= {node.index: id(group) for unit in members for node in unit.nodes}
    return found


def _expected(graph: Graph, drawn: dict[int, int]) -> set[tuple[int, int]]:
    """Edges between things drawn; through what is not drawn (a hidden projection) as well."""
    reaches: dict[int, set[int]] = {}
    edges: set[tuple[int, int]] = set()
    for node in graph.nodes:
        sources = [index for index in data_inputs(node) if not is_parameter(graph.nodes[index])]
        seen = {place for index in sources for place in ({drawn[index]} if index in drawn else reaches[index])}
        if node.index in drawn:
            edges |= {(place, drawn[node.index]) for place in seen if place != drawn[node.index]}
        else:
            reaches[node.index] = seen
    return edges


def _lines(figure: Figure, drawn: dict[int, int]) -> set[tuple[int, int]]:
    def place(unit: Unit) -> int | None:
        return next((drawn[node.index] for node in unit.nodes if node.index in drawn), None)

    ends = {(place(tail), place(head)) for tail, head in figure.flows}
    return {(tail, head) for tail, head in ends if tail is not None and head is not None and tail != head}


def _check(graph: Graph, depth: int | None) -> None:
    try:
        figure = draw(graph, depth=depth)
    except SpecError as error:
        assert (depth, error.diagnostics[0].code) == (depth or 3, "too-many-boxes")  # noqa: PT017
        return
    if any(unit.key == "more" for unit in units_of(figure.elements)):
        return  # it says itself that boxes are left out
    drawn = _contraction(figure)
    names = {id(unit): unit.key or unit.title for unit in units_of(figure.elements)}
    names |= {id(group): group.scope.path for group in _groups(figure.elements)}
    expected, lines = _expected(graph, drawn), _lines(figure, drawn)
    lost = [(names[tail], names[head]) for tail, head in expected - lines]
    made_up = [(names[tail], names[head]) for tail, head in lines - expected]
    assert (lost, made_up) == ([], []), f"depth {depth}"


@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_shipped_networks(name: str) -> None:
    graph = archspec.load(name).graph
    for depth in DEPTHS:
        _check(graph, depth)


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed >= 30)) for seed in range(60)])
def test_random_specs_of_blocks(seed: int) -> None:
    graph = archspec.loads(block_spec(seed)).graph
    for depth in DEPTHS:
        _check(graph, depth)


@pytest.mark.parametrize("name", ["hrnet_w18", "unetplusplus_resnet34", "yolov5n", "nafnet"])
def test_networks_of_several_resolutions(name: str) -> None:
    graph = archspec.load(SPECS / "more" / f"{name}.yaml").graph
    for depth in (0, 1, None):
        _check(graph, depth)


@pytest.mark.parametrize("seed", range(18))
def test_random_streams(seed: int) -> None:
    graph = archspec.loads(stream_spec(seed)).graph
    for depth in (0, None):
        _check(graph, depth)


@pytest.mark.parametrize("text", [NESTED_SKIPS, TWO_VALUES, PYRAMID])
def test_what_a_folded_block_reads_and_gives(text: str) -> None:
    graph = archspec.loads(text).graph
    for depth in DEPTHS:
        _check(graph, depth)


def test_a_line_tells_the_value_it_carries() -> None:
    source = draw(archspec.loads(TWO_VALUES).graph, depth=0).source
    assert "16×16×16" not in source.split("concat")[0].split("encoder ->")[-1]


def test_a_focused_scope_shows_every_value_it_gives() -> None:
    graph = archspec.loads(
        "archspec: 1\nname: Two\ninputs: {image: [3, H, W]}\nsizes: {H: 32, W: 32}\nsteps:\n"
        "  - conv as stem: {channels: 8, kernel: 1}\n  - sequence as two:\n"
        "      - conv as left: {channels: 4, kernel: 1}\n        from: stem\n        label: x\n"
        "      - conv as right: {channels: 6, kernel: 5, padding: 2}\n        from: stem\n        label: y\n"
        "  - concat:\n    from: [x, y]\n"
    ).graph
    source = draw(graph, focus="two").source
    assert "1×1 conv, 4" in source
    assert "5×5 conv, 6" in source


def test_a_focused_block_says_that_its_other_uses_differ() -> None:
    graph = archspec.load("squeezenet1_0").graph
    assert "one of 8 uses that differ: features.3" in draw(graph, focus="fire").source
    assert "uses that differ" not in draw(graph, focus="features.3").source
