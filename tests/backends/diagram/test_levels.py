"""Pictures by resolution: boxes stand in the column of their size, below what they read, and no line crosses a box."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import pytest

import archspec
from archspec.backends.diagram import draw, text
from archspec.backends.diagram.levels import Levels
from archspec.backends.diagram.measures import Settings, box_width
from archspec.backends.diagram.plan import Plan
from archspec.backends.diagram.sketch import Mark, Piece, Point
from archspec.backends.diagram.streams import streams
from archspec.graph import Graph
from tests.helpers.places import SPECS
from tests.helpers.stream_specs import PYRAMID, stream_spec

TANGLED = ("hrnet_w18", "unetplusplus_resnet34", "yolov5n")


def _levels(graph: Graph) -> Levels | None:
    return Plan(graph, graph.sizes).by_resolution()


def _drawn(graph: Graph, levels: Levels) -> Piece:
    width = max(box_width(unit) for unit in levels.units)
    return streams(levels, Settings(width, lambda shape: text.shape_words(shape, graph.sizes), focused=False))


def _crosses(start: Point, end: Point, mark: Mark) -> bool:
    """Whether a straight stretch runs through the inside of a mark, by points along it."""
    count = max(2, math.ceil(math.dist(start, end)))
    for at in range(count + 1):
        x = start[0] + (end[0] - start[0]) * at / count
        y = start[1] + (end[1] - start[1]) * at / count
        if abs(x - mark.x) < mark.width / 2 - 1 and abs(y - mark.y) < mark.height / 2 - 1:
            return True
    return False


def _check(graph: Graph) -> None:
    levels = _levels(graph)
    assert levels is not None
    piece = _drawn(graph, levels)
    for one, other in combinations(piece.marks, 2):
        apart = (
            abs(one.x - other.x) >= (one.width + other.width) / 2
            or abs(one.y - other.y) >= (one.height + other.height) / 2
        )
        assert apart, (one.unit.key, other.unit.key)
    for line in piece.lines:
        assert line.tail.y < line.head.y
        for start, end in pairwise(line.points):
            crossed = [mark.unit.key for mark in piece.marks if _crosses(start, end, mark)]
            assert not crossed, (line.tail.unit.key, line.head.unit.key)
    width = {}
    for unit, column in zip(levels.units, levels.columns, strict=True):
        size = text.spatial(unit.shape, graph.sizes)
        if unit.sign:  # what only leads in or out stands in the column beside
            width.setdefault(column, set()).add(size[-1])
    assert all(len(sizes) == 1 for sizes in width.values())
    ordered = [next(iter(width[column])) for column in sorted(width)]
    assert ordered == sorted(ordered, reverse=True)


@pytest.mark.parametrize("name", TANGLED)
def test_networks_of_several_resolutions(name: str) -> None:
    _check(archspec.load(SPECS / "more" / f"{name}.yaml").graph)


def test_a_pyramid() -> None:
    graph = archspec.loads(PYRAMID).graph
    _check(graph)
    levels = _levels(graph)
    assert levels is not None
    ends = {unit.title: column for unit, column in zip(levels.units, levels.columns, strict=True) if unit.role == "io"}
    assert ends == {"image": 0, "p0": 0, "p1": 1, "p2": 2, "p3": 3}


@pytest.mark.parametrize("seed", range(18))
def test_random_streams(seed: int) -> None:
    graph = archspec.loads(stream_spec(seed)).graph
    if _levels(graph) is not None:
        _check(graph)


def test_most_random_streams_are_drawn_so() -> None:
    drawn = [seed for seed in range(18) if _levels(archspec.loads(stream_spec(seed)).graph) is not None]
    assert len(drawn) > 9


def test_the_streams_of_hrnet() -> None:
    graph = archspec.load(SPECS / "more" / "hrnet_w18.yaml").graph
    levels = _levels(graph)
    assert levels is not None
    blocks = [at for at, unit in enumerate(levels.units) if unit.title == "residual basic ×4"]
    rows: dict[int, list[int]] = {}
    for at in blocks:
        rows.setdefault(levels.rows[at], []).append(levels.columns[at])
    assert [sorted(columns) for _, columns in sorted(rows.items())] == [[0, 1], *[[0, 1, 2]] * 4, *[[0, 1, 2, 3]] * 3]
    assert "slanted: strided convolution, upsampling" in draw(graph).source


@pytest.mark.parametrize(
    "name", ["unet", "fcn8s_vgg16", "deeplabv3_resnet50", "googlenet", "densenet121", "lraspp_mobilenet_v3_large"]
)
def test_what_series_and_branches_tell_is_drawn_as_papers_do(name: str) -> None:
    graph = archspec.load(name).graph
    assert _levels(graph) is None
