"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:7
class Normed(nn.Module):
    def __init__(self, in_channels: int, channels: int, bn: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.has_bn = bn
        if bn:
            self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.has_bn:
            x = self.bn(x)
            x = F.relu(x)
        return x


# spec.yaml:13
class Gated(nn.Module):
    def __init__(self, in_channels: int, channels: int, gate: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.gate = gate
        if gate:
            self.excite = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.gate:
            x = x * torch.sigmoid(self.excite(F.adaptive_avg_pool2d(x, 1)))
        return x


# spec.yaml:23
class Either(nn.Module):
    def __init__(self, wide: bool = True) -> None:
        super().__init__()
        self.wide = wide
        if wide:
            self.conv_a = nn.Conv2d(6, 4, 3, padding=1)
            self.more = nn.Conv2d(4, 2, 1)
        self.conv_b = nn.Conv2d(6, 6, 1) if not wide else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        if self.wide:
            x = self.conv_a(x)
            x = torch.cat([x, self.more(x)], dim=1)
        return self.conv_b(x)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.normed1 = Normed(3, 4)
        self.normed2 = Normed(4, 6, bn=False)
        self.gated1 = Gated(6, 4)
        self.gated2 = Gated(4, 6, gate=False)
        self.either1 = Either()
        self.either2 = Either(wide=False)

    def forward(self, image: Tensor) -> Tensor:
        x = self.gated2(self.gated1(self.normed2(self.normed1(image))))  # 6 × H × W
        x = self.either1(x)  # 6 × H × W
        return self.either2(x)  # 6 × H × W
