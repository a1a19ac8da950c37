"""Emitted source as an engineer would have written it: a small spec for each habit, its text and what it computes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import archspec
from archspec.backends.torch_source import emit
from tests.helpers.emission import hold_against_graph

HEAD = "archspec: 1\nname: Net\ninputs: {image: [3, H, W]}\nsizes: {H: 16, W: 16}\n"

WRITTEN = {
    "outputs_of_a_block": """
blocks:
  backbone:
    steps:
      - sequence as layer1: [{conv: {channels: 4, kernel: 3, padding: 1}}, relu]
      - sequence as layer2: [{conv: {channels: 8, kernel: 3, padding: 1}}, relu]
        label: c3
      - conv as layer3: {channels: 12, kernel: 3, padding: 1}
  inception:
    steps:
      - sequence as left: [{conv: {channels: 4, kernel: 1}}]
      - sequence as right: [{conv: {channels: 6, kernel: 1}}]
        from: input
      - relu:
        label: rectified
steps:
  - backbone as body
  - inception as mixed
  - concat as all:
    from: [mixed.left, mixed.rectified, mixed.right]
  - conv as p4: {channels: 4, kernel: 1}
  - conv as p3: {channels: 4, kernel: 1}
    from: body.c3
  - conv as p2: {channels: 4, kernel: 1}
    from: body.layer1
  - add:
    from: [p4, p3, p2]
""",
}


def spec(name: str) -> archspec.Spec:
    return archspec.loads(HEAD + WRITTEN[name])


@pytest.mark.parametrize("name", WRITTEN)
def test_text(name: str, golden: Callable[..., None]) -> None:
    golden(emit(spec(name).graph), suffix="py")


@pytest.mark.parametrize("name", WRITTEN)
def test_is_its_graph(name: str) -> None:
    hold_against_graph(spec(name), 16)
