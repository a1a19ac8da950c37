"""Net, a network

Emitted by archspec from spec.yaml.
"""

import torch
from torch import Tensor, nn


# spec.yaml:7
class Layer(nn.Module):
    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, growth, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv(self.norm(x))], dim=1)


# spec.yaml:14
class Dense(nn.Sequential):
    def __init__(self, in_channels: int, layers: int, growth: int) -> None:
        super().__init__()
        for i in range(layers):
            self.add_module(
                f"layer{i + 1}", Layer(in_channels + growth * i, growth=growth)
            )


# spec.yaml:19
class Stage(nn.Sequential):
    def __init__(
        self, in_channels: int, channels: int, depth: int, stride: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1),
            *(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(depth - 1)),
        )


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.d1 = Dense(3, layers=3, growth=2)
        self.d2 = Dense(9, layers=5, growth=4)
        self.s1 = Stage(29, 4, depth=2)
        self.s2 = Stage(4, 8, depth=4, stride=2)
        self.tail = nn.Sequential(
            nn.Conv2d(8, 8, 1),
            nn.ReLU(),
            nn.Conv2d(8, 8, 1),
            nn.ReLU(),
            nn.Conv2d(8, 8, 1),
            nn.ReLU(),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.tail(self.s2(self.s1(self.d2(self.d1(image)))))
