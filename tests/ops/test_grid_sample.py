"""Sampling at computed places: a spatial transformer by hand, what it reads, and what it refuses."""

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

TRANSFORMER = """
archspec: 1
name: Transformer
inputs: {image: [2, H, W]}
sizes: {H: 12, W: 10}
steps:
  - sequence as localization:
      - conv: {channels: 4, kernel: 5, stride: 2}
      - relu
      - global_avg_pool
  - flatten
  - linear as fc_loc: {features: 6, init: {weight: zeros}}
  - affine_grid as places: {to: image}
  - grid_sample as turned: {grid: places}
    from: image
  - conv as conv1: {channels: 3, kernel: 3}
"""


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.localization = nn.Sequential(nn.Conv2d(2, 4, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.fc_loc, self.conv1 = nn.Linear(4, 6), nn.Conv2d(2, 3, 3)

    def forward(self, image: Tensor) -> Tensor:
        theta = self.fc_loc(self.localization(image).flatten(1)).view(-1, 2, 3)
        places = F.affine_grid(theta, list(image.shape), align_corners=False)
        return self.conv1(F.grid_sample(image, places, align_corners=False))


def test_a_spatial_transformer_by_hand() -> None:
    spec = archspec.loads(TRANSFORMER)
    same_bits(archspec.compile(spec), ByHand(), torch.rand(2, 2, 14, 9))
    report = archspec.check(spec)
    assert list(map(text, report.shapes["places"].dims)) == ["H", "W", "2"]
    assert report.receptive_fields["turned"].whole
    sizes = dict(spec.graph.sizes)
    found = inference(archspec.compile(spec).eval(), inputs_of(spec.graph, sizes, 2))
    assert memory(spec.graph, sizes, 2).inference == found


def test_a_row_reads_all_of_the_map_and_its_own_place() -> None:
    image, places = torch.rand(1, 1, 4, 5), (2.4 * torch.rand(200, 3, 5, 2) - 1.2).requires_grad_()
    image = image.expand(200, -1, -1, -1).clone().requires_grad_()
    result = F.grid_sample(image, places, align_corners=False)
    of_map, of_places = torch.autograd.grad(result[:, :, 1].sum(), (image, places))
    assert of_map.abs().sum((0, 1)).gt(0).all()
    assert of_places.abs().sum((0, 2, 3)).gt(0).tolist() == [False, True, False]


HEAD = "archspec: 1\nname: N\ninputs: {image: [3, H, W]}\nsizes: {H: 8, W: 6}\nsteps:\n"
STEPS = {
    "grid": ("- grid_sample: {grid: image}", "the grid must have the axes height, width, channels and 2 channels"),
    "numbers": ("- affine_grid: {to: image}", "an affine transformation of 2 spatial axes is a vector of 6 numbers"),
    "features": (
        "- global_avg_pool\n  - flatten\n  - linear: {features: 5}\n  - affine_grid: {to: image}",
        "`linear: {features: 6}` gives it",
    ),
    "vector": ("- global_avg_pool\n  - flatten as v\n  - affine_grid: {to: v}", "not a vector"),
}


@pytest.mark.parametrize("steps", [pytest.param(each, id=name) for name, each in STEPS.items()])
def test_messages(steps: tuple[str, str]) -> None:
    with pytest.raises(archspec.SpecError, match=re.escape(steps[1])):
        archspec.loads(f"{HEAD}  {steps[0]}\n")
