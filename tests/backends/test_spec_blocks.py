"""A spec that is expanded with its blocks has the same graph, whatever the spec's own blocks and loops were."""

from __future__ import annotations

import pytest

import archspec
from archspec.analyses.differences import compare
from archspec.elaborate.loader import spec_names
from tests.helpers.block_specs import block_spec
from tests.helpers.loop_specs import loop_spec

QUICK = ("dcgan_generator", "densenet_bc_40_12", "fcn8s_vgg16", "resnet18", "squeezenet1_1", "unet", "vgg11_bn")


def hold(spec: archspec.Spec) -> str:
    """The expanded text; its graph must be the spec's own, with the same initialisers."""
    text = archspec.expand(spec, blocks=True)
    assert [str(one) for one in compare(spec.graph, archspec.loads(text).graph).differences] == []
    return text


@pytest.mark.parametrize("name", [name for name in QUICK if name in spec_names()])
def test_a_shipped_spec(name: str) -> None:
    hold(archspec.load(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(spec_names()))
def test_every_shipped_spec(name: str) -> None:
    hold(archspec.load(name))


@pytest.mark.parametrize("seed", range(6))
def test_random_specs_of_blocks_and_loops(seed: int) -> None:
    for made in (block_spec(seed), loop_spec(seed)):
        hold(archspec.loads(made))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6, 300))
def test_many_random_specs(seed: int) -> None:
    for made in (block_spec(seed), loop_spec(seed)):
        hold(archspec.loads(made))


def test_blocks_are_kept_after_a_rewrite() -> None:
    spec = archspec.rewrite(archspec.load("resnet18"), "fold_batch_norm")
    text = hold(spec)
    assert "batch_norm" not in text
    assert text.count("\n") < 0.5 * archspec.expand(spec).count("\n")


def test_a_stage_of_a_varying_number_of_units_is_one_block() -> None:
    text = hold(
        archspec.loads(
            """
archspec: 1
name: Stages
inputs: {image: [3, H, W]}
sizes: {H: 32, W: 32}
blocks:
  unit:
    steps:
      - add: [[{conv as conv: {channels: $(input.channels), kernel: 3, padding: 1}}, relu], []]
  stage:
    params: {channels, depth}
    steps:
      - conv as down: {channels: $channels, kernel: 2, stride: 2}
      - unit as unit$i:
        for: i in range(1, depth + 1)
steps:
  - stage as stage1: {channels: 8, depth: 2}
  - stage as stage2: {channels: 16, depth: 5}
  - stage as stage3: {channels: 32, depth: 3}
"""
        )
    )
    assert "for: i in range(1, units + 1)" in text
    assert "when" not in text
    assert "units: 5" in text


def test_checkpoints_and_weights_of_losses_are_kept() -> None:
    text = hold(
        archspec.loads(
            """
archspec: 1
name: Kept
inputs: {image: [3, H, W]}
sizes: {H: 8, W: 8}
blocks:
  unit:
    steps: [{conv as conv: {channels: 4, kernel: 3, padding: 1}}, relu]
steps:
  - unit as first:
    checkpoint: true
  - unit as second:
    checkpoint: true
  - unit as third
  - unit as fourth
  - conv as score: {channels: 2, kernel: 1}
  - conv as early: {channels: 2, kernel: 1}
    from: second
outputs:
  out: score
  early: {from: early, training: true, loss_weight: 0.25}
"""
        )
    )
    assert text.count("checkpoint: true") == 2
    assert "training: true, loss_weight: 0.25" in text
