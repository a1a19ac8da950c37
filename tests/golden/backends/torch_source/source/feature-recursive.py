"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from torch import Tensor, nn


# spec.yaml:7
class Tree(nn.Sequential):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)


# spec.yaml:7
class Tree_2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)
        self.left = Tree()
        self.right = Tree()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        y = self.left(x)
        x = self.right(x)
        return y + x


# spec.yaml:7
class Tree_3(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)
        self.left = Tree_2()
        self.right = Tree_2()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        y = self.left(x)
        x = self.right(x)
        return y + x


# spec.yaml:7
class Tree_4(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.left = Tree_3()
        self.right = Tree_3()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        y = self.left(x)
        x = self.right(x)
        return y + x


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Tree_4()

    def forward(self, image: Tensor) -> Tensor:
        return self.root(image)  # 4 × H × W
