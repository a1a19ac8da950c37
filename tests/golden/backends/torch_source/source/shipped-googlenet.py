"""Inception v1 with batch normalisation, and 3×3 convolutions where the paper has 5×5;
two auxiliary classifiers help the training.

Emitted by archspec from specs/googlenet.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GoogLeNetOutput(NamedTuple):
    """The outputs in training."""

    logits: Tensor
    aux_logits2: Tensor | None
    aux_logits1: Tensor | None


# library/conv_bn_relu.yaml:1
class ConvBNReLU(nn.Module):
    """Convolution without bias, batch normalisation, ReLU
    (https://arxiv.org/abs/1502.03167).
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, channels, kernel, stride=stride, padding=padding, bias=False
        )
        self.bn = nn.BatchNorm2d(channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


# library/inception_v1.yaml:1
class InceptionV1(nn.Module):
    """Inception module with dimension reductions, 1×1 convolutions before the larger
    ones (r3x3, r5x5) and after the pooling.
    """

    def __init__(
        self,
        in_channels: int,
        c1x1: int,
        r3x3: int,
        c3x3: int,
        r5x5: int,
        c5x5: int,
        pool: int,
    ) -> None:
        super().__init__()
        self.branch1 = ConvBNReLU(in_channels, c1x1, kernel=1)
        self.branch2 = nn.Sequential(
            ConvBNReLU(in_channels, r3x3, kernel=1),
            ConvBNReLU(r3x3, c3x3, kernel=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            ConvBNReLU(in_channels, r5x5, kernel=1),
            ConvBNReLU(r5x5, c5x5, kernel=3, padding=1),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            ConvBNReLU(in_channels, pool, kernel=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1
        )


# specs/googlenet.yaml:21
class Auxiliary(nn.Module):
    """Classifier from the middle of the network, so that gradients reach what lies
    before.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(in_channels, 128, kernel=1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(torch.flatten(self.conv(F.adaptive_avg_pool2d(x, 4)), 1))
        x = F.dropout(F.relu(x), p=0.7, training=self.training)
        return self.fc2(x)


# specs/googlenet.yaml:2
class GoogLeNet(nn.Module):
    """GoogLeNet (https://arxiv.org/abs/1409.4842), from specs/googlenet.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = ConvBNReLU(3, 64, kernel=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = ConvBNReLU(64, 64, kernel=1)
        self.conv3 = ConvBNReLU(64, 192, kernel=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = InceptionV1(192, 64, 96, 128, r5x5=16, c5x5=32, pool=32)
        self.inception3b = InceptionV1(256, 128, 128, 192, r5x5=32, c5x5=96, pool=64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = InceptionV1(480, 192, 96, 208, r5x5=16, c5x5=48, pool=64)
        self.aux1 = Auxiliary(512)
        self.inception4b = InceptionV1(512, 160, 112, 224, r5x5=24, c5x5=64, pool=64)
        self.inception4c = InceptionV1(512, 128, 128, 256, r5x5=24, c5x5=64, pool=64)
        self.inception4d = InceptionV1(512, 112, 144, 288, r5x5=32, c5x5=64, pool=64)
        self.aux2 = Auxiliary(528)
        self.inception4e = InceptionV1(528, 256, 160, 320, r5x5=32, c5x5=128, pool=128)
        self.maxpool4 = nn.MaxPool2d(2, ceil_mode=True)
        self.inception5a = InceptionV1(832, 256, 160, 320, r5x5=32, c5x5=128, pool=128)
        self.inception5b = InceptionV1(832, 384, 192, 384, r5x5=48, c5x5=128, pool=128)
        self.fc = nn.Linear(1024, 1000)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, image: Tensor) -> Tensor | GoogLeNetOutput:
        x = self.conv3(self.conv2(self.maxpool1(self.conv1(image))))
        x = self.maxpool2(x)  # 192 × ⌊(H+1)/8⌋ × ⌊(W+1)/8⌋
        x = self.inception3a(x)  # 256 × ⌊(H+1)/8⌋ × ⌊(W+1)/8⌋
        x = self.inception3b(x)  # 480 × ⌊(H+1)/8⌋ × ⌊(W+1)/8⌋
        x = self.maxpool3(x)  # 480 × ⌊(H+1)/16⌋ × ⌊(W+1)/16⌋
        x = self.inception4a(x)  # 512 × ⌊(H+1)/16⌋ × ⌊(W+1)/16⌋
        aux_logits1 = self.aux1(x) if self.training else None  # 1000
        x = self.inception4b(x)  # 512 × ⌊(H+1)/16⌋ × ⌊(W+1)/16⌋
        x = self.inception4c(x)  # 512 × ⌊(H+1)/16⌋ × ⌊(W+1)/16⌋
        x = self.inception4d(x)  # 528 × ⌊(H+1)/16⌋ × ⌊(W+1)/16⌋
        aux_logits2 = self.aux2(x) if self.training else None  # 1000
        x = self.inception4e(x)  # 832 × ⌊(H+1)/16⌋ × ⌊(W+1)/16⌋
        x = self.maxpool4(x)  # 832 × ⌊(H+17)/32⌋ × ⌊(W+17)/32⌋
        x = self.inception5a(x)  # 832 × ⌊(H+17)/32⌋ × ⌊(W+17)/32⌋
        x = self.inception5b(x)  # 1024 × ⌊(H+17)/32⌋ × ⌊(W+17)/32⌋
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)  # 1024
        logits = self.fc(F.dropout(x, p=0.2, training=self.training))  # 1000
        if self.training:
            return GoogLeNetOutput(logits, aux_logits2, aux_logits1)
        return logits
