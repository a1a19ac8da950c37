"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class NetOutput(NamedTuple):
    """The outputs in training."""

    main: Tensor
    first: Tensor | None
    second: Tensor | None


# spec.yaml:7
class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
        return self.fc(F.dropout(x, p=0.5, training=self.training))


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.aux1 = Head()
        self.conv2 = nn.Conv2d(4, 4, 3)
        self.aux2a = nn.Conv2d(4, 4, 1)
        self.aux2b = nn.Conv2d(4, 5, 1)
        self.conv3 = nn.Conv2d(4, 4, 1)

    def forward(self, image: Tensor) -> Tensor | NetOutput:
        conv1 = self.conv1(image)  # 4 × (H−2) × (W−2)
        x = self.bn(conv1)  # 4 × (H−2) × (W−2)
        first = self.aux1(x) if self.training else None  # 5
        x = F.relu(x)  # 4 × (H−2) × (W−2)
        x = self.conv2(x)  # 4 × (H−4) × (W−4)
        second = None
        if self.training:
            y = self.aux2a(conv1)  # 4 × (H−2) × (W−2)
            second = self.aux2b(y)  # 5 × (H−2) × (W−2)
        del conv1
        main = self.conv3(x)  # 4 × (H−4) × (W−4)
        if self.training:
            return NetOutput(main, first, second)
        return main
