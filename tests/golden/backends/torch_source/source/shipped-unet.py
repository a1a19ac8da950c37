"""U-Net as in its paper, of unpadded convolutions; each level up reads the centre of
the level across from it.

Emitted by archspec from specs/unet.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def center_crop(input: Tensor, size: tuple[int, ...]) -> Tensor:
    """The centre of a map, of a smaller size."""
    for dim, length in enumerate(size, start=2):
        input = input.narrow(dim, (input.shape[dim] - length) // 2, length)
    return input


# library/double_conv.yaml:1
class DoubleConv(nn.Module):
    """Two 3×3 convolutions with ReLU, as on every level of U-Net; unpadded as in the
    paper, or with padding 1.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3)
        self.conv2 = nn.Conv2d(channels, channels, 3)
        nn.init.kaiming_normal_(self.conv1.weight)
        nn.init.kaiming_normal_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))
        x = self.conv2(x)
        return F.relu(x)


# library/up_level.yaml:1
class UpLevel(nn.Module):
    """Up-sampling level of U-Net, a 2×2 transposed convolution that halves the
    channels, beside it the skip (its centre, with crop), then two convolutions.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, channels, 2, stride=2)
        self.convs = DoubleConv(in_channels, channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.up(x)
        x = torch.cat([center_crop(skip, x.shape[2:]), x], dim=1)
        return self.convs(x)


# specs/unet.yaml:2
class UNet(nn.Module):
    """UNet (https://arxiv.org/abs/1505.04597), from specs/unet.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.down1 = DoubleConv(1, 64)
        self.down2 = DoubleConv(64, 128)
        self.down3 = DoubleConv(128, 256)
        self.down4 = DoubleConv(256, 512)
        self.bottom = DoubleConv(512, 1024)
        self.up4 = UpLevel(1024, 512)
        self.up3 = UpLevel(512, 256)
        self.up2 = UpLevel(256, 128)
        self.up1 = UpLevel(128, 64)
        self.score = nn.Conv2d(64, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        down1 = self.down1(image)  # 64 × (H−4) × (W−4)
        down2 = self.down2(F.max_pool2d(down1, 2))  # 128 × ⌊(H−12)/2⌋ × ⌊(W−12)/2⌋
        down3 = self.down3(F.max_pool2d(down2, 2))  # 256 × ⌊(H−28)/4⌋ × ⌊(W−28)/4⌋
        x = self.down4(F.max_pool2d(down3, 2))  # 512 × ⌊(H−60)/8⌋ × ⌊(W−60)/8⌋
        x = self.up4(self.bottom(F.max_pool2d(x, 2)), x)
        x = self.up3(x, down3)  # 256 × (4·⌊(H+4)/16⌋−44) × (4·⌊(W+4)/16⌋−44)
        del down3
        x = self.up2(x, down2)  # 128 × (8·⌊(H+4)/16⌋−92) × (8·⌊(W+4)/16⌋−92)
        del down2
        x = self.up1(x, down1)  # 64 × (16·⌊(H+4)/16⌋−188) × (16·⌊(W+4)/16⌋−188)
        del down1
        return self.score(x)  # 2 × (16·⌊(H+4)/16⌋−188) × (16·⌊(W+4)/16⌋−188)
