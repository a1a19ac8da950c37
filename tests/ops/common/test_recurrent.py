"""LSTM and GRU along an axis: a CRNN by hand, keys, memory, and what is refused."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn

import archspec
from archspec.analyses.memory import memory
from archspec.sizes import text
from tests.helpers.bits import same_bits
from tests.helpers.live_storages import inference, inputs_of

CRNN = """
archspec: 1
name: Crnn
inputs: {image: [1, 32, W]}
sizes: {W: 60}
steps:
  - sequence as cnn:
      - conv: {channels: 8, kernel: 3, padding: 1}
      - relu
      - max_pool: {kernel: [32, 4]}
  - reshape: {shape: [8, width], axes: [channels, width]}
  - permute: {axes: [width, channels]}
  - lstm as rnn: {features: 6, layers: 2, bidirectional: true}
  - gru as last: {features: 5, bias: false}
  - linear as score: {features: 11}
"""


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d((32, 4)))
        self.rnn, self.last = nn.LSTM(8, 6, 2, True, True, 0, True), nn.GRU(12, 5, 1, False, True)
        self.score = nn.Linear(5, 11)

    def forward(self, image: Tensor) -> Tensor:
        x = self.cnn(image).squeeze(2).transpose(1, 2)
        return self.score(self.last(self.rnn(x)[0])[0])


def test_a_crnn_by_hand() -> None:
    spec = archspec.loads(CRNN)
    same_bits(archspec.compile(spec), ByHand(), torch.rand(3, 1, 32, 41))
    report = archspec.check(spec)
    assert list(map(text, report.shapes["rnn"].dims)) == ["⌊W/4⌋", "12"]
    assert report.receptive_fields["rnn"].whole_axes >= {"width"}
    sizes = dict(spec.graph.sizes)
    found = inference(archspec.compile(spec).eval(), inputs_of(spec.graph, sizes, 2))
    assert memory(spec.graph, sizes, 2).inference == found


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("- lstm: {features: 4}", "lstm needs tokens with channels"),
        ("- gru: {features: 4, dropout: 0.1}", "`dropout` acts between layers, and there is one"),
        ("- lstm: {hidden_size: 4}", "write `features`"),
        ("- rnn: {features: 4}", "write `lstm` or `gru`"),
    ],
)
def test_messages(step: str, said: str) -> None:
    with pytest.raises(archspec.SpecError, match=re.escape(said)):
        archspec.loads(f"archspec: 1\nname: N\ninputs: {{image: [3, 4, 5]}}\nsteps:\n  {step}\n")
