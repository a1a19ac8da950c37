"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:7
class Block(nn.Module):
    def __init__(self, deep: bool = True) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 3, 1)
        self.deep = deep
        if deep:
            self.c = nn.Conv2d(3, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        if self.deep:
            x = F.pad(x, (0, 1, 0, 1))
            x = self.c(x)
        return F.relu(x)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.one = Block()
        self.two = Block(deep=False)
        self.three = Block()

    def forward(self, image: Tensor) -> Tensor:
        return self.three(self.two(self.one(image)))  # 3 × H × W
