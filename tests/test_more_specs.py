"""The networks of `specs/more`: their claims hold, and with the peer's weights they give the peer's bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

import archspec
from archspec.elaborate.loader import more_names
from tests.helpers.bits import randomise, run
from tests.helpers.places import SPECS


@pytest.mark.parametrize("name", sorted(more_names()))
def test_claims_hold(name: str) -> None:
    spec = archspec.load(name)
    report = archspec.check(spec)
    assert [str(found) for found in (*spec.diagnostics, *report.diagnostics)] == []
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../archspec.schema.json\narchspec: 1\nname: ")
    assert "\nexpect:\n" in text
    assert max(map(len, text.splitlines())) <= 120


def same_bits(ours: nn.Module, theirs: nn.Module, image: Tensor) -> None:
    """Strict load; then outputs, gradients and buffers, in evaluation and in training."""
    randomise(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    for training in (False, True):
        for module in (ours, theirs):
            module.train(training)
        for (what, mine), (same, other) in zip(run(ours, image), run(theirs, image), strict=True):
            assert what == same
            assert (mine is None) == (other is None), f"{what}, training={training}"
            assert mine is None or other is None or torch.equal(mine, other), f"{what}, training={training}"


@dataclass(frozen=True)
class Peer:
    """A network of timm's: its name there, and the size at which the two are compared."""

    name: str
    size: int = 64
    spec: str = ""


TIMM = [
    Peer("res2net50_26w_4s"),
    Peer("ese_vovnet39b"),
    Peer("tf_efficientnet_b0", 70),
    Peer("hrnet_w18"),
]


@pytest.mark.slow
@pytest.mark.parametrize("peer", [pytest.param(peer, id=peer.name) for peer in TIMM])
def test_bits_are_timms(peer: Peer, torchvision: ModuleType) -> None:
    assert torchvision
    timm = pytest.importorskip("timm")
    theirs = timm.create_model(peer.name, pretrained=False)
    ours = archspec.compile(archspec.load(f"more/{peer.spec or peer.name}"))
    same_bits(ours, theirs, torch.rand(2, 3, peer.size, peer.size))


class Espcn(nn.Module):
    """The network of arXiv:1609.05158, by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 9, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.conv2(torch.tanh(self.conv1(x))))
        return nn.functional.pixel_shuffle(self.conv3(x), 3)


HAND: list[tuple[str, Callable[[], nn.Module], int]] = [("espcn", Espcn, 1)]


@pytest.mark.parametrize(("name", "theirs", "channels"), HAND, ids=[name for name, _, _ in HAND])
def test_bits_are_those_of_a_network_by_hand(name: str, theirs: Callable[[], nn.Module], channels: int) -> None:
    same_bits(archspec.compile(archspec.load(f"more/{name}")), theirs(), torch.rand(2, channels, 32, 32))
