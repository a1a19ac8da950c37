"""torch, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:7
class F_2(nn.Module):
    """A 'doc' with / and newline ''' quotes é and … end"""

    def __init__(
        self, in_channels: int, nn_2: int, Tensor_2: int = 3, x: int = 1
    ) -> None:
        super().__init__()
        self.y = nn.Conv2d(in_channels, nn_2, Tensor_2, padding=x)
        self.in_channels = nn.Conv2d(nn_2, nn_2, 1)
        self.x = nn.Conv2d(nn_2, nn_2 + x, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.y(x)
        x = self.in_channels(x)
        x = F.relu(x)
        return self.x(x)


# spec.yaml:15
class Fire(nn.Sequential):
    def __init__(self, in_channels: int, i_2: int = 2, in_channels_2: int = 2) -> None:
        super().__init__(
            nn.Conv2d(in_channels, i_2, 1, bias=False),
            *(nn.Conv2d(i_2, i_2, 1, bias=False) for _ in range(in_channels_2 - 1)),
        )


# spec.yaml:1
class Torch(nn.Module):
    """torch, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.torch = F_2(3, nn_2=5, Tensor_2=1, x=0)
        self.nn = F_2(5, nn_2=6)
        self.f2 = Fire(7)
        self.f3 = Fire(2, i_2=3, in_channels_2=4)
        self.z = nn.Conv2d(3, 3, 1)

    def forward(self, image: Tensor) -> Tensor:
        x = self.z(self.f3(self.f2(self.nn(self.torch(image)))))  # 3 × H × W
        return x + x  # 3 × H × W
