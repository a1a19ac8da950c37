"""Modules with several inputs, and outputs by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from tests.helpers.bits import randomise


class Mix(nn.Module):
    """A map and what is added to it, which is brought to its size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(channels, 4, 3, padding=1), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        return self.one(x) + F.interpolate(self.two(other), size=x.shape[2:])


class Fusion(nn.Module):
    """Colour, depth of the same size, a thumbnail of another, and a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.small, self.coder = nn.Conv2d(1, 4, 1), nn.Conv2d(2, 4, 1), nn.Linear(5, 4)
        self.mixes = nn.ModuleList([Mix(3), Mix(4)])

    def forward(self, image: Tensor, code: Tensor, depth: Tensor | None = None, *, small: Tensor) -> Tensor:
        assert depth is not None
        x = self.mixes[0](image, self.depth(depth))
        x = self.mixes[1](x, self.small(small))
        return x * torch.sigmoid(self.coder(code))[:, :, None, None]


INPUTS = {"image": (3, 12, 16), "code": (5,), "depth": (1, 12, 16), "small": (2, 6, 7)}


def test_several_inputs() -> None:
    module = Fusion()
    spec = archspec.from_torch(module, INPUTS)
    text = spec.to_yaml()
    assert "depth: [1, H, W]" in text
    assert "small: [2, H2, W2]" in text
    made = archspec.compile(spec)
    randomise(module)
    made.load_state_dict(module.state_dict(), strict=True)
    for height, width, high, wide in ((12, 16, 6, 7), (9, 20, 13, 5)):
        given = {
            "image": torch.randn(2, 3, height, width),
            "code": torch.randn(2, 5),
            "depth": torch.randn(2, 1, height, width),
            "small": torch.randn(2, 2, high, wide),
        }
        assert torch.equal(made(*given.values()), module(**given))


def test_inputs_that_a_module_has_not() -> None:
    with pytest.raises(archspec.SpecError, match="no input `dept`") as caught:
        archspec.from_torch(Fusion(), {"image": (3, 8, 8), "dept": (1, 8, 8)})
    assert "depth" in str(caught.value)
    with pytest.raises(archspec.SpecError, match="names no input"):
        archspec.from_torch(Fusion(), {})


@dataclass
class Fields:
    mask: Tensor
    scores: Tensor
    loss: Tensor | None = None


class Named(NamedTuple):
    mask: Tensor
    scores: Tensor


class ModelOutput(OrderedDict[str, Any]):
    """As transformers gives: a mapping whose values are attributes too."""


class Answers(Mapping[str, Tensor]):
    """A mapping that is no dictionary."""

    def __init__(self, **given: Tensor) -> None:
        self.given = given

    def __getitem__(self, key: str) -> Tensor:
        return self.given[key]

    def __iter__(self) -> Any:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


class Two(nn.Module):
    """Two outputs in some form."""

    def __init__(self, form: Any) -> None:
        super().__init__()
        self.form, self.conv = form, nn.Conv2d(3, 2, 1)

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        return self.form(mask=x, scores=x.mean((2, 3)))


def in_order(**given: Tensor) -> tuple[Tensor, ...]:
    return tuple(given.values())


def nested(**given: Tensor) -> dict[str, Any]:
    return {"out": list(given.values())}


@pytest.mark.parametrize("form", [dict, Fields, Named, ModelOutput, Answers])
def test_outputs_by_name(form: Any) -> None:
    spec = archspec.from_torch(Two(form), (3, 8, 9))
    assert [output.name for output in spec.graph.outputs] == ["mask", "scores"]


@pytest.mark.parametrize(("form", "names"), [(in_order, ["output0", "output1"]), (nested, ["out0", "out1"])])
def test_outputs_in_order(form: Any, names: list[str]) -> None:
    spec = archspec.from_torch(Two(form), (3, 8, 9))
    assert [output.name for output in spec.graph.outputs] == names
