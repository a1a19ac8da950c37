"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from collections import OrderedDict

from torch import Tensor, nn


# spec.yaml:7
class Stage(nn.Module):
    def __init__(
        self, in_channels: int, channels: int, depth: int = 4, extra: bool = False
    ) -> None:
        super().__init__()
        mid: list[nn.Module] = [
            nn.Conv2d(in_channels, channels, 3, padding=1),
            *(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(depth - 1)),
        ]
        if extra:
            mid.append(nn.ReLU())
        self.mid = nn.Sequential(*mid)
        self.named = nn.Sequential(
            OrderedDict(
                c0=nn.Conv2d(channels, channels, 1),
                c1=nn.Conv2d(channels, channels, 1),
                c2=nn.Conv2d(channels, channels, 1),
            ),
        )

    def forward(self, x: Tensor) -> Tensor:
        mid0 = self.mid[:1](x)
        mid2 = self.mid[1:3](mid0)
        x = self.mid[3:](mid2)
        x = mid0 + mid2 + x
        del mid0, mid2
        y0 = self.named[:1](x)
        del x
        y2 = self.named[1:](y0)
        return y0 + y2 + y2


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.one = Stage(3, 4)
        self.two = Stage(4, 6, extra=True)
        self.three = Stage(6, 6, depth=5)
        self.body = nn.Sequential(*(nn.Conv2d(6, 6, 3, padding=1) for _ in range(4)))

    def forward(self, image: Tensor) -> Tensor:
        value0 = self.body[:1](self.three(self.two(self.one(image))))  # 6 × H × W
        value1 = self.body[1:2](value0)  # 6 × H × W
        x = self.body[2:](value1)  # 6 × H × W
        return value0 + value1 + x  # 6 × H × W
