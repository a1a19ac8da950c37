"""Imports that keep what the language lacks as opaque steps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec


class Odd(nn.Module):
    """An attention of its own: queries meet keys in another way."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.norm = nn.Linear(channels, channels), nn.BatchNorm2d(channels)
        self.table = nn.Parameter(torch.zeros(5))

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        x = self.norm(x + other)
        return torch.cumsum(x, 2) * self.table.sum() + self.query(x.mean((2, 3)))[:, :, None, None]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.odd = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ModuleList([Odd(8), Odd(8)])
        self.padded = nn.Conv2d(8, 4, 3, padding=1, padding_mode="circular")
        self.head = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.stem(x)
        y = F.relu(self.odd[0](y, y * 2))
        y = torch.cummax(self.odd[1](y, y), 2)[0]
        y = torch.fft.fftshift(self.padded(y))
        return self.head(y.mean((2, 3)))


def test_what_the_language_lacks_becomes_opaque_steps() -> None:
    module = Net()
    with pytest.raises(archspec.SpecError, match="cumsum"):
        archspec.from_torch(module, (3, 16, 18))
    spec = archspec.from_torch(module, (3, 16, 18), opaque=True)
    found = {node.path: node for node in spec.graph.nodes if node.op is not None and node.op.hidden}
    assert {"odd.0", "odd.1", "padded"} <= set(found)
    assert len(found) == 5  # `cummax` and `fftshift` too
    assert set(spec.symbols) == {"H", "W"}
    assert spec.graph.state == {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    report = archspec.check(spec)
    assert report.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert "opaque" in [diagnostic.code for diagnostic in report.diagnostics]
    assert report.memory().inference is None
    assert "`odd.0` is opaque" in str(report.refused()[0].message)
    (field,) = report.sights.values()
    assert all("opaque" in getattr(axis, "reason", "") for axis in field.axes.values())
    assert "Odd" in archspec.render(spec).source


@pytest.mark.parametrize("how", [archspec.compile, archspec.source])
def test_opaque_steps_are_not_compiled(how: object) -> None:
    spec = archspec.from_torch(Net(), (3, 16, 18), opaque=True)
    assert callable(how)
    with pytest.raises(archspec.SpecError, match="is opaque: it cannot be compiled") as caught:
        how(spec)
    assert "`odd.0`" in str(caught.value.diagnostics[0].message)
    assert caught.value.diagnostics[0].code == "opaque"
