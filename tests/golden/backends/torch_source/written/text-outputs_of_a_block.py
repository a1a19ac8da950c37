"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:7
class Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.ReLU())
        self.layer3 = nn.Conv2d(8, 12, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        layer1 = self.layer1(x)
        c3 = self.layer2(layer1)
        layer3 = self.layer3(c3)
        return layer1, c3, layer3


# spec.yaml:13
class Inception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Sequential(nn.Conv2d(12, 4, 1))
        self.right = nn.Sequential(nn.Conv2d(12, 6, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        left = self.left(x)
        right = self.right(x)
        rectified = F.relu(right)
        return left, right, rectified


# spec.yaml:23
class All(nn.Module):
    """`all`."""

    def forward(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return torch.cat([x, y, z], dim=1)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Backbone()
        self.mixed = Inception()
        self.all = All()
        self.p4 = nn.Conv2d(16, 4, 1)
        self.p3 = nn.Conv2d(8, 4, 1)
        self.p2 = nn.Conv2d(4, 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        layer1, c3, layer3 = self.body(image)
        left, right, rectified = self.mixed(layer3)
        del layer3
        x = self.all(left, rectified, right)  # 16 × H × W
        del left, right, rectified
        x = self.p4(x)  # 4 × H × W
        y = self.p3(c3)  # 4 × H × W
        del c3
        z = self.p2(layer1)  # 4 × H × W
        del layer1
        return x + y + z  # 4 × H × W
