"""The segmentation networks: built from their classifiers, held against torchvision, torchfcn and the papers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archspec

NAMES = (
    "fcn32s_vgg16", "fcn16s_vgg16", "fcn8s_vgg16", "fcn32s_alexnet", "fcn32s_googlenet", "dilated_frontend",
    "dilated_context_basic", "dilated_context_large", "dilated8_vgg16", "unet", "unet_same", "unet_digits",
    "fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large",
)  # fmt: skip

AT_INPUT_SIZE = (
    "fcn32s_vgg16", "fcn16s_vgg16", "fcn8s_vgg16", "fcn32s_alexnet", "fcn32s_googlenet", "dilated8_vgg16", "unet_same",
    "unet_digits", "fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_claims_hold(name: str) -> None:
    report = archspec.check(archspec.load(name))
    assert [d for d in report.diagnostics if d.severity != "note"] == []


@pytest.mark.parametrize("name", AT_INPUT_SIZE)
@pytest.mark.parametrize("upsampling", [None, "bilinear"])
def test_outputs_come_at_the_inputs_size_for_every_valid_size(name: str, upsampling: str | None) -> None:
    if upsampling is not None and not name.startswith(("fcn32s", "fcn16s", "fcn8s")):
        pytest.skip("it has no such parameter")
    params: dict[str, Any] = {"upsampling": upsampling} if upsampling else {}
    spec = archspec.load(name, **params)
    solutions = archspec.check(spec).valid_sizes
    main = next(output for output in spec.graph.outputs if not output.training)
    from archspec.sizes import value

    size = 200
    for _ in range(40):
        found = solutions["H"].next(size)
        assert found is not None
        dims = spec.graph.nodes[main.node].shape.spatial
        assert tuple(value(dim, {"H": found, "W": found}) for dim in dims) == (found, found)
        size = found + 1


def randomise(module: nn.Module) -> None:
    """Weights and statistics that leave nothing at zero or one."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
            elif tensor.is_floating_point() and tensor.dim() <= 1:
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1 + (0.8 if "bn" in name else 0.0))


TORCHVISION = {"fcn_resnet50": True, "deeplabv3_resnet50": True, "lraspp_mobilenet_v3_large": False}


@pytest.mark.parametrize(
    "name", ["fcn_resnet50", pytest.param("deeplabv3_resnet50", marks=pytest.mark.slow), "lraspp_mobilenet_v3_large"]
)
def test_bits_are_torchvisions(name: str, torchvision: ModuleType) -> None:
    options: dict[str, Any] = {"aux_loss": True} if TORCHVISION[name] else {}
    theirs = getattr(torchvision.models.segmentation, name)(
        weights=None, weights_backbone=None, num_classes=21, **options
    )
    ours = archspec.compile(archspec.load(name))
    randomise(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    image = torch.rand(2, 3, 65, 81, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(ours.eval()(image), theirs.eval()(image)["out"])
    for module in (ours, theirs):
        module.train()
        torch.manual_seed(2)
        outputs = module(image)
        tensors = list(outputs.values()) if isinstance(outputs, dict) else outputs
        total = sum(tensor.square().mean() for tensor in ((tensors,) if isinstance(tensors, Tensor) else tensors))
        assert isinstance(total, Tensor)
        total.backward()
    gradients = dict(theirs.named_parameters())
    for key, parameter in ours.named_parameters():
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, gradients[key].grad), key


@pytest.fixture(scope="module")
def torchfcn(torchvision: ModuleType) -> Iterator[ModuleType]:
    """torchfcn's models, without its download helper and its dataset classes."""
    saved = sys.modules.get("fcn")
    sys.modules["fcn"] = ModuleType("fcn")
    package = ModuleType("torchfcn")
    spec = importlib.util.find_spec("torchfcn")  # type: ignore[attr-defined]
    if spec is None:
        pytest.skip("torchfcn is not installed")
    package.__path__ = list(spec.submodule_search_locations)  # type: ignore[attr-defined]
    sys.modules["torchfcn"] = package
    yield importlib.import_module("torchfcn.models")
    for name in [name for name in sys.modules if name.split(".")[0] == "torchfcn"]:
        del sys.modules[name]
    if saved is None:
        del sys.modules["fcn"]


@pytest.mark.parametrize("stride", [pytest.param(stride, marks=pytest.mark.slow) for stride in (32, 16, 8)])
def test_outputs_are_torchfcns(stride: int, torchfcn: ModuleType) -> None:
    theirs = getattr(torchfcn, f"FCN{stride}s")().eval()
    ours = archspec.compile(archspec.load(f"fcn{stride}s_vgg16")).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in theirs.parameters():
            scale = (2 / parameter[0].numel()) ** 0.5 if parameter.dim() > 1 else 0.1
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    # Convolutions meet in the order both run them; scores of skips and upsampling by what they do.
    names = {
        "vgg.": [key for key in theirs.state_dict() if key.startswith(("conv", "fc"))],
        "score.": ["score_fr.weight", "score_fr.bias"],
        "skip4.": ["score_pool4.weight", "score_pool4.bias"],
        "skip3.": ["score_pool3.weight", "score_pool3.bias"],
        "up4.": ["upscore2.weight"],
        "up3.": ["upscore_pool4.weight"],
        "upscore.": [f"upscore{'' if stride == 32 else stride}.weight"],
    }
    state = {}
    for prefix, keys in names.items():
        mine = [key for key in ours.state_dict() if key.startswith(prefix)]
        state.update({own: theirs.state_dict()[key] for own, key in zip(mine, keys, strict=bool(mine))})
    ours.load_state_dict(state, strict=True)
    image = torch.randn(1, 3, 70, 101, generator=generator)
    with torch.no_grad():
        expected, found = theirs(image), ours(image)
    assert found.shape == expected.shape == (1, 21, 70, 101)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.slow
def test_transposed_upsampling_starts_bilinear() -> None:
    """Away from the border of the coarse map, where the two go on differently, they start out the same."""
    image = torch.randn(1, 3, 200, 200, generator=torch.Generator().manual_seed(4))
    spec = archspec.load("fcn8s_vgg16")
    learned = archspec.compile(spec).eval()
    fixed = archspec.compile(archspec.load("fcn8s_vgg16", upsampling="bilinear")).eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name in ("score", "skip4.score", "skip3.score"):
            layer = learned.get_submodule(name)
            assert isinstance(layer.weight, Tensor)
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * 0.01)
    fixed.load_state_dict({k: v for k, v in learned.state_dict().items() if k in fixed.state_dict()}, strict=True)
    with torch.no_grad():
        one, other = (module(image)[:, :, 80:120, 80:120] for module in (learned, fixed))
    assert torch.allclose(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))


def test_unet_of_the_paper_maps_572_to_388_and_is_as_wide_and_deep_as_asked() -> None:
    shapes = archspec.check(archspec.load("unet")).shapes_at
    assert shapes["score"] == (2, 388, 388)
    small = archspec.load("unet_same", width=8, depth=2, classes=5)
    model = archspec.compile(small)
    assert model(torch.zeros(1, 1, 20, 36)).shape == (1, 5, 20, 36)
    assert archspec.check(small).valid_sizes["H"].describe() == "H a multiple of 4"
