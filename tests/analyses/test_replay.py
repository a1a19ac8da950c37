"""Memory played back at other sizes: what the analysis itself says there, copies and refusals included."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archspec import load, loads
from archspec.analyses.memory import memory
from archspec.analyses.replay import Replay

COPIES = """
archspec: 1
inputs: {image: [4, H, W]}
sizes: {H: 8, W: 8}
steps:
  - conv: {channels: 4, kernel: 1}
  - crop: {size: 4}
  - group_norm: {groups: 2}
  - flatten
  - linear: {features: 3}
"""
"""What is cropped is a copy afterwards, unless nothing is cut off."""

NETWORKS = {
    **{name: load(name).graph for name in ("mobilenet_v1", "resnet18", "unet_same", "shufflenet_v2_x1_0")},
    "copies": loads(COPIES).graph,
}


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(sorted(NETWORKS)),
    st.lists(st.integers(1, 12), min_size=1, max_size=3),
    st.integers(1, 3),
    st.sampled_from(["float32", "bfloat16"]),
)
def test_a_recording_says_what_the_analysis_says(name: str, sizes: list[int], batch: int, dtype: str) -> None:
    graph = NETWORKS[name]
    replay = Replay(graph, batch, dtype)
    for size in sizes:
        at = {"H": 16 * size, "W": 16 * (13 - size)} if name != "copies" else {"H": 3 + size, "W": 4}
        assert replay.at(at) == memory(graph, at, batch, dtype)


def test_sizes_without_a_number_are_refused_as_by_the_analysis() -> None:
    with pytest.raises(ValueError):
        Replay(NETWORKS["resnet18"]).at({"H": 32})


def test_a_crop_of_nothing_is_another_recording() -> None:
    replay = Replay(NETWORKS["copies"])
    least, more = replay.at({"H": 4, "W": 4}), replay.at({"H": 4, "W": 5})
    assert least == memory(NETWORKS["copies"], {"H": 4, "W": 4})
    assert more == memory(NETWORKS["copies"], {"H": 4, "W": 5})
    assert (more.inference or 0) > (least.inference or 0)
