"""Net, a network

Emitted by archspec from spec.yaml.
"""

from torch import Tensor, nn


# spec.yaml:7
class Unit(nn.Module):
    def __init__(
        self, in_channels: int, channels: int, norm: bool = True, depth: int = 4
    ) -> None:
        super().__init__()
        self.depth = depth
        for i in range(depth):
            self.add_module(
                f"part{i}",
                nn.Sequential(
                    nn.Conv2d(
                        in_channels if i == 0 else channels,
                        channels,
                        2 * i + 1,
                        padding=i,
                    ),
                    *([nn.BatchNorm2d(channels)] if norm else []),
                    nn.ReLU(),
                ),
            )
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.depth):
            x = getattr(self, f"part{i}")(x)
        return self.out(x) + x


# spec.yaml:17
class FirstAlone(nn.Module):
    def __init__(self, in_channels: int, count: int = 3) -> None:
        super().__init__()
        self.part0 = nn.Sequential(nn.Conv2d(in_channels, 8, 3, padding=1), nn.ReLU())
        self.count = count - 1
        for i in range(1, self.count + 1):
            self.add_module(
                f"part{i}",
                nn.Sequential(
                    nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()
                ),
            )
        self.out = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.part0(x)
        for i in range(1, self.count + 1):
            x = getattr(self, f"part{i}")(x)
        return self.out(x) + x


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(3, 8, norm=False)
        self.unit2 = Unit(8, 8)
        self.unit3 = Unit(8, 16, depth=2)
        self.alone1 = FirstAlone(16, count=2)
        self.alone2 = FirstAlone(8)

    def forward(self, image: Tensor) -> Tensor:
        return self.alone2(self.alone1(self.unit3(self.unit2(self.unit1(image)))))
