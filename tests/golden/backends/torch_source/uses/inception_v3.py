"""Inception with factorised convolutions and efficient grid-size reductions; an
auxiliary classifier helps training.

Emitted by archspec from specs/inception_v3.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class InceptionV3Output(NamedTuple):
    """The outputs in training."""

    logits: Tensor
    aux_logits: Tensor | None


# library/conv_bn_relu.yaml:1
class ConvBNReLU(nn.Module):
    """Convolution without bias, batch normalisation, ReLU
    (https://arxiv.org/abs/1502.03167).
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, channels, kernel, stride=stride, padding=padding, bias=False
        )
        self.bn = nn.BatchNorm2d(channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


# library/inception_a.yaml:1
class InceptionA(nn.Module):
    """Inception module A, for the 35×35 grid; a branch of two 3×3 convolutions next
    to one with a 5×5.
    """

    def __init__(self, in_channels: int, pool: int) -> None:
        super().__init__()
        self.branch1x1 = ConvBNReLU(in_channels, 64, kernel=1)
        self.branch5x5_1 = ConvBNReLU(in_channels, 48, kernel=1)
        self.branch5x5_2 = ConvBNReLU(48, 64, kernel=5, padding=2)
        self.branch3x3dbl_1 = ConvBNReLU(in_channels, 64, kernel=1)
        self.branch3x3dbl_2 = ConvBNReLU(64, 96, kernel=3, padding=1)
        self.branch3x3dbl_3 = ConvBNReLU(96, 96, kernel=3, padding=1)
        self.branch_pool = ConvBNReLU(in_channels, pool, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        branch1x1 = self.branch1x1(x)
        branch5x5 = self.branch5x5_2(self.branch5x5_1(x))
        branch3x3dbl = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        branch3x3dbl = self.branch3x3dbl_3(branch3x3dbl)
        branch_pool = self.branch_pool(F.avg_pool2d(x, 3, stride=1, padding=1))
        return torch.cat([branch1x1, branch5x5, branch3x3dbl, branch_pool], dim=1)


# library/grid_reduction_a.yaml:1
class GridReductionA(nn.Module):
    """Efficient grid-size reduction, 35×35 to 17×17; strided convolutions and a
    pooling side by side, no bottleneck.
    """

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3 = ConvBNReLU(288, 384, kernel=3, stride=2)
        self.branch3x3dbl_1 = ConvBNReLU(288, 64, kernel=1)
        self.branch3x3dbl_2 = ConvBNReLU(64, 96, kernel=3, padding=1)
        self.branch3x3dbl_3 = ConvBNReLU(96, 96, kernel=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        branch3x3 = self.branch3x3(x)
        branch3x3dbl = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        branch3x3dbl = self.branch3x3dbl_3(branch3x3dbl)
        x = F.max_pool2d(x, 3, stride=2)
        return torch.cat([branch3x3, branch3x3dbl, x], dim=1)


# library/inception_b.yaml:1
class InceptionB(nn.Module):
    """Inception module B, for the 17×17 grid; 7×7 convolutions factorised into 1×7
    and 7×1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch1x1 = ConvBNReLU(768, 192, kernel=1)
        self.branch7x7_1 = ConvBNReLU(768, channels, kernel=1)
        self.branch7x7_2 = ConvBNReLU(channels, channels, kernel=(1, 7), padding=(0, 3))
        self.branch7x7_3 = ConvBNReLU(channels, 192, kernel=(7, 1), padding=(3, 0))
        self.branch7x7dbl_1 = ConvBNReLU(768, channels, kernel=1)
        self.branch7x7dbl_2 = ConvBNReLU(
            channels, channels, kernel=(7, 1), padding=(3, 0)
        )
        self.branch7x7dbl_3 = ConvBNReLU(
            channels, channels, kernel=(1, 7), padding=(0, 3)
        )
        self.branch7x7dbl_4 = ConvBNReLU(
            channels, channels, kernel=(7, 1), padding=(3, 0)
        )
        self.branch7x7dbl_5 = ConvBNReLU(channels, 192, kernel=(1, 7), padding=(0, 3))
        self.branch_pool = ConvBNReLU(768, 192, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        branch1x1 = self.branch1x1(x)
        branch7x7 = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        branch7x7dbl = self.branch7x7dbl_2(self.branch7x7dbl_1(x))
        branch7x7dbl = self.branch7x7dbl_3(branch7x7dbl)
        branch7x7dbl = self.branch7x7dbl_4(branch7x7dbl)
        branch7x7dbl = self.branch7x7dbl_5(branch7x7dbl)
        branch_pool = self.branch_pool(F.avg_pool2d(x, 3, stride=1, padding=1))
        return torch.cat([branch1x1, branch7x7, branch7x7dbl, branch_pool], dim=1)


# specs/inception_v3.yaml:18
class Auxiliary(nn.Module):
    """Classifier on the last 17×17 grid."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = ConvBNReLU(768, 128, kernel=1)
        self.conv1 = ConvBNReLU(128, 768, kernel=5)
        self.fc = nn.Linear(768, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.conv0(F.avg_pool2d(x, 5, stride=3)))
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
        return self.fc(x)


# library/grid_reduction_b.yaml:1
class GridReductionB(nn.Module):
    """Efficient grid-size reduction, 17×17 to 8×8; strided convolutions, one after a
    factorised 7×7, and a pooling.
    """

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3_1 = ConvBNReLU(768, 192, kernel=1)
        self.branch3x3_2 = ConvBNReLU(192, 320, kernel=3, stride=2)
        self.branch7x7x3_1 = ConvBNReLU(768, 192, kernel=1)
        self.branch7x7x3_2 = ConvBNReLU(192, 192, kernel=(1, 7), padding=(0, 3))
        self.branch7x7x3_3 = ConvBNReLU(192, 192, kernel=(7, 1), padding=(3, 0))
        self.branch7x7x3_4 = ConvBNReLU(192, 192, kernel=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        branch3x3 = self.branch3x3_2(self.branch3x3_1(x))
        branch7x7x3 = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        branch7x7x3 = self.branch7x7x3_4(branch7x7x3)
        return torch.cat([branch3x3, branch7x7x3, F.max_pool2d(x, 3, stride=2)], dim=1)


# library/inception_c.yaml:1
class InceptionC(nn.Module):
    """Inception module C, for the 8×8 grid; 1×3 and 3×1 convolutions side by side."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch1x1 = ConvBNReLU(in_channels, 320, kernel=1)
        self.branch3x3_1 = ConvBNReLU(in_channels, 384, kernel=1)
        self.branch3x3_2a = ConvBNReLU(384, 384, kernel=(1, 3), padding=(0, 1))
        self.branch3x3_2b = ConvBNReLU(384, 384, kernel=(3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = ConvBNReLU(in_channels, 448, kernel=1)
        self.branch3x3dbl_2 = ConvBNReLU(448, 384, kernel=3, padding=1)
        self.branch3x3dbl_3a = ConvBNReLU(384, 384, kernel=(1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = ConvBNReLU(384, 384, kernel=(3, 1), padding=(1, 0))
        self.branch_pool = ConvBNReLU(in_channels, 192, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        branch1x1 = self.branch1x1(x)
        branch3x3 = self.branch3x3_1(x)
        branch3x3_2a = self.branch3x3_2a(branch3x3)
        branch3x3 = self.branch3x3_2b(branch3x3)
        y = torch.cat([branch3x3_2a, branch3x3], dim=1)
        del branch3x3_2a, branch3x3
        branch3x3dbl = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        branch3x3dbl_3a = self.branch3x3dbl_3a(branch3x3dbl)
        branch3x3dbl = self.branch3x3dbl_3b(branch3x3dbl)
        z = torch.cat([branch3x3dbl_3a, branch3x3dbl], dim=1)
        del branch3x3dbl_3a, branch3x3dbl
        branch_pool = self.branch_pool(F.avg_pool2d(x, 3, stride=1, padding=1))
        return torch.cat([branch1x1, y, z, branch_pool], dim=1)


# specs/inception_v3.yaml:2
class InceptionV3(nn.Module):
    """InceptionV3 (https://arxiv.org/abs/1512.00567), from specs/inception_v3.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvBNReLU(3, 32, kernel=3, stride=2)
        self.Conv2d_2a_3x3 = ConvBNReLU(32, 32, kernel=3)
        self.Conv2d_2b_3x3 = ConvBNReLU(32, 64, kernel=3, padding=1)
        self.maxpool1 = nn.MaxPool2d(3, stride=2)
        self.Conv2d_3b_1x1 = ConvBNReLU(64, 80, kernel=1)
        self.Conv2d_4a_3x3 = ConvBNReLU(80, 192, kernel=3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        self.Mixed_5b = InceptionA(192, pool=32)
        self.Mixed_5c = InceptionA(256, pool=64)
        self.Mixed_5d = InceptionA(288, pool=64)
        self.Mixed_6a = GridReductionA()
        self.Mixed_6b = InceptionB(128)
        self.Mixed_6c = InceptionB(160)
        self.Mixed_6d = InceptionB(160)
        self.Mixed_6e = InceptionB(192)
        self.AuxLogits = Auxiliary()
        self.Mixed_7a = GridReductionB()
        self.Mixed_7b = InceptionC(1280)
        self.Mixed_7c = InceptionC(2048)
        self.fc = nn.Linear(2048, 1000)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, image: Tensor) -> Tensor | InceptionV3Output:
        x = self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(image))  # 32 × ⌊(H−5)/2⌋ × ⌊(W−5)/2⌋
        x = self.Conv2d_2b_3x3(x)  # 64 × ⌊(H−5)/2⌋ × ⌊(W−5)/2⌋
        x = self.maxpool1(x)  # 64 × ⌊(H−7)/4⌋ × ⌊(W−7)/4⌋
        x = self.Conv2d_3b_1x1(x)  # 80 × ⌊(H−7)/4⌋ × ⌊(W−7)/4⌋
        x = self.Conv2d_4a_3x3(x)  # 192 × ⌊(H−15)/4⌋ × ⌊(W−15)/4⌋
        x = self.maxpool2(x)  # 192 × ⌊(H−19)/8⌋ × ⌊(W−19)/8⌋
        x = self.Mixed_5b(x)  # 256 × ⌊(H−19)/8⌋ × ⌊(W−19)/8⌋
        x = self.Mixed_5c(x)  # 288 × ⌊(H−19)/8⌋ × ⌊(W−19)/8⌋
        x = self.Mixed_5d(x)  # 288 × ⌊(H−19)/8⌋ × ⌊(W−19)/8⌋
        x = self.Mixed_6a(x)  # 768 × ⌊(H−27)/16⌋ × ⌊(W−27)/16⌋
        x = self.Mixed_6b(x)  # 768 × ⌊(H−27)/16⌋ × ⌊(W−27)/16⌋
        x = self.Mixed_6c(x)  # 768 × ⌊(H−27)/16⌋ × ⌊(W−27)/16⌋
        x = self.Mixed_6d(x)  # 768 × ⌊(H−27)/16⌋ × ⌊(W−27)/16⌋
        x = self.Mixed_6e(x)  # 768 × ⌊(H−27)/16⌋ × ⌊(W−27)/16⌋
        aux_logits = self.AuxLogits(x) if self.training else None  # 1000
        x = self.Mixed_7a(x)  # 1280 × ⌊(H−43)/32⌋ × ⌊(W−43)/32⌋
        x = self.Mixed_7b(x)  # 2048 × ⌊(H−43)/32⌋ × ⌊(W−43)/32⌋
        x = self.Mixed_7c(x)  # 2048 × ⌊(H−43)/32⌋ × ⌊(W−43)/32⌋
        x = F.dropout(F.adaptive_avg_pool2d(x, 1), p=0.5, training=self.training)
        logits = self.fc(torch.flatten(x, 1))  # 1000
        if self.training:
            return InceptionV3Output(logits, aux_logits)
        return logits
