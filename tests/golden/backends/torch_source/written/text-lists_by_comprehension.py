"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from torch import Tensor, nn


# spec.yaml:7
class Unit(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: tuple[int, int],
        dilation: tuple[int, int] = (1, 1),
    ) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels,
                channels,
                kernel,
                padding=(
                    (kernel[0] - 1) // 2 * dilation[0],
                    (kernel[1] - 1) // 2 * dilation[1],
                ),
                dilation=dilation,
            ),
            nn.ReLU(),
        )


# spec.yaml:16
class Chain(nn.Sequential):
    def __init__(self, in_channels: int, layers: tuple[tuple[int, int], ...]) -> None:
        super().__init__(
            *(
                nn.Conv2d(
                    in_channels if i == 0 else layers[i - 1][0],
                    layers[i][0],
                    layers[i][1],
                    padding=layers[i][1] // 2,
                )
                for i in range(len(layers))
            ),
            nn.BatchNorm2d(layers[-1][0]),
        )


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("0", Unit(3, 4, kernel=(3, 3)))
        self.add_module("1", Unit(4, 4, kernel=(1, 7)))
        self.add_module("2", Unit(4, 6, kernel=(5, 1), dilation=(2, 1)))
        self.short = Chain(6, layers=((8, 1),))
        self.long = Chain(8, layers=((8, 1), (9, 3), (5, 3)))

    def forward(self, image: Tensor) -> Tensor:
        x = getattr(self, "2")(getattr(self, "1")(getattr(self, "0")(image)))
        x = self.short(x)  # 8 × H × W
        return self.long(x)  # 5 × H × W
