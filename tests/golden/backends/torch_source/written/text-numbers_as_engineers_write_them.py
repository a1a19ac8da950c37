"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


# spec.yaml:7
class Layer(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels, eps=1e-6)
        self.mix = nn.Sequential(
            OrderedDict(
                {
                    "wide": nn.Conv2d(in_channels, 3 * in_channels, 1),
                    "1": nn.Softmax(dim=1),
                    "narrow": nn.Conv2d(3 * in_channels, in_channels, 1),
                },
            ),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(self.norm(x))


# spec.yaml:17
class Fusion(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, in_channels, 1)
        self.fused = nn.Conv2d(2 * in_channels, in_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x, self.first(x)], dim=1)
        return self.fused(x)


# spec.yaml:24
class Scaled(nn.Module):
    def __init__(self, in_channels: int, beta: float) -> None:
        super().__init__()
        self.beta = beta
        self.conv = nn.Conv2d(in_channels, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x * self.beta) * 0.2


# spec.yaml:30
class Sums(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(12, 4, 1)
        self.b = nn.Conv2d(12, 4, 1)
        self.c = nn.Conv2d(12, 4, 1)
        self.way = nn.ModuleDict()
        self.way["0"] = nn.Conv2d(4, 4, 1)
        self.way["1"] = nn.Conv2d(4, 4, 1)
        self.way["2"] = nn.Conv2d(4, 4, 1)
        self.way["3"] = nn.Conv2d(4, 4, 1)
        self.way["4"] = nn.Conv2d(4, 4, 1)
        self.way["5"] = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.a(x)
        b = self.b(x)
        c = self.c(x)
        x = self.way["0"](a)
        y = self.way["1"](b)
        z = self.way["2"](c)
        x = x + y + z
        del y, z
        y = self.way["3"](a)
        del a
        z = self.way["4"](b)
        del b
        value = self.way["5"](c)
        del c
        y = y + z + value
        del z, value
        return y + x


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.layer1 = Layer(8)
        self.fusion1 = Fusion(8)
        self.scaled1 = Scaled(8, beta=0.5)
        self.scaled2 = Scaled(12, beta=1.0)
        self.layer2 = Layer(12)
        self.fusion2 = Fusion(12)
        self.sums = Sums()

    def forward(self, image: Tensor) -> Tensor:
        x = self.scaled1(self.fusion1(self.layer1(self.stem(image))))  # 12 × H × W
        x = self.scaled2(x)  # 12 × H × W
        x = self.layer2(x)  # 12 × H × W
        x = self.fusion2(x)  # 12 × H × W
        return self.sums(x)  # 4 × H × W
