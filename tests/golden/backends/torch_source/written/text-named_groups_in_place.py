"""Net, a network

Emitted by archspec from spec.yaml.
"""

from collections import OrderedDict

from torch import Tensor, nn


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            OrderedDict(
                {
                    "first": nn.Conv2d(3, 4, 3, padding=1),
                    **{
                        name: layer
                        for i in range(1, 7)
                        for name, layer in (
                            (f"conv{i}", nn.Conv2d(4, 4, 3, padding=1, bias=False)),
                            (f"norm{i}", nn.BatchNorm2d(4)),
                            (f"relu{i}", nn.ReLU()),
                        )
                    },
                    "last": nn.Conv2d(4, 3, 3, padding=1),
                },
            ),
        )
        self.tail = nn.Sequential(
            OrderedDict(
                {f"conv{i}": nn.Conv2d(3, 3, 3, padding=1) for i in range(2, 7)}
            ),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.tail(self.body(image))  # 3 × H × W
