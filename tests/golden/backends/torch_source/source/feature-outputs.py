"""Net, a network

Emitted by archspec from spec.yaml.
"""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F


class NetOutput(NamedTuple):
    """The outputs of Net."""

    coarse: Tensor
    fine: Tensor
    aux: Tensor | None


# spec.yaml:1
class Net(nn.Module):
    """Net, from spec.yaml."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3)
        self.b = nn.Conv2d(4, 4, 3)
        self.c = nn.Conv2d(4, 4, 3)

    def forward(self, image: Tensor) -> NetOutput:
        coarse = self.a(image)  # 4 × (H−2) × (W−2)
        aux = self.b(F.relu(coarse))  # 4 × (H−4) × (W−4)
        fine = self.c(aux)  # 4 × (H−6) × (W−6)
        return NetOutput(coarse, fine, aux if self.training else None)
