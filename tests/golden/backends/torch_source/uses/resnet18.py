"""ResNet of 18 layers.

Emitted by archspec from specs/resnet18.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


# library/residual_basic.yaml:1
class ResidualBasic(nn.Module):
    """Residual block of two 3×3 convolutions; a strided 1×1 convolution on the
    shortcut if the shape changes.
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, channels, 3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(channels),
            )
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.conv2(y)
        y = self.bn2(y)
        y = y + self.downsample(x)
        return F.relu(y)


# specs/resnet.yaml:2
class ResNet18(nn.Module):
    """ResNet18 (https://arxiv.org/abs/1512.03385), from specs/resnet18.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(ResidualBasic(64, 64), ResidualBasic(64, 64))
        self.layer2 = nn.Sequential(
            ResidualBasic(64, 128, stride=2), ResidualBasic(128, 128)
        )
        self.layer3 = nn.Sequential(
            ResidualBasic(128, 256, stride=2), ResidualBasic(256, 256)
        )
        self.layer4 = nn.Sequential(
            ResidualBasic(256, 512, stride=2), ResidualBasic(512, 512)
        )
        self.fc = nn.Linear(512, 1000)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(image)))  # 64 × ⌊(H+1)/2⌋ × ⌊(W+1)/2⌋
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # 64 × ⌊(H+3)/4⌋ × ⌊(W+3)/4⌋
        x = self.layer1(x)  # 64 × ⌊(H+3)/4⌋ × ⌊(W+3)/4⌋
        x = self.layer2(x)  # 128 × ⌊(H+7)/8⌋ × ⌊(W+7)/8⌋
        x = self.layer3(x)  # 256 × ⌊(H+15)/16⌋ × ⌊(W+15)/16⌋
        x = self.layer4(x)  # 512 × ⌊(H+31)/32⌋ × ⌊(W+31)/32⌋
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)  # 512
        return self.fc(x)  # 1000
