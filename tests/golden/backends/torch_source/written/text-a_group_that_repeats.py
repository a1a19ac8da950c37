"""Net, a network

Emitted by archspec from spec.yaml.
"""

from torch import Tensor, nn


# spec.yaml:1
class Net(nn.ModuleList):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__(
            [
                nn.Conv2d(3, 8, 3, padding=1),
                nn.ReLU(),
                *(
                    layer
                    for _ in range(6)
                    for layer in (
                        nn.Conv2d(8, 8, 3, padding=1, bias=False),
                        nn.BatchNorm2d(8),
                        nn.ReLU(),
                    )
                ),
                nn.Conv2d(8, 3, 3, padding=1),
            ],
        )

    def forward(self, image: Tensor) -> Tensor:
        x = image
        for layer in self:
            x = layer(x)
        return x
