"""SqueezeNet 1.0, fire modules and few parameters.

Emitted by archspec from specs/squeezenet1_0.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


# library/fire.yaml:1
class Fire(nn.Module):
    """Fire module, 1×1 filters to squeeze, then 1×1 and 3×3 filters to expand, with
    ReLU after every convolution.
    """

    def __init__(self, in_channels: int, s1x1: int, e1x1: int, e3x3: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, s1x1, 1)
        self.expand1x1 = nn.Conv2d(s1x1, e1x1, 1)
        self.expand3x3 = nn.Conv2d(s1x1, e3x3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        y = F.relu(self.expand1x1(x))
        x = self.expand3x3(x)
        x = F.relu(x)
        return torch.cat([y, x], dim=1)


# specs/squeezenet1_0.yaml:2
class SqueezeNet(nn.Module):
    """SqueezeNet (https://arxiv.org/abs/1602.07360), from specs/squeezenet1_0.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 7, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(96, s1x1=16, e1x1=64, e3x3=64),
            Fire(128, s1x1=16, e1x1=64, e3x3=64),
            Fire(128, s1x1=32, e1x1=128, e3x3=128),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(256, s1x1=32, e1x1=128, e3x3=128),
            Fire(256, s1x1=48, e1x1=192, e3x3=192),
            Fire(384, s1x1=48, e1x1=192, e3x3=192),
            Fire(384, s1x1=64, e1x1=256, e3x3=256),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(512, s1x1=64, e1x1=256, e3x3=256),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is self.classifier[1]:
                    nn.init.normal_(module.weight, std=0.01)
                else:
                    nn.init.kaiming_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> Tensor:
        return torch.flatten(self.classifier(self.features(image)), 1)  # 1000
