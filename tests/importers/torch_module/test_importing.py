"""Torch modules as specs: the same weights, outputs and gradients, bit for bit, at other sizes too."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from archspec.sizes import text
from tests.helpers.imported import difference


def hold(module: nn.Module, size: tuple[int, ...], *further: tuple[int, ...]) -> archspec.Spec:
    """The module's spec, which loads its weights strictly and gives its very bits, in evaluation and in training."""
    spec = archspec.from_torch(module, size)
    assert difference(module, spec, (size, *further)) == ""
    return spec


@pytest.mark.parametrize(
    ("name", "size", "most"),
    [
        ("squeezenet1_1", 65, 28),
        ("resnet18", 64, 25),
        pytest.param("resnext50_32x4d", 64, 28, marks=pytest.mark.slow),
        ("mobilenet_v2", 64, 31),
        ("shufflenet_v2_x0_5", 64, 71),
        pytest.param("mnasnet0_5", 64, 70, marks=pytest.mark.slow),
        pytest.param("regnet_y_400mf", 64, 45, marks=pytest.mark.slow),
        pytest.param("convnext_tiny", 64, 56, marks=pytest.mark.slow),
    ],
)
def test_torchvisions_networks(torchvision: ModuleType, name: str, size: int, most: int) -> None:
    module = torchvision.models.get_model(name, weights=None)
    spec = hold(module, (3, size, size), (3, size + 32, size + 96))
    assert len(spec.to_yaml().splitlines()) <= most
    assert set(spec.symbols) == {"H", "W"}


def test_googlenet_keeps_its_auxiliary_heads(torchvision: ModuleType) -> None:
    module = torchvision.models.googlenet(weights=None, init_weights=False, aux_logits=True)
    spec = hold(module, (3, 64, 64))
    assert [(output.name, output.training) for output in spec.graph.outputs] == [
        ("logits", False),
        ("aux_logits2", True),
        ("aux_logits1", True),
    ]


def test_segmentation_takes_the_size_of_its_image(torchvision: ModuleType) -> None:
    module = torchvision.models.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None)
    spec = hold(module, (3, 97, 65))
    shape = spec.graph.nodes[spec.graph.outputs[0].node].shape
    assert [text(dim) for dim in shape.dims] == ["21", "H", "W"]


