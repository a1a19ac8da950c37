"""Depthwise-separable convolutions; `width` is the width multiplier α, the input size
the resolution multiplier ρ.

Emitted by archspec from specs/mobilenet_v1.yaml.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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
        self.features = nn.Sequential(
            ConvBNReLU(3, 32, padding=1, stride=2),
            DepthwiseSeparable(32, 64),
            DepthwiseSeparable(64, 128, stride=2),
            DepthwiseSeparable(128, 128),
            DepthwiseSeparable(128, 256, stride=2),
            DepthwiseSeparable(256, 256),
            DepthwiseSeparable(256, 512, stride=2),
            DepthwiseSeparable(512, 512),
            DepthwiseSeparable(512, 512),
            DepthwiseSeparable(512, 512),
            DepthwiseSeparable(512, 512),
            DepthwiseSeparable(512, 512),
            DepthwiseSeparable(512, 1024, stride=2),
            DepthwiseSeparable(1024, 1024),
        )
        self.fc = nn.Linear(1024, 1000)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, image: Tensor) -> Tensor:
        x = torch.flatten(F.adaptive_avg_pool2d(self.features(image), 1), 1)  # 1024
        return self.fc(x)  # 1000
