"""Programs that torch.export saved: the same names and outputs as the module's, and none is read without trust."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from archspec import importing
from tests.helpers.bits import randomise

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the data pointer:UserWarning"),
]


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.act = nn.ReLU6()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.norm(self.conv(x))) + x


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.blocks = nn.Conv2d(3, 8, 3, 2, 1), nn.Sequential(Block(8), Block(8))
        self.head = nn.Sequential(nn.LayerNorm(8), nn.Dropout(0.1), nn.Linear(8, 5))

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.blocks(self.stem(x)), 2)
        x = torch.cat([x[:, :4], x.chunk(2, 1)[1]], 1)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


def test_a_program_is_imported_if_it_is_trusted(tmp_path: Path) -> None:
    module = Net().eval()
    randomise(module)
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(module, (torch.randn(1, 3, 32, 24),)), path)
    with pytest.raises(archspec.SpecError, match="can run code") as caught:
        importing.brought(str(path))
    assert caught.value.diagnostics[0].code == "not-trusted"
    spec = importing.brought(str(path), trust=True)
    assert "block:" in spec.to_yaml()
    made = archspec.compile(spec).eval()
    made.load_state_dict(module.state_dict(), strict=True)
    for size in ((32, 24), (40, 56)):
        image = torch.randn(2, 3, *size)
        assert torch.equal(made(image), module(image))


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(archspec.SpecError, match="cannot be loaded"):
        importing.brought(str(path), trust=True)
    with pytest.raises(archspec.SpecError, match="no file"):
        importing.brought(str(tmp_path / "other.pt2"), trust=True)