class Scales(nn.Module):
    """Lists used in turn, a shared layer, a gate, a shuffle, a parameter, in-place steps.

    More is said here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1, bias=False) for _ in range(3))
        self.bns = nn.ModuleList(nn.BatchNorm2d(4) for _ in range(3))
        self.twice = nn.Conv2d(12, 12, 1)
        self.scale = nn.Parameter(torch.rand(12, 1, 1))
        self.gamma = nn.Parameter(torch.rand(12))
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Identity(), nn.Linear(12, 5))

    def forward(self, x: Tensor) -> Tensor:
        parts = []
        for index, part in enumerate(x.chunk(3, dim=1)):
            current = part if not index else part + parts[-1]
            parts.append(self.relu(self.bns[index](self.convs[index](current))))
        x = torch.cat(parts, 1)
        x = self.twice(F.gelu(self.twice(x))) * self.scale
        batch, channels, height, width = x.shape
        x = x.view(batch, 3, channels // 3, height, width).transpose(1, 2).contiguous().view(batch, -1, height, width)
        x = x * torch.sigmoid(x.mean((2, 3), keepdim=True)) + self.gamma.view(1, -1, 1, 1)
        x = x + F.interpolate(F.max_pool2d(x, 2), size=x.shape[-2:], mode="bilinear", align_corners=False)
        x = F.pad(x, (0, 1, 2, 0))[:, :, 1:]
        return self.head((x - 0.5).mean([2, 3]))


def test_what_modules_do_by_hand() -> None:
    module = Scales()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    spec = hold(module, (12, 16, 18), (12, 15, 21))
    assert 'doc: "Lists used in turn' in spec.to_yaml()
    assert {"convs.1", "bns.2", "twice", "scale"} <= set(spec.graph.by_path)
    assert module.state_dict().keys() == before.keys()
    assert all(parameter.device.type == "cpu" for parameter in module.parameters())


def test_a_fixed_size_stays_a_number() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 3))
    spec = hold(module, (1, 8, 8))
    assert not spec.symbols


class Strange(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Softsign())

    def forward(self, x: Tensor) -> Tensor:
        return torch.cumsum(self.inner(x), 1) / torch.fft.fft(x).abs().mean()


def test_all_that_has_no_counterpart_is_told_in_one_run() -> None:
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_torch(Strange(), (3, 8, 8))
    said = [str(diagnostic.message) for diagnostic in caught.value.diagnostics]
    assert any("softsign" in one and "`inner" in one for one in said)
    assert any("cumsum" in one for one in said)
    assert any("fft" in one for one in said)
    assert all("test_importing.py:" in "".join(diagnostic.details) for diagnostic in caught.value.diagnostics)


class Idioms(nn.Module):
    """What libraries write by hand: strided same padding, differences, squares, sums of stacks, gates, norms."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, bias=False)
        self.gate = nn.Conv1d(1, 1, 3, padding=1, bias=False)
        self.scale = nn.Parameter(torch.rand(8, 1, 1))
        self.shift = nn.Parameter(torch.rand(1))
        self.norm = nn.LayerNorm(8, bias=False)
        self.group_norm = nn.GroupNorm(2, 8, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        after = [(-(-size // 2) - 1) * 2 + 3 - size for size in x.shape[2:]]
        x = self.stem(F.pad(x, (after[1] // 2, after[1] - after[1] // 2, after[0] // 2, after[0] - after[0] // 2)))
        gate = torch.sigmoid(self.gate(x.mean((2, 3)).view(x.shape[0], 1, -1))).view(x.shape[0], -1, 1, 1)
        added: Any = sum([x * gate.expand_as(x), F.relu(x) ** 2, F.avg_pool2d(x, 3, 1, 1) - x])
        x = torch.stack([added, 1 - added, added.square()]).sum(0) * self.scale.view(8, 1, 1) + self.shift
        size = x.norm(p=2, dim=(2, 3), keepdim=True)
        x = torch.addcmul(
            self.shift.view(1, 1, 1, 1), self.scale[None], x * (size / (size.mean(1, keepdim=True) + 1e-6))
        )
        parts = torch.stack([x, self.group_norm(x)], 1)
        x = (parts * torch.softmax(parts.sum(1, keepdim=True).view(x.shape[0], 1, 8, *x.shape[2:]), 2)).sum(1)
        return self.norm(x.permute(0, 2, 3, 1)).mean((1, 2))


def test_what_libraries_write_by_hand() -> None:
    spec = hold(Idioms(), (3, 16, 18), (3, 15, 21))
    assert "padding: same" in spec.to_yaml()


class Dense(nn.Module):
    """Layers that read all before them, as one list."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({f"layer{at}": DenseLayer(4 + 2 * at) for at in range(4)})

    def forward(self, x: Tensor) -> Tensor:
        found = [x]
        for layer in self.layers.values():
            found.append(layer(found))
        return torch.cat(found, 1)


class DenseLayer(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(channels), nn.Conv2d(channels, 2, 3, padding=1)

    def forward(self, found: list[Tensor]) -> Tensor:
        return self.conv(F.relu(self.norm(torch.cat(found, 1))))


def test_joins_that_grow_are_a_block() -> None:
    spec = hold(Dense(), (4, 8, 9), (4, 7, 6))
    assert spec.to_yaml().count("conv as conv") == 1


class Half(nn.Module):
    """A stage that is never called, at the end of those that are."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.four = (DenseLayer(4), nn.Sequential(nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6)),
                                         nn.Sequential(nn.Conv2d(6, 5, 1), nn.BatchNorm2d(5)))  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.two(self.one([x]))


def test_a_stage_that_is_never_called_reads_the_one_before() -> None:
    spec = hold(Half(), (4, 8, 9))
    assert [spec.graph.by_path[path].dead for path in ("four.0", "four.1")] == [True, True]


class ByValue(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class BySize(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return F.relu(x) if x.shape[-1] > 20 else F.relu(F.relu(x))


class ThroughAView(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(x)
        y[:, :1].mul_(2)
        return y


def test_steps_that_depend_on_the_size_are_right_at_the_size_that_was_asked_for() -> None:
    spec = hold(BySize(), (3, 16, 16))
    assert not spec.symbols


class Unused(nn.Module):
    """Layers that are never called, beside those that read what they could, and in a module that is called."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.idle = nn.Conv2d(3, 8, 1), nn.Conv2d(5, 3, 1)
        self.bn = nn.BatchNorm2d(8)
        self.inner = nn.ModuleDict({"one": nn.Sequential(nn.Conv2d(8, 4, 1), nn.PReLU(4)), "two": nn.Linear(9, 2)})
        self.rest = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.rest(F.relu(self.used(x)))


def test_modules_that_are_never_called_keep_their_keys() -> None:
    spec = hold(Unused(), (3, 16, 16))
    assert {"idle.weight", "bn", "inner.one.0", "inner.two.bias"} <= set(spec.graph.by_path)
    assert all(spec.graph.by_path[path].dead for path in ("bn", "inner.one.0"))


class Sliced(nn.Module):
    """A chain in two parts, and a part of a map as large as another."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Dropout(0.3), nn.Conv2d(4, 4, 3, stride=2))

    def forward(self, x: Tensor) -> Tensor:
        middle = self.features[:2](x)
        last = F.interpolate(self.features[2:](middle), scale_factor=2)
        high, wide = last.shape[2:]
        return middle[:, :, 1 : high + 1, :wide] + last + middle.narrow(2, 0, high)[..., :wide]


def test_parts_of_chains_and_maps() -> None:
    spec = hold(Sliced(), (3, 17, 20), (3, 22, 31))
    assert [node.op.keyword for node in spec.graph.nodes if node.op is not None].count("crop") == 2


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (ByValue(), "the values of a tensor"),
        (ThroughAView(), "changed in place"),
        (nn.Sequential(nn.Conv2d(4, 4, 1)), "fails on this input"),
        (nn.Sequential(nn.MaxPool2d(2, return_indices=True)), "places of maxima"),
    ],
)
def test_what_is_no_function_of_its_input_is_refused(module: nn.Module, said: str) -> None:
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_torch(module, (3, 16, 16))
    assert said in str(caught.value)


class Gated(nn.Module):
    """Channels scaled by what a mean over the map says, and the input added where the shape stays."""

    def __init__(self, channels: int, out: int, residual: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, out, 3, padding=1), nn.Conv2d(out, out, 1)
        self.join = nn.Conv2d(channels + 2 * out, out, 1)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        one = self.conv1(x)
        gate = torch.sigmoid(one.mean((2, 3)).view(x.shape[0], -1, 1, 1))
        y = self.join(torch.cat([x, one, self.conv2(one) * gate], 1))
        return y + x if self.residual else y


def test_blocks_of_which_some_add_their_input() -> None:
    spec = hold(nn.Sequential(Gated(3, 4, False), Gated(4, 4, True), Gated(4, 4, True)), (3, 8, 8), (3, 7, 9))
    assert spec.to_yaml().count("gated") == 3


class GivesMore(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, int]:
        return F.relu(x), self.scale, 3


def test_an_output_that_is_no_value_is_refused() -> None:
    with pytest.raises(archspec.SpecError, match="outputs must be tensors that it computes"):
        archspec.from_torch(GivesMore(), (3, 8, 8))


@pytest.mark.parametrize("sizes", [(), (3, 0, 8), (3, 8, 8, 8, 8), (3, 8.0, 8)])
def test_sizes_that_are_none(sizes: Any) -> None:
    with pytest.raises(archspec.SpecError, match="channels and the sizes"):
        archspec.from_torch(nn.Identity(), sizes)
