"""Modules that are called with several tensors, or whose inner values others read: blocks of several inputs."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.importers.torch_module.test_importing import hold


class Level(nn.Module):
    """A level of a decoder, or of a pyramid."""

    def __init__(self, channels: int, skip: int, out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels + skip, out, 3, padding=1)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(x, size=skip.shape[-2:], mode="nearest")
        return F.relu(self.conv2(F.relu(self.conv1(torch.cat([x, skip], dim=1)))))


class Exchange(nn.Module):
    """Two resolutions that add to one another (arXiv:1908.07919)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(width * 2**at, width * 2**at, 3, padding=1) for at in range(2))
        self.up, self.down = nn.Conv2d(2 * width, width, 1), nn.Conv2d(width, 2 * width, 3, 2, 1)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        fine, coarse = (F.relu(branch(one)) for branch, one in zip(self.branches, maps, strict=True))
        first = F.relu(fine + F.interpolate(self.up(coarse), scale_factor=2))
        return [first, F.relu(coarse + self.down(fine))]


class Network(nn.Module):
    """Both, and a gate whose second input is not the step before."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.next = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 8, 3, 2, 1)
        self.stages = nn.ModuleList(Exchange(4) for _ in range(3))
        self.down = nn.Conv2d(8, 6, 3, 2, 1)
        self.levels = nn.ModuleList([Level(6, 8, 5), Level(5, 4, 7), Level(7, 3, 5)])

    def forward(self, x: Tensor) -> Tensor:
        stem = self.stem(x)
        maps = [stem, self.next(stem)]
        for stage in self.stages:
            maps = stage(maps)
        y = self.down(maps[1])
        for level, skip in zip(self.levels, (maps[1], maps[0], x), strict=True):
            y = level(y, skip)
        return y


def test_blocks_of_several_inputs_and_outputs() -> None:
    spec = hold(Network(), (3, 16, 24), (3, 20, 12))
    text = spec.to_yaml()
    assert "inputs: {x, skip}" in text
    assert "inputs: {maps0, maps1}" in text
    assert text.count("- exchange as stages.") == 3
    assert text.count("- level as levels.") == 3
    assert "from: [stages.1.out0, previous]" in text
    assert set(spec.symbols) == {"H", "W"}


@pytest.mark.slow
def test_timms_exchanges_between_resolutions(torchvision: ModuleType) -> None:
    timm = pytest.importorskip("timm")
    spec = hold(timm.create_model("hrnet_w18", pretrained=False), (3, 64, 64))
    assert len(spec.to_yaml().splitlines()) <= 400
