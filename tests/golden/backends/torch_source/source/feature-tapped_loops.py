"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from collections import OrderedDict

from torch import Tensor, nn


# spec.yaml:7
class Stage(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mid = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            *(nn.Conv2d(4, 4, 3, padding=1) for _ in range(3)),
        )
        self.named = nn.Sequential(
            OrderedDict({f"c{i}": nn.Conv2d(4, 4, 1) for i in range(3)})
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


# spec.yaml:7
class Stage_2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mid = nn.Sequential(
            nn.Conv2d(4, 6, 3, padding=1),
            *(nn.Conv2d(6, 6, 3, padding=1) for _ in range(3)),
            nn.ReLU(),
        )
        self.named = nn.Sequential(
            OrderedDict({f"c{i}": nn.Conv2d(6, 6, 1) for i in range(3)})
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


# spec.yaml:7
class Stage_3(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mid = nn.Sequential(*(nn.Conv2d(6, 6, 3, padding=1) for _ in range(5)))
        self.named = nn.Sequential(
            OrderedDict({f"c{i}": nn.Conv2d(6, 6, 1) for i in range(3)})
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
        self.one = Stage()
        self.two = Stage_2()
        self.three = Stage_3()
        self.body = nn.Sequential(*(nn.Conv2d(6, 6, 3, padding=1) for _ in range(4)))

    def forward(self, image: Tensor) -> Tensor:
        value0 = self.body[:1](self.three(self.two(self.one(image))))  # 6 × H × W
        value1 = self.body[1:2](value0)  # 6 × H × W
        x = self.body[2:](value1)  # 6 × H × W
        return value0 + value1 + x  # 6 × H × W
