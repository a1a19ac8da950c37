"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:7
class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x))
        return self.conv(x)


# spec.yaml:12
class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            OrderedDict({"first": nn.Conv2d(3, 3, 1), "1": nn.ReLU()})
        )
        self.outer = nn.ModuleDict()
        self.outer["0"] = nn.ReLU()
        self.outer["2"] = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.outer["2"](self.inner(self.outer["0"](self.inner(x))))
        return self.inner[0](x)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.pair1 = Pair()
        self.pair2 = Pair()
        self.s = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())
        self.odd1 = Odd()
        self.odd2 = Odd()

    def forward(self, image: Tensor) -> Tensor:
        x = self.s(self.s(self.pair1(self.pair2(self.pair1(image)))))  # 3 × H × W
        x = self.odd1(x)  # 3 × H × W
        x = self.odd2(x)  # 3 × H × W
        return self.odd1(x)  # 3 × H × W
