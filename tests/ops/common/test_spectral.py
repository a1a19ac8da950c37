"""Spectral normalisation: torch's own parametrisation, key by key, in evaluation and in training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

import archspec
from tests.helpers.bits import same_bits

CRITIC = """
archspec: 1
name: Critic
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
defaults:
  spectral_conv: {init: {weight: {normal: {std: 0.02}}, bias: ones}}
steps:
  - sequence as main:
      - spectral_conv: {channels: 8, kernel: 4, stride: 2, padding: 1}
      - leaky_relu: {negative_slope: 0.1}
      - spectral_conv: {channels: 16, kernel: 3, stride: 2, iterations: 2, eps: 1e-6}
  - global_avg_pool
  - flatten
  - spectral_linear as fc: {features: 5, init: zeros, bias: false}
"""


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            spectral_norm(nn.Conv2d(3, 8, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.1),
            spectral_norm(nn.Conv2d(8, 16, 3, stride=2), n_power_iterations=2, eps=1e-6),
        )
        self.fc = spectral_norm(nn.Linear(16, 5, bias=False))

    def forward(self, image: Tensor) -> Tensor:
        return self.fc(self.main(image).mean((2, 3)))


def test_a_critic_by_hand() -> None:
    spec = archspec.loads(CRITIC)
    model = archspec.compile(spec)
    same_bits(model, ByHand(), torch.rand(2, 3, 20, 18))
    assert {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()} == spec.graph.state


def test_what_is_initialised_is_the_weight_as_it_is_learnt() -> None:
    state = archspec.compile(archspec.loads(CRITIC)).state_dict()
    assert 0.01 < state["main.0.parametrizations.weight.original"].std() < 0.03
    assert state["main.2.bias"].eq(1).all()
    assert state["fc.parametrizations.weight.original"].eq(0).all()
