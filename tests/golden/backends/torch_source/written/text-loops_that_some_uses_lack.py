"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:7
class Chained(nn.Sequential):
    def __init__(self, in_channels: int, count: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, 4, 3, padding=1),
            *(
                nn.Sequential(nn.Conv2d(4, 4, 2 * i + 1, padding=i), nn.ReLU())
                for i in range(count)
            ),
            nn.ReLU(),
        )


# spec.yaml:15
class Varied(nn.Module):
    def __init__(self, extra: bool = False) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, 3, padding=1)
        self.extra = extra
        if extra:
            self.part0 = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
            self.part1 = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.GELU())
            self.part2 = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
        self.out = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        if self.extra:
            x = self.part0(x)
            x = self.part1(x)
            x = self.part2(x)
        return self.out(x) + x


# spec.yaml:23
class Scaled(nn.Module):
    def __init__(self, extra: bool, by: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, 3, padding=1)
        self.extra = extra
        self.by = by
        if extra:
            self.more = nn.Conv2d(4, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        if self.extra:
            x = self.more(x)
            x = F.interpolate(x, scale_factor=self.by)
        x = F.interpolate(x, scale_factor=self.by)
        return self.last(x)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.chained1 = Chained(3, count=3)
        self.chained2 = Chained(4, count=0)
        self.varied1 = Varied()
        self.varied2 = Varied(extra=True)
        self.scaled1 = Scaled(extra=True, by=2)
        self.scaled2 = Scaled(extra=False, by=3)
        self.scaled3 = Scaled(extra=True, by=1)

    def forward(self, image: Tensor) -> Tensor:
        x = self.varied2(self.varied1(self.chained2(self.chained1(image))))  # 4 × H × W
        x = self.scaled1(x)  # 4 × 4·H × 4·W
        x = self.scaled2(x)  # 4 × 12·H × 12·W
        return self.scaled3(x)  # 4 × 12·H × 12·W
