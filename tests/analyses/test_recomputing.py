"""Checkpointed blocks: what they compute is the same bit for bit, and training takes the memory that is said."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import archspec
from archspec.analyses.memory import memory
from tests.helpers.bits import randomise, run
from tests.helpers.live_storages import inputs_of, training

NESTED = """
archspec: 1
name: Nested
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
blocks:
  inner:
    params: {channels}
    steps:
      - conv as conv: {channels: $channels, kernel: 3, padding: 1}
      - batch_norm as norm
      - relu
      - dropout: {p: 0.3}
  outer:
    params: {channels}
    steps:
      - inner as first: {channels: $channels}
        checkpoint: true
      - inner as second: {channels: $channels}
      - batch_norm as last: {momentum: null}
steps:
  - outer as a: {channels: 6}
    checkpoint: true
  - outer as b: {channels: 8}
  - sequence as end:
      - conv: {channels: 4, kernel: 1}
      - sigmoid
      - conv: {channels: 4, kernel: 3}
    checkpoint: true
  - global_avg_pool
  - flatten
  - linear as fc: {features: 5}
"""
CASES = [
    pytest.param("densenet121", {"block": "dense_layer"}, marks=pytest.mark.slow),
    pytest.param("resnet18", {"block": "residual_basic"}, marks=pytest.mark.slow),
    pytest.param("mobilenet_v2", {"block": "inverted_residual"}, marks=pytest.mark.slow),
    ("squeezenet1_1", {"block": "fire"}),
    ("squeezenet1_1", {"step": "features"}),
]


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def same_step(plain: nn.Module, other: nn.Module, image: torch.Tensor) -> None:
    """Assert that one step of training gives both the same outputs, gradients and statistics, bit for bit."""
    randomise(plain)
    other.load_state_dict(plain.state_dict())
    for (name, mine), (same, its) in zip(run(plain, image), run(other, image), strict=True):
        assert name == same
        assert (mine is None) == (its is None)
        assert mine is None or its is None or torch.equal(mine, its), name


def plainly(text: str) -> str:
    """A spec without its checkpoints."""
    return "\n".join(line for line in text.splitlines() if "checkpoint" not in line)


@pytest.mark.parametrize(("name", "where"), CASES)
def test_a_step_is_the_same_and_takes_what_is_said(name: str, where: dict[str, Any]) -> None:
    spec = archspec.load(name)
    less = archspec.rewrite(spec, {"checkpoint": where})
    sizes = dict.fromkeys(spec.graph.sizes, 32)
    given = inputs_of(spec.graph, sizes, 3)
    same_step(archspec.compile(spec).train(), archspec.compile(less).train(), given[0])
    said = memory(less.graph, sizes, 3)
    assert said.training == pytest.approx(training(archspec.compile(less), given), rel=0.01)
    assert said.training is not None
    assert said.training <= (memory(spec.graph, sizes, 3).training or 0)
    assert said.inference == memory(spec.graph, sizes, 3).inference


def test_the_outer_one_counts_of_two() -> None:
    """`first` is computed again as a part of `a`, and by itself in `b`."""
    spec, plain = archspec.loads(NESTED), archspec.loads(plainly(NESTED))
    assert archspec.source(spec).count("recomputed(") == 4  # the function, and three calls
    given = inputs_of(spec.graph, spec.graph.sizes, 4)
    same_step(archspec.compile(plain).train(), archspec.compile(spec).train(), given[0])
    said = memory(spec.graph, spec.graph.sizes, 4).training
    assert said == pytest.approx(training(archspec.compile(spec), given), rel=0.01)


def test_a_spec_written_out_keeps_it() -> None:
    spec = archspec.loads(NESTED)
    again = archspec.loads(archspec.expand(spec))
    assert memory(again.graph, spec.graph.sizes, 4) == memory(spec.graph, spec.graph.sizes, 4)


def test_dense_layers_take_a_third_less() -> None:
    """DenseNet-121 at batch 16, as said before it runs (https://arxiv.org/abs/1707.06990 has the idea)."""
    spec = archspec.load("densenet121")
    less = archspec.rewrite(spec, "checkpoint(block=dense_layer)")
    before, after = (memory(each.graph, spec.graph.sizes, 16).training for each in (spec, less))
    assert before is not None
    assert after is not None
    assert after < 0.64 * before


@pytest.mark.parametrize(
    "step",
    ["- relu: {}\n    checkpoint: true", "- steps: [relu]\n    checkpoint: true"],
)
def test_it_wants_a_module(step: str) -> None:
    with pytest.raises(archspec.SpecError, match="bad-recompute"):
        archspec.loads(f"archspec: 1\nname: N\ninputs: {{x: [3, H, W]}}\nsizes: {{H: 8, W: 8}}\nsteps:\n  {step}\n")


def test_the_rewrite_refuses_an_op() -> None:
    with pytest.raises(archspec.SpecError, match="no values inside"):
        archspec.rewrite(archspec.load("resnet18"), {"checkpoint": "conv1"})
    with pytest.raises(archspec.SpecError, match="nothing in this network is a block"):
        archspec.rewrite(archspec.load("resnet18"), {"checkpoint": {"block": "nothing"}})
