"""Fully convolutional network on VGG-16, its scores upsampled from stride 32, 16 or 8
with the help of pool4 and pool3.

Emitted by archspec from specs/fcn8s_vgg16.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn


@torch.no_grad()
def bilinear_(weight: Tensor) -> Tensor:
    """Fill a weight with bilinear interpolation of each channel (arXiv:1411.4038)."""
    kernel = torch.ones((), dtype=weight.dtype, device=weight.device)
    for size in weight.shape[2:]:
        factor = (size + 1) // 2
        centre = factor - (1 if size % 2 else 0.5)
        offset = torch.arange(size, device=weight.device) - centre
        kernel = kernel[..., None] * (1 - offset.abs() / factor)
    channel = torch.arange(weight.shape[0], device=weight.device)
    weight.zero_()[channel, channel % weight.shape[1]] = kernel
    return weight


# specs/vgg.yaml:2
class VGG(nn.Module):
    """Stacks of 3×3 convolutions; the family of 11, 13, 16 and 19 layers
    (https://arxiv.org/abs/1409.1556).
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=100),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.Conv2d(64, 128, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(128, 128, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.Conv2d(128, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.Conv2d(256, 512, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
        )
        self.classifier = nn.Sequential(
            nn.Conv2d(512, 4096, 7),
            nn.ReLU(),
            nn.Dropout(),
            nn.Conv2d(4096, 4096, 1),
            nn.ReLU(),
            nn.Dropout(),
        )
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        for layer in self.classifier:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.01)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pool3 = self.features[:17](image)
        pool4 = self.features[17:24](pool3)
        fc7 = self.classifier(self.features[24:](pool4))
        return pool3, pool4, fc7


# specs/fcn_vgg16.yaml:21
class Up(nn.Sequential):
    def __init__(self, factor: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(21, 21, 2 * factor, stride=factor, bias=False)
        )


# specs/fcn_vgg16.yaml:33
class Skip(nn.Module):
    def __init__(self, finer_channels: int, offset: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(finer_channels, 21, 1)
        self.offset = offset
        nn.init.zeros_(self.score.weight)

    def forward(self, x: Tensor, finer: Tensor) -> Tensor:
        y = self.score(finer)
        y = y.narrow(2, self.offset, x.shape[2]).narrow(3, self.offset, x.shape[3])
        return x + y


# specs/fcn_vgg16.yaml:2
class FCN8sVGG16(nn.Module):
    """FCN8sVGG16 (https://arxiv.org/abs/1605.06211), from specs/fcn8s_vgg16.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg = VGG()
        self.score = nn.Conv2d(4096, 21, 1)
        self.up4 = Up(2)
        self.skip4 = Skip(512, offset=5)
        self.up3 = Up(2)
        self.skip3 = Skip(256, offset=9)
        self.upscore = Up(8)
        nn.init.zeros_(self.score.weight)
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                bilinear_(module.weight)

    def forward(self, image: Tensor) -> Tensor:
        pool3, pool4, fc7 = self.vgg(image)
        x = self.score(fc7)  # 21 × ⌊(H+37)/32⌋ × ⌊(W+37)/32⌋
        del fc7
        x = self.up4(x)  # 21 × (2·⌊(H+5)/32⌋+4) × (2·⌊(W+5)/32⌋+4)
        x = self.skip4(x, pool4)  # 21 × (2·⌊(H+5)/32⌋+4) × (2·⌊(W+5)/32⌋+4)
        del pool4
        x = self.up3(x)  # 21 × (4·⌊(H+5)/32⌋+10) × (4·⌊(W+5)/32⌋+10)
        x = self.skip3(x, pool3)  # 21 × (4·⌊(H+5)/32⌋+10) × (4·⌊(W+5)/32⌋+10)
        del pool3
        x = self.upscore(x)  # 21 × (32·⌊(H+5)/32⌋+88) × (32·⌊(W+5)/32⌋+88)
        return x.narrow(2, 31, image.shape[2]).narrow(3, 31, image.shape[3])
