"""The product of two branches: attention by hand, its memory with heads that lie apart, and what it refuses."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from archspec.analyses.memory import memory
from archspec.sizes import text
from tests.helpers.bits import same_bits
from tests.helpers.live_storages import inference, inputs_of

HEAD = "archspec: 1\nname: N\ninputs: {image: [4, H, W]}\nsizes: {H: 4, W: 6}\n"
ATTENTION = (
    HEAD
    + """\
blocks:
  heads:
    params: {part}
    steps:
      - chunk: {chunks: 3, index: $part}
      - permute: {axes: [channels, length]}
      - reshape: {shape: [2, 6, -1], axes: [heads, channels, length]}
      - permute: {axes: [heads, length, channels]}
steps:
  - flatten: {start: height}
  - permute: {axes: [length, channels]}
  - linear as qkv: {features: 36}
  - heads as q: {part: 0}
    from: qkv
  - heads as k: {part: 1}
    from: qkv
  - heads as v: {part: 2}
    from: qkv
  - matmul: {transpose: true, axes: [heads, length, keys]}
    from: [q, k]
  - softmax as weights: {axis: keys}
  - matmul:
    from: [previous, v]
"""
)


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(4, 36)

    def forward(self, image: Tensor) -> Tensor:
        parts = self.qkv(image.flatten(2).transpose(1, 2)).chunk(3, dim=2)
        query, key, value = (part.unflatten(2, (2, 6)).transpose(1, 2) for part in parts)
        return F.softmax(query @ key.transpose(-2, -1), dim=-1) @ value


def test_attention_by_hand() -> None:
    spec = archspec.loads(ATTENTION)
    same_bits(archspec.compile(spec), ByHand(), torch.rand(2, 4, 5, 3))
    report = archspec.check(spec)
    assert list(map(text, report.shapes["weights"].dims)) == ["2", "H·W", "H·W"]
    assert report.receptive_fields["weights"].whole


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_heads_that_lie_apart_are_copied(batch: int) -> None:
    """torch takes batch and heads as one axis; where their strides do not allow that, it copies."""
    spec = archspec.loads(ATTENTION)
    sizes = dict(spec.graph.sizes)
    found = inference(archspec.compile(spec).eval(), inputs_of(spec.graph, sizes, batch))
    assert memory(spec.graph, sizes, batch).inference == found


STEPS = {
    "three": ("- matmul: [[], [], []]", "matmul takes two branches, not 3"),
    "names": ("- matmul: {left: [], right: [], transpose: true}", "would both be called `height`"),
    "sizes": ("- matmul: [[], {slice: {axis: height, length: 2}}]", "only W = 2 fits"),
    "numbers": ("- matmul: [[], [pad: {amount: 1}, slice: {axis: height, length: 5}]]", "5"),
    "axes": ("- matmul: {left: [], right: [], transpose: true, axes: [rows, columns]}", "names 2 axes for 3"),
    "vector": ("- global_avg_pool\n  - flatten\n  - matmul: [[], []]", "this is a vector"),
    "parameter": ("- matmul: [[], {parameter as p: {shape: [4, 6, 6]}}]", "`linear` multiplies by a weight"),
}


@pytest.mark.parametrize("steps", [pytest.param(each, id=name) for name, each in STEPS.items()])
def test_messages(steps: tuple[str, str]) -> None:
    with pytest.raises(archspec.SpecError, match=re.escape(steps[1])):
        archspec.loads(f"{HEAD}steps:\n  {steps[0]}\n")
