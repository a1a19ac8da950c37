"""`reuse` with `transposed`: an autoencoder whose decoder has the encoder's weights, through all that exists."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from tests.helpers.bits import same_bits

TIED = """
archspec: 1
name: Tied
inputs: {image: [3, H, W]}
sizes: {H: 18, W: 20}
steps:
  - sequence as encoder:
      - conv as c1: {channels: 8, kernel: 3, stride: 2, padding: 1}
      - relu
      - conv as c2: {channels: 16, kernel: [3, 4], stride: [2, 1], groups: 2, dilation: [1, 2]}
  - permute: {axes: [height, width, channels]}
  - linear as narrow: {features: 4}
  - relu
  - reuse: {step: narrow, transposed: true}
  - permute: {axes: [channels, height, width]}
  - reuse: {step: encoder.c2, transposed: true, output_padding: [1, 0]}
    label: up
  - parameter as bias: {shape: [8, 1, 1]}
  - add:
    from: [up, bias]
  - reuse: {step: encoder.c1, transposed: true, output_padding: 1}
"""


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential()
        self.encoder.add_module("c1", nn.Conv2d(3, 8, 3, 2, 1))
        self.encoder.add_module("1", nn.ReLU())
        self.encoder.add_module("c2", nn.Conv2d(8, 16, (3, 4), (2, 1), groups=2, dilation=(1, 2)))
        self.narrow, self.bias = nn.Linear(16, 4), nn.Parameter(torch.zeros(8, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.narrow(self.encoder(image).permute(0, 2, 3, 1)))
        x = F.linear(x, self.narrow.weight.t()).permute(0, 3, 1, 2)
        state = dict(self.encoder.named_parameters())
        first, second = state["c1.weight"], state["c2.weight"]
        x = F.conv_transpose2d(x, second, None, (2, 1), 0, (1, 0), 2, (1, 2)) + self.bias
        return F.conv_transpose2d(x, first, None, 2, 1, 1)


def test_an_autoencoder_by_hand() -> None:
    spec = archspec.loads(TIED)
    same_bits(archspec.compile(spec), ByHand(), torch.rand(2, 3, 18, 20))
    report = archspec.check(spec)
    assert report.parameters == sum(each.numel() for each in ByHand().parameters())
    again = archspec.loads(archspec.expand(spec))
    assert archspec.check(again).total == report.total
    assert archspec.source(again).count("conv_transpose2d") == archspec.source(spec).count("conv_transpose2d") == 2


HEAD = "archspec: 1\nname: N\ninputs: {image: [3, 8, 8]}\nsteps:\n  - conv as c: {channels: 4, kernel: 3}\n"
STEPS = {
    "channels": ("- conv: {channels: 5, kernel: 1}\n  - reuse: {step: c, transposed: true}", "do not fit this input"),
    "what": ("- relu as r\n  - reuse: {step: r, transposed: true}", "only a `conv` or a `linear` can be transposed"),
    "word": ("- reuse: {step: c, transpose: true}", "did you mean `transposed`?"),
    "flag": ("- reuse: {step: c, transposed: 1}", "must be true or false, not 1"),
    "none": ("- reuse: {transposed: true}", "write `reuse: conv1`"),
    "same": (
        "- conv as d: {channels: 4, kernel: 2, padding: same}\n  - reuse: {step: d, transposed: true}",
        "only if its padding is zeros, as many on both sides",
    ),
    "block": (
        "- sequence as s: [relu]\n  - reuse: {step: s, transposed: true}",
        "`s` is not one layer, so it cannot be transposed",
    ),
}


@pytest.mark.parametrize("steps", [pytest.param(each, id=name) for name, each in STEPS.items()])
def test_messages(steps: tuple[str, str]) -> None:
    with pytest.raises(archspec.SpecError, match=re.escape(steps[1])):
        archspec.loads(f"{HEAD}  {steps[0]}\n")


def test_rewrites_keep_the_two_together() -> None:
    spec = archspec.loads(TIED)
    for rewrite, said in (
        ({"set": {"step": "encoder.c1", "padding": 2}}, "reuses the weights of `encoder.c1`"),
        ({"width_multiplier": 0.5}, "is the transpose of"),
        ({"remove": "narrow"}, "which would be removed"),
    ):
        with pytest.raises(archspec.SpecError, match=re.escape(said)):
            archspec.rewrite(spec, rewrite)
