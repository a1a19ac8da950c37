"""Depthwise-separable convolutions; `width` is the width multiplier α, the input size
the resolution multiplier ρ.

Emitted by archspec from specs/mobilenet_v1.yaml.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def divisible(value: float, by: int) -> int:
    """The multiple of `by` nearest to a value, at least one and not below 90% of it."""
    rounded = max(by, int(value + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * value else rounded


# library/conv_bn_relu.yaml:1
class ConvBNReLU(nn.Module):
    """Convolution without bias, batch normalisation, ReLU
    (https://arxiv.org/abs/1502.03167).
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        padding: int,
        kernel: int = 3,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            channels,
            kernel,
            stride=stride,
            padding=padding,
            groups=groups,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


# library/depthwise_separable.yaml:1
class DepthwiseSeparable(nn.Sequential):
    """Depthwise block (each channel convolved by itself), then pointwise block (1×1,
    across channels); batch normalisation and ReLU after both.
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = ConvBNReLU(
            in_channels, in_channels, padding=1, stride=stride, groups=in_channels
        )
        self.pointwise = ConvBNReLU(in_channels, channels, padding=0, kernel=1)


# specs/mobilenet_v1.yaml:2
class MobileNet(nn.Module):
    """MobileNet (https://arxiv.org/abs/1704.04861), from specs/mobilenet_v1.yaml."""

    def __init__(self) -> None:
        super().__init__()
        rows = (
            (64, 1),
            (128, 2),
            (128, 1),
            (256, 2),
            (256, 1),
            (512, 2),
            (512, 1),
            (512, 1),
            (512, 1),
            (512, 1),
            (512, 1),
            (1024, 2),
            (1024, 1),
        )
        self.features = nn.Sequential(
            ConvBNReLU(3, 32, padding=1, stride=2),
            *(
                DepthwiseSeparable(
                    32 if i == 0 else rows[i - 1][0],
                    divisible(rows[i][0], 8),
                    stride=rows[i][1],
                )
                for i in range(13)
            ),
        )
        self.fc = nn.Linear(1024, 1000)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, image: Tensor) -> Tensor:
        x = torch.flatten(F.adaptive_avg_pool2d(self.features(image), 1), 1)  # 1024
        return self.fc(x)  # 1000
