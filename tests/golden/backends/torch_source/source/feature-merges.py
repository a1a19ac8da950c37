"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn


# spec.yaml:7
class Both(nn.ModuleList):
    """`both`."""

    def __init__(self) -> None:
        super().__init__(
            [
                nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()),
                nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)),
            ],
        )

    def forward(self, x: Tensor) -> Tensor:
        return self[0](x) + self[1](x)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.both = Both()
        self.self = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1))
        self.x = nn.Sequential(nn.ReLU())
        self.scale = nn.Parameter(torch.zeros(12, 1, 1))
        nn.init.ones_(self.scale)

    def forward(self, image: Tensor) -> Tensor:
        x = self.both(image)  # 4 × H × W
        x = torch.cat([self.self(x), self.x(x), x], dim=1)  # 12 × H × W
        x, y = (self.scale * x).chunk(2, dim=1)
        return torch.cat([y, x], dim=1)  # 12 × H × W
