"""DenseNet of 121 layers.

Emitted by archspec from specs/densenet121.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F


# library/dense_layer.yaml:1
class DenseLayer(nn.Module):
    """Appends 32 channels computed from all channels so far, through a 1×1
    bottleneck and a 3×3 convolution.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, 128, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(128)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu2(self.norm2(self.conv1(self.relu1(self.norm1(x)))))
        y = self.conv2(y)
        return torch.cat([x, y], dim=1)


# library/dense_block.yaml:1
class DenseBlock(nn.Sequential):
    """Dense layers, each of which reads the outputs of all before it."""

    def __init__(self, in_channels: int, layers: int) -> None:
        super().__init__()
        for i in range(layers):
            self.add_module(f"denselayer{i + 1}", DenseLayer(in_channels + 32 * i))


# library/transition.yaml:1
class Transition(nn.Sequential):
    """Between dense blocks, a 1×1 convolution to fewer channels, then average
    pooling.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(in_channels, in_channels // 2, 1, bias=False)
        self.pool = nn.AvgPool2d(2)


# specs/densenet.yaml:2
class DenseNet121(nn.Module):
    """DenseNet121 (https://arxiv.org/abs/1608.06993), from specs/densenet121.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv0=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
                norm0=nn.BatchNorm2d(64),
                relu0=nn.ReLU(),
                pool0=nn.MaxPool2d(3, stride=2, padding=1),
                denseblock1=DenseBlock(64, layers=6),
                transition1=Transition(256),
                denseblock2=DenseBlock(128, layers=12),
                transition2=Transition(512),
                denseblock3=DenseBlock(256, layers=24),
                transition3=Transition(1024),
                denseblock4=DenseBlock(512, layers=16),
                norm5=nn.BatchNorm2d(1024),
            ),
        )
        self.classifier = nn.Linear(1024, 1000)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.flatten(F.adaptive_avg_pool2d(F.relu(self.features(image)), 1), 1)
        return self.classifier(x)  # 1000
