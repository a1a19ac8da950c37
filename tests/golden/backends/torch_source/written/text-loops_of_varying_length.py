"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:7
class Unit(nn.Module):
    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, growth, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.relu(self.norm(x)))


# spec.yaml:10
class Dense(nn.Module):
    def __init__(self, in_channels: int, layers: int, growth: int = 4) -> None:
        super().__init__()
        self.layers = layers
        for i in range(layers):
            self.add_module(
                f"layer{i + 1}", Unit(in_channels + growth * i, growth=growth)
            )

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.layers):
            x = torch.cat([x, getattr(self, f"layer{i + 1}")(x)], dim=1)
        return x


# spec.yaml:17
class Stage(nn.Module):
    def __init__(self, in_channels: int, convs: int, channels: int) -> None:
        super().__init__()
        self.before = nn.Conv2d(in_channels, channels, 1)
        self.convs = convs
        for i in range(convs):
            self.add_module(f"conv{i}", nn.Conv2d(channels, channels, 5, padding=2))
            self.add_module(f"norm{i}", nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        y = x
        for i in range(self.convs):
            y = getattr(self, f"conv{i}")(y)
            y = getattr(self, f"norm{i}")(y)
            y = F.relu(y)
        x = x + y
        del y
        return F.relu(x)


# spec.yaml:29
class Widening(nn.Module):
    def __init__(self, in_channels: int, turns: int, channels: int) -> None:
        super().__init__()
        self.turns = turns
        for i in range(turns):
            self.add_module(
                f"conv{i}", nn.Conv2d(in_channels if i == 0 else 5, channels, 1)
            )
            self.add_module(f"left{i}", nn.Conv2d(channels, channels, 1))
            self.add_module(f"right{i}", nn.Conv2d(in_channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for i in range(self.turns):
            y = getattr(self, f"conv{i}")(y)
            y = getattr(self, f"left{i}")(y)
            y = F.relu(y)
            y = y + getattr(self, f"right{i}")(x)
        return y


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.d1 = Dense(3, layers=2)
        self.d2 = Dense(11, layers=3, growth=2)
        self.d3 = Dense(17, layers=4)
        self.s1 = Stage(33, convs=1, channels=4)
        self.s2 = Stage(4, convs=3, channels=6)
        self.w1 = Widening(6, turns=1, channels=4)
        self.w2 = Widening(4, turns=3, channels=5)

    def forward(self, image: Tensor) -> Tensor:
        x = self.s2(self.s1(self.d3(self.d2(self.d1(image)))))  # 6 × H × W
        x = self.w1(x)  # 4 × H × W
        return self.w2(x)  # 5 × H × W
