"""Net, a network

Emitted by archspec from spec.yaml.
"""

import torch
from torch import Tensor, nn


# spec.yaml:7
class Join(nn.Module):
    def __init__(self, in_channels: int, skip_channels: int, channels: int) -> None:
        super().__init__()
        self.up = nn.Conv2d(in_channels, channels, 1)
        self.out = nn.Conv2d(channels + skip_channels, channels, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = torch.cat([self.up(x), skip], dim=1)
        return self.out(x)


# spec.yaml:7
class Join_2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Conv2d(3, 3, 1)
        self.out = nn.Conv2d(6, 3, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = torch.cat([self.up(x), x], dim=1)
        return self.out(x)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 4, 1)
        self.b = nn.Conv2d(5, 6, 1)
        self.j1 = Join(4, skip_channels=6, channels=7)
        self.j2 = Join(7, skip_channels=4, channels=3)
        self.j3 = Join_2()

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        x = self.a(left)  # 4 × H × W
        x = self.j2(self.j1(x, self.b(right)), x)  # 3 × H × W
        return self.j3(x, x)  # 3 × H × W
