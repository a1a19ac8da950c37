"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:7
class Bottle(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.c0 = nn.Conv2d(in_channels, 16, 1)
        self.c1 = nn.Conv2d(16, 16, 1)
        self.d0 = nn.Conv2d(16, 16, 1)
        self.residual = in_channels == 16
        self.d1 = nn.Conv2d(16, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        x0 = self.c0(x)
        x = F.relu(self.c1(x0))
        x = x + x0 if self.residual else x
        del x0
        return self.d1(x)


# spec.yaml:22
class Shadow(nn.Module):
    def __init__(self, in_channels: int, layer_2: int, count: int) -> None:
        super().__init__()
        self.c0 = nn.Conv2d(in_channels, layer_2, 1)
        self.c1 = nn.Conv2d(layer_2, layer_2 * 2, 1)
        self.add_module(
            "2",
            nn.Sequential(
                nn.Conv2d(layer_2 * 2, layer_2, 1),
                nn.ReLU(),
                *(
                    layer
                    for _ in range(count)
                    for layer in (nn.Conv2d(layer_2, layer_2, 1), nn.ReLU())
                ),
            ),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.c0(x)
        x = self.c1(x)
        return getattr(self, "2")(x)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Sequential(Bottle(3), *(Bottle(16) for _ in range(2)))
        self.shadow0 = Shadow(16, layer_2=4, count=2)
        self.shadow1 = Shadow(4, layer_2=8, count=3)
        self.s1 = nn.Sequential(
            OrderedDict(
                e1=nn.Conv2d(8, 9, 1),
                e2=nn.Conv2d(9, 10, 1),
                f1=nn.Conv2d(10, 8, 1),
                f2=nn.Conv2d(8, 16, 1),
                g=nn.Conv2d(16, 4, 1),
            ),
        )
        self.s2 = nn.Sequential(
            OrderedDict(
                e1=nn.Conv2d(4, 17, 1),
                e2=nn.Conv2d(17, 18, 1),
                f1=nn.Conv2d(18, 8, 1),
                f2=nn.Conv2d(8, 16, 1),
                g=nn.Conv2d(16, 5, 1),
            ),
        )
        self.s3 = nn.Sequential(
            OrderedDict(
                e1=nn.Conv2d(5, 25, 1),
                e2=nn.Conv2d(25, 26, 1),
                f1=nn.Conv2d(26, 8, 1),
                f2=nn.Conv2d(8, 16, 1),
                g=nn.Conv2d(16, 6, 1),
            ),
        )

    def forward(self, image: Tensor) -> Tensor:
        x = self.s2(self.s1(self.shadow1(self.shadow0(self.layer(image)))))  # 5 × H × W
        return self.s3(x)  # 6 × H × W
