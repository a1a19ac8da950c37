"""Net, a network

Emitted by archspec from spec.yaml.
"""

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:7
class Unit(nn.Module):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.bn = nn.BatchNorm2d(channels)
        if in_channels != channels:
            self.shortcut = nn.Conv2d(in_channels, channels, 1)
        else:
            self.shortcut = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)) + self.shortcut(x))


# spec.yaml:20
class Layer(nn.Module):
    """`body.layer4`."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(12, 4, 1)
        self.beside = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x)


# spec.yaml:24
class Holds(nn.Module):
    """`body.holds`."""

    def __init__(self) -> None:
        super().__init__()
        self.only = nn.Conv2d(4, 4, 1)


# spec.yaml:15
class Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(Unit(3, 4), Unit(4, 4))
        self.layer2 = nn.Sequential(Unit(4, 8), Unit(8, 8))
        self.layer3 = Unit(8, 12)
        self.layer4 = Layer()
        self.holds = Holds()
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer1(x)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Backbone()
        self.score = nn.Conv2d(4, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        return self.score(self.body(image))  # 2 × H × W
