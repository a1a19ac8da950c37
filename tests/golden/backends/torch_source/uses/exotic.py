"""A bit of everything that few networks have, for the tests of what torch does with
emitted source.

Emitted by archspec from exotic.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class StochasticDepth(nn.Module):
    """Drops a sample's branch with probability p in training (arXiv:1603.09382)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return input
        keep = 1 - self.p
        kept = input.new_empty((len(input), *(1,) * (input.ndim - 1))).bernoulli_(keep)
        return input * kept.div_(keep)


def center_crop(input: Tensor, size: tuple[int, ...]) -> Tensor:
    """The centre of a map, of a smaller size."""
    for dim, length in enumerate(size, start=2):
        input = input.narrow(dim, (input.shape[dim] - length) // 2, length)
    return input


class ExoticOutput(NamedTuple):
    """The outputs of Exotic."""

    score: Tensor
    wave: Tensor
    verdict: Tensor
    side: Tensor | None


# exotic.yaml:44
class Changed(nn.Module):
    """`first.changed` and its like."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.shared = nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.add_module("2", nn.PReLU())
        self.add_module("4", StochasticDepth(rate))

    def forward(self, x: Tensor) -> Tensor:
        x = getattr(self, "2")(self.shared(x.chunk(2, dim=1)[1]))
        return getattr(self, "4")(self.shared(x))


# exotic.yaml:12
class Halves(nn.Module):
    """The second half is transformed, twice by the same weights, and dropped for
    some examples.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.changed = Changed(rate)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x.chunk(2, dim=1)[0], self.changed(x)], dim=1)
        return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


# exotic.yaml:26
class Gate(nn.Module):
    """One map weighed by another."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)
        nn.init.xavier_uniform_(self.conv.weight)
        if self.conv.bias is not None:
            nn.init.ones_(self.conv.bias)

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        return x * torch.sigmoid(self.conv(weight))


# exotic.yaml:1
class Exotic(nn.Module):
    """Exotic, from exotic.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(8, 1, 1))
        nn.init.constant_(self.gain, 0.5)
        self.stem = nn.Conv2d(3, 8, (3, 5), padding=(1, 2))
        self.first = Halves(0.2)
        self.second = Halves(0.4)
        self.norm = nn.GroupNorm(2, 8)
        self.side = nn.Conv2d(8, 4, 3)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.gate = Gate()
        self.score = nn.Conv2d(8, 5, 1)
        self.trimmed = nn.Conv2d(5, 5, 3)
        self.one_a = nn.Conv1d(2, 6, 5, stride=2, padding=2)
        self.one_norm = nn.BatchNorm1d(6)
        self.one_b = nn.ConvTranspose1d(6, 2, 4, stride=2, padding=1)
        self.three = nn.Conv3d(1, 4, 3, padding="same", dilation=2)
        self.three_norm = nn.InstanceNorm3d(4, affine=True)
        self.verdict = nn.Linear(4, 7)
        nn.init.kaiming_normal_(self.stem.weight, mode="fan_out")

    def forward(self, image: Tensor, signal: Tensor, volume: Tensor) -> ExoticOutput:
        fine = self.second(self.first(F.hardswish(self.stem(image)) * self.gain))
        x = self.norm(F.max_pool2d(fine, 2, ceil_mode=True))
        side = self.side(x) if self.training else None  # 4 × ⌊(H−3)/2⌋ × ⌊(W−3)/2⌋
        x = self.up(F.dropout(x, p=0.25, training=self.training))
        x = x.narrow(2, 0, fine.shape[2]).narrow(3, 0, fine.shape[3])  # 8 × H × W
        x = self.gate(x, fine)  # 8 × H × W
        del fine
        x = self.score(x)  # 5 × H × W
        inner = self.trimmed(x)  # 5 × (H−2) × (W−2)
        score = inner + center_crop(x, inner.shape[2:])  # 5 × (H−2) × (W−2)
        del x, inner
        wave = self.one_b(F.local_response_norm(self.one_norm(self.one_a(signal)), 3))
        x = F.relu(self.three_norm(self.three(volume)))  # 4 × D × P × Q
        x = F.interpolate(x, scale_factor=2, mode="trilinear")  # 4 × 2·D × 2·P × 2·Q
        x = F.avg_pool3d(x, 2)  # 4 × D × P × Q
        x = torch.flatten(F.adaptive_avg_pool3d(x, 1), 1)  # 4
        verdict = self.verdict(x)  # 7
        return ExoticOutput(score, wave, verdict, side)
