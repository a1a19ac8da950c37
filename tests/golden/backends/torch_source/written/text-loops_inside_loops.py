"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:14
class Denoising(nn.Sequential):
    def __init__(self, in_channels: int, channels: int, depth: int = 5) -> None:
        super().__init__(
            nn.Conv2d(in_channels, channels, 3, padding=1),
            *(
                layer
                for _ in range(depth)
                for layer in (
                    nn.Conv2d(channels, channels, 3, padding=1),
                    nn.BatchNorm2d(channels),
                    nn.ReLU(),
                )
            ),
            nn.Conv2d(channels, 3, 3, padding=1),
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(),
            *(
                layer
                for i in range(5)
                for layer in (nn.Conv2d(4 + 4 * i, 4 * i + 8, 3, padding=1), nn.ReLU())
            ),
        )


# spec.yaml:25
class OneInside(nn.Module):
    def __init__(self, in_channels: int, channels: int, turns: int = 4) -> None:
        super().__init__()
        self.turns = turns
        for i in range(turns):
            self.add_module(
                f"conv{i}",
                nn.Conv2d(in_channels if i == 0 else channels, channels, 3, padding=1),
            )
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.turns):
            x = getattr(self, f"conv{i}")(x)
            x = F.relu(x)
        return x + self.out(x)


# spec.yaml:34
class VariedInside(nn.Sequential):
    def __init__(self, turns: int, inner: int = 1) -> None:
        super().__init__(
            *(
                layer
                for _ in range(turns)
                for layer in (
                    nn.Conv2d(6, 6, 3, padding=1),
                    *(nn.BatchNorm2d(6) for _ in range(inner)),
                )
            ),
        )


# spec.yaml:42
class TwoInside(nn.Module):
    def __init__(self, in_channels: int, turns: int = 4) -> None:
        super().__init__()
        self.turns = turns
        for i in range(turns):
            self.add_module(
                f"conv{i}_0",
                nn.Conv2d(in_channels if i == 0 else 4, 4, 2 * i + 1, padding=i),
            )
            self.add_module(f"conv{i}_1", nn.Conv2d(4, 4, 2 * i + 1, padding=i))
        self.out = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.turns):
            x = getattr(self, f"conv{i}_0")(x)
            x = getattr(self, f"conv{i}_1")(x)
            x = F.relu(x)
        return x + self.out(x)


# spec.yaml:51
class AtMostOne(nn.Sequential):
    def __init__(self, channels: int, has_more0: bool = False) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, channels, 1)
        if has_more0:
            self.more0 = nn.Conv2d(channels, channels, 3, padding=1)


# spec.yaml:57
class Refined(nn.Module):
    def __init__(self, in_channels: int, turns: int) -> None:
        super().__init__()
        self.features = nn.Conv2d(in_channels, 4, 3, padding=1)
        self.turns = turns
        for i in range(turns):
            self.add_module(f"conv{i}", nn.Conv2d(4, 4, 3, padding=1))
        self.out = nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        known = self.features(x)
        x = known
        for i in range(self.turns):
            x = getattr(self, f"conv{i}")(x)
            x = F.relu(x)
            x = x + known
        del known
        return self.out(x)


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.denoised1 = Denoising(3, 8)
        self.denoised2 = Denoising(24, 12, depth=7)
        self.one1 = OneInside(24, 4)
        self.one2 = OneInside(4, 6, turns=5)
        self.varied1 = VariedInside(5)
        self.varied2 = VariedInside(3)
        self.varied3 = VariedInside(3, inner=2)
        self.two1 = TwoInside(6)
        self.two2 = TwoInside(4, turns=2)
        self.most1 = AtMostOne(4)
        self.most2 = AtMostOne(6, has_more0=True)
        self.refined1 = Refined(6, turns=2)
        self.refined2 = Refined(3, turns=5)

    def forward(self, image: Tensor) -> Tensor:
        x = self.one2(self.one1(self.denoised2(self.denoised1(image))))  # 6 × H × W
        x = self.varied1(x)  # 6 × H × W
        x = self.varied2(x)  # 6 × H × W
        x = self.varied3(x)  # 6 × H × W
        x = self.two1(x)  # 4 × H × W
        x = self.two2(x)  # 4 × H × W
        x = self.most1(x)  # 4 × H × W
        x = self.most2(x)  # 6 × H × W
        x = self.refined1(x)  # 3 × H × W
        return self.refined2(x)  # 3 × H × W
