"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from collections import OrderedDict

from torch import Tensor, nn


# spec.yaml:7
class Pair(nn.Sequential):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 3, 3, padding=1)
        self.s = nn.Sequential(OrderedDict({"0": nn.ReLU(), "z": nn.Conv2d(3, 3, 1)}))


# spec.yaml:13
class Deep(nn.Module):
    def __init__(self, kernel: int = 3) -> None:
        super().__init__()
        self.c = nn.Conv2d(3, 3, kernel, padding="same")
        self.p = Pair()
        self.add_module("2", nn.BatchNorm2d(3))

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self, "2")(self.p(self.c(x)))


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.one = Deep()
        self.two = Deep(kernel=1)
        self.q = nn.ModuleDict()
        self.q["1"] = nn.ReLU()

    def forward(self, image: Tensor) -> Tensor:
        x = self.two.p(self.q["1"](self.one.c(self.two(self.one(image)))))  # 3 × H × W
        x = self.one.p.s(x)  # 3 × H × W
        x = self.two.p.s[1](x)  # 3 × H × W
        x = self.one.p.a(x)  # 3 × H × W
        return self.two(x)  # 3 × H × W
