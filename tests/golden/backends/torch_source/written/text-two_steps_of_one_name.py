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
    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        if stride == 2:
            self.conv1 = nn.Conv2d(
                in_channels, channels - in_channels, 3, stride=2, padding=1
            )
            self.conv2 = nn.Conv2d(channels - in_channels, channels - in_channels, 1)
        if stride == 1:
            self.conv1 = nn.Conv2d(in_channels, channels, 1)
            self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 2:
            y = F.relu(self.conv1(x))
            y = self.conv2(y)
            x = F.avg_pool2d(x, 3, stride=2, padding=1)
            x = torch.cat([y, x], dim=1)
            del y
        if self.stride == 1:
            y = F.relu(self.conv1(x))
            y = self.conv2(y)
            x = y + x
            del y
        return F.relu(x)


# spec.yaml:23
class Either(nn.Sequential):
    def __init__(self, wide: bool = True) -> None:
        super().__init__()
        if wide:
            self.conv = nn.Conv2d(12, 4, 3, padding=1)
        if not wide:
            self.conv = nn.Conv2d(4, 6, 1, bias=False)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(3, 8, stride=2)
        self.unit2 = Unit(8, 8)
        self.unit3 = Unit(8, 12, stride=2)
        self.unit4 = Unit(12, 12)
        self.either1 = Either()
        self.either2 = Either(wide=False)

    def forward(self, image: Tensor) -> Tensor:
        x = self.either1(self.unit4(self.unit3(self.unit2(self.unit1(image)))))
        return self.either2(x)  # 6 × ⌊(H+3)/4⌋ × ⌊(W+3)/4⌋
