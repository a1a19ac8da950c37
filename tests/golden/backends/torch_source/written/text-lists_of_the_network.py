"""Net, a network

Emitted by archspec from spec.yaml.
"""

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:8
class Unit(nn.Module):
    def __init__(self, in_channels: int, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, channels, 3, padding=dilation, dilation=dilation
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x))


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        widths = (4, 6, 8, 5)
        for i in range(4):
            self.add_module(
                f"unit{i}",
                Unit(3 if i == 0 else widths[i - 1], widths[i], dilation=2**i),
            )
        for i in range(4):
            self.add_module(f"even{i}", Unit(5 if i == 0 else 7, 7, dilation=i + 1))

    def forward(self, image: Tensor) -> Tensor:
        x = image
        for i in range(4):
            x = getattr(self, f"unit{i}")(x)
        for i in range(4):
            x = getattr(self, f"even{i}")(x)
        return x
