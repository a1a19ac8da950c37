"""Timings: what is timed is the network, on the batch; nothing here says how long."""

from __future__ import annotations

import json

import pytest
import torch

import archspec
from archspec.diagnostics import SpecError
from archspec.graph import Graph
from archspec.running import devices, timing
from tests.helpers.command_line import run

SPEC = """
archspec: 1
inputs: {image: [3, H, W], other: [2, H, W]}
sizes: {H: 12, W: 12}
steps:
  - concat: {}
    from: [image, other]
  - conv: {channels: 4, kernel: 5}
"""


def test_every_run_is_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = archspec.loads(SPEC)
    seen: list[tuple[int, ...]] = []
    real = timing.compiled

    def watched(graph: Graph) -> torch.nn.Module:
        model = real(graph)
        model.register_forward_hook(lambda module, given, output: seen.append(tuple(output.shape)))
        return model

    monkeypatch.setattr(timing, "compiled", watched)
    found = timing.measure(spec, {"H": 14}, 3, devices.find("cpu"), "float64", seconds=0.01, threads=1)
    assert set(seen) == {(3, 4, 10, 8)}
    assert found.runs >= 3
    assert 0 < found.lower <= found.median <= found.upper
    assert found.images_per_second == pytest.approx(3 / found.median)
    assert found.multiply_adds_per_second == pytest.approx(3 * (4 * 5 * 25 * 10 * 8) / found.median)


def test_sizes_that_do_not_fit() -> None:
    with pytest.raises(SpecError, match="H"):
        timing.measure(archspec.loads(SPEC), {"H": 3}, 1, devices.find("cpu"))


def test_profile_as_a_command() -> None:
    words = ("profile", "squeezenet_digits", "--batch", "1", "--batch", "2", "--seconds", "0.01", "--device", "cpu")
    status, out, error = run(*words, "--format", "json")
    assert status == 0, error
    assert [each["batch"] for each in json.loads(out)["batches"]] == [1, 2]
    assert "images/s" in run(*words)[1]
