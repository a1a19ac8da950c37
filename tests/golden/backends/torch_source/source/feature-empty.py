"""Net, a network

Emitted by archspec from spec.yaml.
"""

from torch import Tensor, nn


# spec.yaml:7
class Maybe(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.a = Maybe()
        self.e = nn.Sequential(nn.Identity(), nn.ReLU(), nn.Identity())

    def forward(self, image: Tensor) -> Tensor:
        return self.e(self.a(image))  # 4 × H × W
