"""Inverted residuals with squeeze-and-excitation, scaled in depth and width by one
rule.

Emitted by archspec from specs/efficientnet_b0.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def divisible(value: float, by: int) -> int:
    """The multiple of `by` nearest to a value, at least one and not below 90% of it."""
    rounded = max(by, int(value + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * value else rounded


class StochasticDepth(nn.Module):
    """Drops a sample's branch with probability p in training (arXiv:1603.09382)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return input
        keep = 1 - self.p
        kept = input.new_empty((len(input), *(1,) * (input.ndim - 1))).bernoulli_(keep)
        return input * kept.div_(keep)


# library/conv_norm_act.yaml:1
class ConvNormAct(nn.Sequential):
    """Convolution, normalisation, activation; the padding keeps the size (apart from
    the stride), and `activation: none` leaves the activation out.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        activation: bool = True,
    ) -> None:
        layers: list[nn.Module] = [
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
        ]
        if activation:
            layers.append(nn.SiLU())
        super().__init__(*layers)


# library/squeeze_excite.yaml:1
class SqueezeExcite(nn.Module):
    """Multiplies each channel by a gate computed from the means of all channels,
    through `channels` hidden units (https://arxiv.org/abs/1709.01507).
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(in_channels, channels, 1)
        self.fc2 = nn.Conv2d(channels, in_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.silu(self.fc1(F.adaptive_avg_pool2d(x, 1)))
        y = self.fc2(y)
        y = torch.sigmoid(y)
        return y * x


# specs/efficientnet_b0.yaml:30
class InvertedResidual(nn.Module):
    """Expands, convolves depthwise, weights channels, projects; skipped for random
    samples in training.
    """

    def __init__(
        self,
        in_channels: int,
        widen: int,
        kernel: int,
        channels: int,
        drop: float,
        stride: int = 1,
    ) -> None:
        super().__init__()
        hidden = divisible(widen * in_channels, 8)
        residual = stride == 1 and in_channels == channels
        block: list[nn.Module] = []
        if hidden != in_channels:
            block.append(ConvNormAct(in_channels, hidden, kernel=1))
        block += [
            ConvNormAct(hidden, hidden, kernel=kernel, stride=stride, groups=hidden),
            SqueezeExcite(hidden, max(1, in_channels // 4)),
            ConvNormAct(hidden, channels, kernel=1, activation=False),
        ]
        self.block = nn.Sequential(*block)
        self.residual = residual
        if residual:
            self.stochastic_depth = StochasticDepth(drop)

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        if self.residual:
            y = self.stochastic_depth(y) + x
        return y


# specs/efficientnet_b0.yaml:2
class EfficientNet(nn.Module):
    """EfficientNet (https://arxiv.org/abs/1905.11946), from
    specs/efficientnet_b0.yaml.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            ConvNormAct(3, 32, kernel=3, stride=2),
            nn.Sequential(InvertedResidual(32, 1, 3, 16, drop=0.0)),
            nn.Sequential(
                InvertedResidual(16, 6, 3, 24, drop=0.2 * 1 / 16, stride=2),
                InvertedResidual(24, 6, 3, 24, drop=0.2 * 2 / 16),
            ),
            nn.Sequential(
                InvertedResidual(24, 6, 5, 40, drop=0.2 * 3 / 16, stride=2),
                InvertedResidual(40, 6, 5, 40, drop=0.2 * 4 / 16),
            ),
            nn.Sequential(
                InvertedResidual(40, 6, 3, 80, drop=0.2 * 5 / 16, stride=2),
                *(
                    InvertedResidual(80, 6, 3, 80, drop=0.2 * (i + 6) / 16)
                    for i in range(2)
                ),
            ),
            nn.Sequential(
                InvertedResidual(80, 6, 5, 112, drop=0.2 * 8 / 16),
                *(
                    InvertedResidual(112, 6, 5, 112, drop=0.2 * (i + 9) / 16)
                    for i in range(2)
                ),
            ),
            nn.Sequential(
                InvertedResidual(112, 6, 5, 192, drop=0.2 * 11 / 16, stride=2),
                *(
                    InvertedResidual(192, 6, 5, 192, drop=0.2 * (i + 12) / 16)
                    for i in range(3)
                ),
            ),
            nn.Sequential(InvertedResidual(192, 6, 3, 320, drop=0.2 * 15 / 16)),
            ConvNormAct(320, 1280, kernel=1),
        )
        self.classifier = nn.Sequential(nn.Dropout(p=0.2), nn.Linear(1280, 1000))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.flatten(F.adaptive_avg_pool2d(self.features(image), 1), 1)  # 1280
        return self.classifier(x)  # 1000
