"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


# library/squeeze_excite.yaml:1
class SqueezeExcite(nn.Module):
    """Multiplies each channel by a gate computed from the means of all channels,
    through channels hidden units (https://arxiv.org/abs/1709.01507).
    """

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(8, 4, 1)
        self.fc2 = nn.Conv2d(4, 8, 1)
        for layer in (self.fc1, self.fc2):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))
        y = self.fc2(y)
        y = torch.sigmoid(y)
        return y * x


# spec.yaml:7
class Mixed(nn.Module):
    def __init__(
        self,
        in_channels: int,
        channels: int,
        act: type[nn.Module],
        expand: int = 2,
        squeeze: bool = False,
    ) -> None:
        super().__init__()
        hidden = expand * in_channels
        body: list[nn.Module] = []
        if expand != 1:
            body.append(nn.Conv2d(in_channels, hidden, 1))
        body += [
            act(),
            nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden),
            nn.BatchNorm2d(hidden),
            nn.Conv2d(hidden, channels, 1),
        ]
        self.body = nn.Sequential(*body)
        self.residual = in_channels == channels
        self.se = SqueezeExcite() if squeeze else nn.Identity()
        self.max_pool = nn.MaxPool2d(
            3 if squeeze else 1, stride=1, padding=1 if squeeze else 0
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        y = y + x if self.residual else y
        y = self.se(y)
        return self.max_pool(y)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.m1 = Mixed(3, 4, act=nn.ReLU, expand=1)
        self.m2 = Mixed(4, 4, act=nn.Hardswish)
        self.m3 = Mixed(4, 8, act=nn.ReLU, squeeze=True)
        self.m4 = Mixed(8, 8, act=nn.SiLU, expand=3, squeeze=True)

    def forward(self, image: Tensor) -> Tensor:
        return self.m4(self.m3(self.m2(self.m1(image))))  # 8 × H × W
