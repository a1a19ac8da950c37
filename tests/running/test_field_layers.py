"""The maps behind a place: what is marked of each is where torch's gradient is not zero."""

from __future__ import annotations

from pathlib import Path

import pytest

import archspec
from archspec.diagnostics import SpecError
from archspec.graph import Graph

pytest.importorskip("matplotlib")

import torch

from archspec.running.field_layers import behind, draw

CHAIN = """archspec: 1
name: Chain
inputs: {image: [1, H, W]}
sizes: {H: 24, W: 19}
steps:
  - conv as a: {channels: 1, kernel: 3, stride: 2}
  - relu
  - conv as b: {channels: 1, kernel: 3, dilation: 2, padding: 1}
  - max_pool as c: {kernel: 2}
"""


def _graph(text: str = CHAIN) -> Graph:
    return archspec.loads(text).graph


def _last(graph: Graph) -> int:
    return len(graph.nodes) - 1


def test_the_maps_of_a_chain_against_gradients() -> None:
    graph = _graph()
    maps = behind(graph, graph.sizes, _last(graph), 0)
    assert [one.title for one in maps] == ["image", "a", "b", "c"]
    a = torch.nn.Conv2d(1, 1, 3, stride=2)
    b = torch.nn.Conv2d(1, 1, 3, dilation=2, padding=1)
    for layer in (a, b):
        torch.nn.init.ones_(layer.weight)
    image = torch.rand(1, 1, 24, 19, requires_grad=True)
    first = a(image)
    second = b(first)
    third = torch.nn.functional.avg_pool2d(second, 2)  # reads all that max pooling chooses from
    for map_, value in zip(maps, (image, first, second, third), strict=True):
        value.retain_grad()
        assert (map_.height, map_.width) == tuple(value.shape[2:])
    third[0, 0, third.shape[2] // 2, third.shape[3] // 2].backward()
    for map_, value in zip(maps, (image, first, second, third), strict=True):
        assert value.grad is not None
        for row in range(map_.height):
            for column in range(map_.width):
                marked = map_.rows >> row & map_.columns >> column & 1
                assert marked == (value.grad[0, 0, row, column] != 0)


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_a_picture_of_each_kind(tmp_path: Path, ending: str) -> None:
    graph = _graph()
    file = tmp_path / f"layers.{ending}"
    draw(behind(graph, graph.sizes, _last(graph), 0), file)
    content = file.read_bytes()
    assert {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}[ending] in content


def test_the_same_picture_has_the_same_bytes(tmp_path: Path) -> None:
    graph = _graph()
    for name in ("one.svg", "two.svg"):
        draw(behind(graph, graph.sizes, _last(graph), 0), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("  - flatten\n  - linear: {features: 2}\n", "two spatial axes"),
        ("  - conv as c$i: {channels: 1, kernel: 3}\n    for: i in range(9)\n", "10 maps"),
    ],
)
def test_what_cannot_be_drawn_is_refused(steps: str, words: str) -> None:
    graph = _graph(f"archspec: 1\nname: N\ninputs: {{x: [1, H, W]}}\nsizes: {{H: 32, W: 32}}\nsteps:\n{steps}")
    with pytest.raises(SpecError, match=words) as error:
        behind(graph, graph.sizes, _last(graph), 0)
    assert error.value.diagnostics[0].code == "no-layers"
