"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn


# spec.yaml:13
class Named(nn.Module):
    """`s.named`."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("1", nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return x + getattr(self, "1")(x)


# spec.yaml:7
class S(nn.Module):
    """`s`."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("0", nn.Conv2d(3, 4, 1))
        self.c1 = nn.Conv2d(4, 4, 1)
        self.named = Named()
        self.right = nn.Conv2d(4, 4, 1)
        self.add_module("7", nn.Conv2d(8, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = getattr(self, "0")(x)
        x = x + self.c1(x)
        x = self.named(x)
        x = torch.cat([x, self.right(x)], dim=1)
        return getattr(self, "7")(x)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.s = S()
        self.last = nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        return self.last(self.s(image))  # 4 × H × W
