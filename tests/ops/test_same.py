"""Strided `same`: padding by size as TensorFlow has it, held against timm's, and the rewrite that makes it numbers."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch

import archspec

STEPS = """
archspec: 1
name: Same
inputs: {image: [3, H, W]}
sizes: {H: 15, W: 12}
steps:
  - conv as stem: {channels: 8, kernel: 3, stride: 2, padding: same}
  - max_pool: {kernel: 3, stride: 2, padding: same}
  - conv as depthwise: {channels: 8, kernel: 5, stride: 2, padding: same, groups: 8, bias: false}
"""
SIZES = [(height, width) for height in (1, 7, 8, 15, 16) for width in (9, 12)]


def by_hand(model: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    layers = pytest.importorskip("timm.layers")
    pools = pytest.importorskip("timm.layers.pool2d_same")
    weights = model.state_dict()
    x = layers.conv2d_same(image, weights["stem.weight"], weights["stem.bias"], stride=(2, 2))
    x = pools.MaxPool2dSame(3, stride=2)(x)
    return layers.conv2d_same(x, weights["depthwise.weight"], stride=(2, 2), groups=8)


def test_at_every_size_it_is_what_timm_computes(torchvision: ModuleType) -> None:
    spec = archspec.loads(STEPS)
    model = archspec.compile(spec)
    assert archspec.check(spec).valid_sizes["H"].describe() == "H ≥ 1"
    for height, width in SIZES:
        image = torch.randn(2, 3, height, width)
        found = model(image)
        assert found.shape[2:] == (-(-height // 8), -(-width // 8))
        assert torch.equal(found, by_hand(model, image))


def test_padding_is_a_number_where_the_size_is() -> None:
    fixed = archspec.loads(STEPS.replace("[3, H, W]", "[3, 15, 12]").replace("sizes: {H: 15, W: 12}\n", ""))
    text = archspec.source(fixed)
    assert "pad_same" not in text
    assert "pad_same" in archspec.source(archspec.loads(STEPS))


def test_the_field_follows_the_size() -> None:
    report = archspec.check(archspec.loads(STEPS))
    for height, padding in ((15, 1 + 4), (16, 4)):
        field = report.sized({"H": height, "W": 16}).receptive_fields["depthwise"].axes["height"]
        assert field is not None
        assert (field.size, field.stride, field.padding) == (23, 8, padding)


@pytest.mark.parametrize(("height", "width"), [(15, 12), (23, 20)])
def test_fixed_padding_computes_the_same_at_sizes_of_the_same_remainder(height: int, width: int) -> None:
    spec = archspec.loads(STEPS)
    fixed = archspec.rewrite(spec, "fix_padding")
    model, other = archspec.compile(spec), archspec.compile(fixed)
    other.load_state_dict(model.state_dict())
    assert "pad_same" not in archspec.source(fixed)
    image = torch.randn(2, 3, height, width)
    assert torch.equal(model(image), other(image))
    with pytest.raises(archspec.SpecError, match="no padding of the network depends on its size"):
        archspec.rewrite(fixed, "fix_padding")


def test_it_exports_with_sizes_left_open() -> None:
    model = archspec.compile(archspec.loads(STEPS)).eval()
    dims = {2: torch.export.Dim("H", min=9, max=500), 3: torch.export.Dim("W", min=9, max=500)}
    exported = torch.export.export(model, (torch.randn(1, 3, 31, 45),), dynamic_shapes=(dims,))
    for height, width in ((32, 40), (47, 33)):
        image = torch.randn(1, 3, height, width)
        assert torch.equal(exported.module()(image), model(image))
