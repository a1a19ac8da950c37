"""Net, a network

Emitted by archspec from spec.yaml.
"""

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:7
class Tail(nn.Sequential):
    def __init__(self, in_channels: int, n: int, act: bool = True) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, 4, 3, padding=1),
            *(nn.Conv2d(4, 4, 3, padding=1) for _ in range(n - 1)),
        ]
        if act:
            layers.append(nn.ReLU())
        super().__init__(*layers)


# spec.yaml:14
class Tapped(nn.Module):
    def __init__(self, in_channels: int, channels: int, act: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential()
        self.body.add_module("c", nn.Conv2d(in_channels, channels, 3, padding=1))
        self.body.add_module("b", nn.BatchNorm2d(channels))
        if act:
            self.body.add_module("r", nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        x = self.body[:1](x)
        return x + self.body[1:](x)


# spec.yaml:27
class Sum(nn.ModuleList):
    """`4.sum` and its like."""

    def __init__(self, channels: int, stride: int = 1, act: bool = True) -> None:
        layers: list[nn.Module] = [nn.Conv2d(4, channels, 3, stride=stride, padding=1)]
        if act:
            layers.append(nn.ReLU())
        branch: nn.Module = nn.Identity()
        if stride > 1:
            branch = nn.Sequential(nn.Conv2d(4, channels, 1, stride=stride))
        super().__init__([nn.Sequential(*layers), branch])

    def forward(self, x: Tensor) -> Tensor:
        return self[0](x) + self[1](x)


# spec.yaml:24
class Merged(nn.Module):
    def __init__(self, channels: int, stride: int = 1, act: bool = True) -> None:
        super().__init__()
        self.sum = Sum(channels, stride=stride, act=act)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.sum(x))


# spec.yaml:36
class Perceptron(nn.Sequential):
    def __init__(self, in_channels: int, count: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, 4, 1),
            nn.ReLU(),
            *(layer for _ in range(count) for layer in (nn.Conv2d(4, 4, 1), nn.ReLU())),
            nn.Conv2d(4, 4, 1),
        )


# spec.yaml:1
class Net(nn.ModuleList):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__(
            [
                Tail(3, n=3),
                Tail(4, n=4, act=False),
                Tapped(4, 5),
                Tapped(5, 4, act=False),
                Merged(4),
                Merged(6, stride=2, act=False),
                Perceptron(6, count=1),
                Perceptron(4, count=3),
            ],
        )

    def forward(self, image: Tensor) -> Tensor:
        x = image
        for layer in self:
            x = layer(x)
        return x
