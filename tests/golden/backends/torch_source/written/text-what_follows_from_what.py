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
        self.conv = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1)
        self.has_shortcut = stride != 1 or in_channels != channels
        if self.has_shortcut:
            self.shortcut = nn.Conv2d(in_channels, channels, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.has_shortcut:
            y = y + self.shortcut(x)
        return y


# spec.yaml:14
class Dilated(nn.Sequential):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            16, channels, 3, padding=2 * dilation, dilation=2 * dilation
        )


# spec.yaml:18
class Level(nn.Module):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, channels // 2, 2, stride=2)
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.conv(torch.cat([self.up(x), skip], dim=1))


# spec.yaml:27
class Pooled(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.conv = nn.Conv2d(16, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(F.adaptive_avg_pool2d(x, self.size))
        return F.interpolate(y, size=x.shape[2:])


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(3, 8)
        self.unit2 = Unit(8, 8)
        self.unit3 = Unit(8, 16, stride=2)
        self.dilated1 = Dilated(16, dilation=1)
        self.dilated2 = Dilated(32, dilation=2)
        self.deep = nn.Conv2d(32, 32, 3, stride=2, padding=1)
        self.up1 = Level(32, 32)
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.up2 = Level(16, 16)
        self.pooled0 = Pooled(1)
        self.pooled1 = Pooled(2)
        self.pooled2 = Pooled(3)
        self.pooled3 = Pooled(6)
        self.score = nn.Conv2d(28, 3, 1)

    def forward(self, image: Tensor) -> Tensor:
        x = self.unit2(self.unit1(image))  # 8 × H × W
        up2 = self.up2(self.unit3(x), x)  # 16 × H × W
        del x
        pooled0 = self.pooled0(up2)  # 3 × H × W
        pooled1 = self.pooled1(up2)  # 3 × H × W
        pooled2 = self.pooled2(up2)  # 3 × H × W
        x = torch.cat([up2, pooled0, pooled1, pooled2, self.pooled3(up2)], dim=1)
        del up2, pooled0, pooled1, pooled2
        return self.score(x)  # 3 × H × W
