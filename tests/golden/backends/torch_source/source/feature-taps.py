"""Net, a network

Emitted by archspec from spec.yaml.

Lines of one call, and `del`, let a tensor go before the next is made: the peak of
memory stays low.
"""

from torch import Tensor, nn
from torch.nn import functional as F


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1),
        )
        self.score = nn.Conv2d(8, 2, 1)
        self.score2 = nn.Conv2d(8, 2, 1)
        self.score1 = nn.Conv2d(4, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        pool1 = self.features[:2](image)  # 4 × ⌊H/2⌋ × ⌊W/2⌋
        pool2 = self.features[2:5](pool1)  # 8 × ⌊H/4⌋ × ⌊W/4⌋
        x = self.score(self.features[5:](pool2))  # 2 × ⌊H/4⌋ × ⌊W/4⌋
        y = self.score2(pool2)  # 2 × ⌊H/4⌋ × ⌊W/4⌋
        del pool2
        x = x + y  # 2 × ⌊H/4⌋ × ⌊W/4⌋
        del y
        x = F.interpolate(x, scale_factor=2)  # 2 × 2·⌊H/4⌋ × 2·⌊W/4⌋
        y = self.score1(pool1)  # 2 × ⌊H/2⌋ × ⌊W/2⌋
        del pool1
        return x + y  # 2 × ⌊H/2⌋ × ⌊W/2⌋
