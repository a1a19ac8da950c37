"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        for i in range(1, 8):
            self.add_module(f"conv{i}", nn.Conv2d(4, 4, 3, padding=1))
            self.add_module(f"norm{i}", nn.BatchNorm2d(4))
        self.last = nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.first(image))  # 4 × H × W
        for i in range(1, 8):
            x = getattr(self, f"conv{i}")(x)
            x = getattr(self, f"norm{i}")(x)
            x = F.relu(x)
        x = self.last(x)  # 3 × H × W
        return x + image  # 3 × H × W
