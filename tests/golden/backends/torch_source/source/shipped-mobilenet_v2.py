"""Inverted residuals with linear bottlenecks; `width` is the width multiplier.

Emitted by archspec from specs/mobilenet_v2.yaml.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


# library/conv_norm_act.yaml:1
class ConvNormAct(nn.Sequential):
    """Convolution padded to keep the size (but for its stride), normalisation,
    activation; the last is left out by `activation: none`.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int = 3,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels,
                channels,
                kernel,
                stride=stride,
                padding=(kernel - 1) // 2,
                groups=groups,
                bias=False,
            ),
            nn.BatchNorm2d(channels),
            nn.ReLU6(),
        )


# specs/mobilenet_v2.yaml:28
class InvertedResidual(nn.Module):
    """Widens, convolves depthwise, narrows without ReLU; the shortcut joins the
    narrow ends.
    """

    def __init__(
        self, in_channels: int, channels: int, widen: int, stride: int = 1
    ) -> None:
        super().__init__()
        hidden = widen * in_channels
        conv: list[nn.Module] = []
        if widen != 1:
            conv.append(ConvNormAct(in_channels, hidden, kernel=1))
        conv += [
            ConvNormAct(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        ]
        self.conv = nn.Sequential(*conv)
        self.residual = stride == 1 and in_channels == channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y + x if self.residual else y


# specs/mobilenet_v2.yaml:2
class MobileNetV2(nn.Module):
    """MobileNetV2 (https://arxiv.org/abs/1801.04381), from specs/mobilenet_v2.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            ConvNormAct(3, 32, stride=2),
            InvertedResidual(32, 16, widen=1),
            InvertedResidual(16, 24, widen=6, stride=2),
            InvertedResidual(24, 24, widen=6),
            InvertedResidual(24, 32, widen=6, stride=2),
            *(InvertedResidual(32, 32, widen=6) for _ in range(2)),
            InvertedResidual(32, 64, widen=6, stride=2),
            *(InvertedResidual(64, 64, widen=6) for _ in range(3)),
            InvertedResidual(64, 96, widen=6),
            *(InvertedResidual(96, 96, widen=6) for _ in range(2)),
            InvertedResidual(96, 160, widen=6, stride=2),
            *(InvertedResidual(160, 160, widen=6) for _ in range(2)),
            InvertedResidual(160, 320, widen=6),
            ConvNormAct(320, 1280, kernel=1),
        )
        self.classifier = nn.Sequential(nn.Dropout(p=0.2), nn.Linear(1280, 1000))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.flatten(F.adaptive_avg_pool2d(self.features(image), 1), 1)  # 1280
        return self.classifier(x)  # 1000
