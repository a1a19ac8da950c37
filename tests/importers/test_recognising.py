"""Modules that are the library's blocks are imported as uses of these; those that are nearly so are not."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
import yaml
from torch import Tensor, nn

import archspec
from archspec.analyses.differences import compare
from archspec.elaborate.shipped import library_folder, library_names
from tests.importers.torch_module.test_importing import hold


class Fire(nn.Module):
    """As in published code; ``odd`` says how it differs from the library's block."""

    def __init__(self, inputs: int, squeeze: int, expand: int, odd: str = "") -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        if odd == "name":
            self.expand = nn.Conv2d(squeeze, expand, 3, padding=1)
        else:
            self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1, bias=odd != "bias")
        self.odd = odd

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.squeeze(x))
        last = self.expand if self.odd == "name" else self.expand3x3
        branches = [torch.relu(self.expand1x1(x)), torch.relu(last(x))]
        return torch.cat(branches[::-1] if self.odd == "order" else branches, dim=1)


def imported(odd: str) -> archspec.Spec:
    """A network of two."""
    return archspec.from_torch(nn.Sequential(Fire(3, 2, 4), Fire(8, 3, 5, odd)), (3, 9, 8))


def test_a_module_that_is_a_library_block() -> None:
    spec = hold(nn.Sequential(Fire(3, 2, 4), Fire(8, 3, 5)), (3, 9, 8))
    assert "- fire: {s1x1: 2, e1x1: 4, e3x3: 4}\n  - fire: {s1x1: 3, e1x1: 5, e3x3: 5}" in spec.to_yaml()
    assert "blocks:" not in spec.to_yaml()


@pytest.mark.parametrize("odd", ["name", "bias", "order"])
def test_a_module_that_is_nearly_one_is_none(odd: str) -> None:
    text = imported(odd).to_yaml()
    assert "s1x1" not in text


@pytest.mark.slow
def test_torchvisions_blocks_are_the_librarys(torchvision: ModuleType) -> None:
    for name, blocks in {
        "squeezenet1_1": {"fire"},
        "resnet18": {"residual_basic"},
        "resnext50_32x4d": {"residual_bottleneck"},
        "densenet121": {"dense_block", "transition"},
    }.items():
        with torch.device("meta"):
            module = torchvision.models.get_model(name, weights=None)
        spec = archspec.from_torch(module, (3, 64, 64))
        used = {scope.block.name for scope in spec.graph.root.scopes() if scope.block is not None}
        assert blocks <= used
        assert "blocks:" not in spec.to_yaml()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(library_names()))
def test_every_block_of_the_library_is_recognised(name: str) -> None:
    example = yaml.safe_load((library_folder() / f"{name}.yaml").read_text(encoding="utf-8"))["example"]
    inputs, given = example["inputs"], example.get("with", {})
    if len(inputs) > 1:
        pytest.skip("it has several inputs")
    ((image, (channels, *sizes)),) = inputs.items()
    symbols = dict(zip("HWD", sizes, strict=False))
    steps = [{f"{name} as one": given}]
    written = {"archspec": 1, "name": "One", "inputs": {image: [channels, *symbols]}, "sizes": symbols, "steps": steps}
    spec = archspec.loads(yaml.safe_dump(written, sort_keys=False))
    with torch.device("meta"):
        module = archspec.compile(spec)
    again = archspec.from_torch(module, next(iter(inputs.values())))
    assert compare(spec.graph, again.graph, initial=False).differences == ()
    used = {scope.block.name for scope in again.graph.root.scopes() if scope.block is not None}
    assert used & library_names()
