"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from torch import Tensor, nn
from torch.nn import functional as F


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


# spec.yaml:7
class Causal(nn.Module):
    def __init__(self, in_channels: int, dilation: int) -> None:
        super().__init__()
        self.padding = 2 * dilation
        self.conv1 = nn.Conv2d(in_channels, 4, (3, 1), dilation=(dilation, 1))
        self.conv2 = nn.Conv2d(4, 4, (3, 1), dilation=(dilation, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(F.pad(x, (0, 0, self.padding, 0))))
        x = F.pad(x, (0, 0, self.padding, 0))
        return self.conv2(x)


# spec.yaml:14
class Factored(nn.Module):
    def __init__(
        self, channels: int, kernels: tuple[tuple[int, int], tuple[int, int]]
    ) -> None:
        super().__init__()
        self.c0 = nn.Conv2d(4, channels, kernels[0], padding="same")
        self.c1 = nn.Conv2d(channels, channels, kernels[1], padding="same")

    def forward(self, x: Tensor) -> Tensor:
        x = self.c0(x)
        x = self.c1(x)
        return F.relu(x)


# spec.yaml:20
class Stack(nn.Module):
    def __init__(self, widths: tuple[int, ...], dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.count = len(widths)
        for i in range(self.count):
            self.add_module(
                f"conv{i}",
                nn.Conv2d(
                    6 if i == 0 else widths[i - 1],
                    widths[i],
                    3,
                    padding=dilations[i],
                    dilation=dilations[i],
                ),
            )

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.count):
            x = getattr(self, f"conv{i}")(x)
            x = F.relu(x)
        return x


# spec.yaml:27
class Strided(nn.Sequential):
    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, channels, (3, 1), stride=(stride, 1), padding=(1, 0)
        )
        self.across = nn.Conv2d(
            channels, channels, (1, 3), stride=(1, stride), padding=(0, 1)
        )


# spec.yaml:32
class Unit(nn.Module):
    def __init__(self, drop: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 6, 3, padding=1)
        self.stochastic_depth = StochasticDepth(drop)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.stochastic_depth(self.conv(x))


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.causal0 = Causal(3, dilation=1)
        self.causal1 = Causal(4, dilation=2)
        self.causal2 = Causal(4, dilation=4)
        self.tall = Factored(4, kernels=((1, 7), (7, 1)))
        self.wide = Factored(6, kernels=((5, 1), (1, 5)))
        self.stack1 = Stack((4, 4, 6), dilations=(1, 2, 1))
        self.stack2 = Stack((6, 5), dilations=(1, 2))
        self.strided1 = Strided(5, 4)
        self.strided2 = Strided(4, 6, stride=2)
        self.stage0 = nn.Sequential(*(Unit(0.2 * i / 11) for i in range(4)))
        self.stage1 = nn.Sequential(*(Unit(0.2 * (i + 3) / 11) for i in range(4)))
        self.stage2 = nn.Sequential(*(Unit(0.2 * (i + 6) / 11) for i in range(4)))

    def forward(self, image: Tensor) -> Tensor:
        x = self.wide(self.tall(self.causal2(self.causal1(self.causal0(image)))))
        x = self.stack1(x)  # 6 × H × W
        x = self.stack2(x)  # 5 × H × W
        x = self.strided1(x)  # 4 × H × W
        x = self.strided2(x)  # 6 × ⌊(H+1)/2⌋ × ⌊(W+1)/2⌋
        x = self.stage0(x)  # 6 × ⌊(H+1)/2⌋ × ⌊(W+1)/2⌋
        x = self.stage1(x)  # 6 × ⌊(H+1)/2⌋ × ⌊(W+1)/2⌋
        return self.stage2(x)  # 6 × ⌊(H+1)/2⌋ × ⌊(W+1)/2⌋
