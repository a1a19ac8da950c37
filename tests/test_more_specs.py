"""The networks of `specs/more`: their claims hold, and with the peer's weights they give the peer's bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

import archspec
from archspec.elaborate.shipped import more_names
from tests.helpers.bits import randomise, same_bits
from tests.helpers.places import SPECS


@pytest.mark.parametrize("name", sorted(more_names()))
def test_claims_hold(name: str) -> None:
    spec = archspec.load(name)
    report = archspec.check(spec)
    assert [str(found) for found in (*spec.diagnostics, *report.diagnostics)] == []
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../archspec.schema.json\narchspec: 1\nname: ")
    assert "\nexpect:\n" in text
    assert max(map(len, text.splitlines())) <= 120


@dataclass(frozen=True)
class Peer:
    """A network of timm's: its name there, and the size at which the two are compared."""

    name: str
    size: int = 64
    spec: str = ""


TIMM = [
    Peer("res2net50_26w_4s"),
    Peer("ese_vovnet39b"),
    Peer("tf_efficientnet_b0", 70),
    Peer("hrnet_w18"),
    Peer("nf_regnet_b0"),
    Peer("deit_tiny_patch16_224", 224),
    Peer("mobilevit_s", 128),
    Peer("edgenext_small", 96),
]


@pytest.mark.slow
@pytest.mark.parametrize("peer", [pytest.param(peer, id=peer.name) for peer in TIMM])
def test_bits_are_timms(peer: Peer, torchvision: ModuleType) -> None:
    assert torchvision
    timm = pytest.importorskip("timm")
    theirs = timm.create_model(peer.name, pretrained=False)
    ours = archspec.compile(archspec.load(f"more/{peer.spec or peer.name}"))
    same_bits(ours, theirs, torch.rand(2, 3, peer.size, peer.size))


@pytest.mark.slow
def test_bits_are_those_of_segmentation_models(torchvision: ModuleType) -> None:
    assert torchvision
    smp = pytest.importorskip("segmentation_models_pytorch")
    theirs = smp.UnetPlusPlus("resnet34", encoder_weights=None)
    same_bits(archspec.compile(archspec.load("more/unetplusplus_resnet34")), theirs, torch.rand(2, 3, 64, 64))


@pytest.mark.slow
def test_bits_are_torchvisions_vision_transformer(torchvision: ModuleType) -> None:
    theirs = torchvision.models.vit_b_16()
    same_bits(archspec.compile(archspec.load("more/vit_b_16")), theirs, torch.rand(2, 3, 224, 224))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(64, 96), (70, 93)], ids=str)
def test_bits_are_torchvisions_windows(torchvision: ModuleType, size: tuple[int, int]) -> None:
    """Also where the map is no whole number of windows, and at the end a single one."""
    theirs = torchvision.models.swin_t()
    same_bits(archspec.compile(archspec.load("more/swin_t")), theirs, torch.rand(2, 3, *size))


@pytest.mark.slow
def test_maps_are_those_of_ultralytics_own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("YOLO_OFFLINE", "1")
    ultralytics = pytest.importorskip("ultralytics", reason="ultralytics is not installed: make engines")
    from ultralytics.nn.tasks import DetectionModel  # type: ignore[import-not-found]

    file = Path(ultralytics.__file__).parent / "cfg/models/v5/yolov5.yaml"
    (tmp_path / "yolov5n.yaml").write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    theirs = DetectionModel(str(tmp_path / "yolov5n.yaml"), verbose=False)
    randomise(theirs)
    ours = archspec.compile(archspec.load("more/yolov5n"))
    state = {key: value for key, value in theirs.state_dict().items() if ".dfl." not in key}
    if "model.24.cv3.0.0.conv.weight" not in state:
        pytest.skip(f"Ultralytics {ultralytics.__version__} gives YOLOv5 the head of YOLO11")
    ours.load_state_dict(state, strict=True)
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        for training in (True, False):
            maps, said = ours.train(training)(image), theirs.train(training)(image)
            said = said if training else said[1]
            joined = torch.cat([map_.flatten(2) for map_ in maps], 2)
            assert torch.equal(joined, torch.cat([said["boxes"], said["scores"]], 1))


class Espcn(nn.Module):
    """The network of arXiv:1609.05158, by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 9, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.conv2(torch.tanh(self.conv1(x))))
        return nn.functional.pixel_shuffle(self.conv3(x), 3)


def convolutions(*widths: int) -> nn.Sequential:
    """3×3 convolutions from each width to the next, with normalisation and ReLU, in one flat list."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)


class SegNet(nn.Module):
    """The network of arXiv:1511.00561, by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = convolutions(3, 64, 64), convolutions(64, 128, 128)
        self.down3, self.down4 = convolutions(128, 256, 256, 256), convolutions(256, 512, 512, 512)
        self.down5 = convolutions(512, 512, 512, 512)
        self.up5, self.up4 = convolutions(512, 512, 512, 512), convolutions(512, 512, 512, 256)
        self.up3, self.up2 = convolutions(256, 256, 256, 128), convolutions(128, 128, 64)
        self.up1 = convolutions(64, 64)
        self.score = nn.Conv2d(64, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        kept: list[Tensor] = []
        for down in (self.down1, self.down2, self.down3, self.down4, self.down5):
            x, indices = nn.functional.max_pool2d(down(x), 2, return_indices=True)
            kept.append(indices)
        for up in (self.up5, self.up4, self.up3, self.up2, self.up1):
            x = up(nn.functional.max_unpool2d(x, kept.pop(), [2, 2]))
        return self.score(x)


class Norm(nn.Module):
    """Layer normalisation of each place of a map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class NafUnit(nn.Module):
    """A block of arXiv:2204.04676, by hand."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = Norm(c), Norm(c)
        self.conv1, self.conv2 = nn.Conv2d(c, 2 * c, 1), nn.Conv2d(2 * c, 2 * c, 3, padding=1, groups=2 * c)
        self.sca, self.conv3 = nn.Conv2d(c, c, 1), nn.Conv2d(c, c, 1)
        self.conv4, self.conv5 = nn.Conv2d(c, 2 * c, 1), nn.Conv2d(c, c, 1)
        self.beta, self.gamma = nn.Parameter(torch.zeros(1, c, 1, 1)), nn.Parameter(torch.zeros(1, c, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        one, other = self.conv2(self.conv1(self.norm1(x))).chunk(2, dim=1)
        y = one * other
        y = self.conv3(y * self.sca(nn.functional.adaptive_avg_pool2d(y, 1)))
        x = x + y * self.beta
        one, other = self.conv4(self.norm2(x)).chunk(2, dim=1)
        return x + self.conv5(one * other) * self.gamma


class NafNet(nn.Module):
    """The network of arXiv:2204.04676, by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.intro, self.ending = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 3, 3, padding=1)
        widths = [32, 64, 128, 256]
        stages = zip(widths, [2, 2, 4, 8], strict=True)
        self.encoders = nn.ModuleList(nn.Sequential(*(NafUnit(c) for _ in range(n))) for c, n in stages)
        self.downs = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, stride=2) for c in widths)
        self.middle_blks = nn.Sequential(*(NafUnit(512) for _ in range(12)))
        sizes = [2 * c for c in reversed(widths)]
        self.ups = nn.ModuleList(nn.Sequential(nn.Conv2d(c, 2 * c, 1, bias=False), nn.PixelShuffle(2)) for c in sizes)
        self.decoders = nn.ModuleList(nn.Sequential(*(NafUnit(c) for _ in range(2))) for c in reversed(widths))

    def forward(self, image: Tensor) -> Tensor:
        x = self.intro(image)
        kept: list[Tensor] = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            kept.append(encoder(x))
            x = down(kept[-1])
        x = self.middle_blks(x)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            x = decoder(up(x) + kept.pop())
        return self.ending(x) + image


def normed(conv: nn.Conv2d) -> nn.Sequential:
    """A convolution, normalised, with a slope for each channel."""
    return nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels), nn.PReLU(conv.out_channels))


def enet_conv(before: int, after: int, *kernel: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """One that keeps the size, but for its stride."""
    padding = (dilation * (kernel[0] // 2), dilation * (kernel[1] // 2)) if stride == 1 else 0
    return normed(nn.Conv2d(before, after, (kernel[0], kernel[1]), stride, padding, dilation, bias=False))


class EnetEnd(nn.Module):
    """How each bottleneck of arXiv:1606.02147 ends: widened, dropped, added to what was kept."""

    def __init__(self, channels: int, drop: float = 0.1) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels // 4, channels, 1, bias=False)
        self.norm, self.act = nn.BatchNorm2d(channels), nn.PReLU(channels)
        self.drop = drop

    def end(self, kept: Tensor, x: Tensor) -> Tensor:
        return self.act(kept + nn.functional.dropout2d(self.norm(self.expand(x)), self.drop, self.training))


class EnetUnit(EnetEnd):
    def __init__(self, channels: int, drop: float = 0.1, dilation: int = 1, long: int = 0) -> None:
        super().__init__(channels, drop)
        inner = channels // 4
        self.project = enet_conv(channels, inner, 1, 1)
        self.long = long
        if long:
            self.rows, self.columns = enet_conv(inner, inner, long, 1), enet_conv(inner, inner, 1, long)
        else:
            self.middle = enet_conv(inner, inner, 3, 3, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.project(x)
        return self.end(x, self.columns(self.rows(inner)) if self.long else self.middle(inner))


class EnetDown(EnetEnd):
    def __init__(self, before: int, channels: int, drop: float = 0.1) -> None:
        super().__init__(channels, drop)
        self.project = enet_conv(before, channels // 4, 2, 2, stride=2)
        self.middle = enet_conv(channels // 4, channels // 4, 3, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        kept, indices = nn.functional.max_pool2d(x, 2, return_indices=True)
        inner = self.middle(self.project(x))
        missing = kept.new_zeros(len(kept), self.norm.num_features - kept.shape[1], *kept.shape[2:])
        return self.end(torch.cat([kept, missing], 1), inner), indices


class EnetUp(EnetEnd):
    def __init__(self, before: int, channels: int) -> None:
        super().__init__(channels)
        inner = channels // 4
        self.main, self.main_norm = nn.Conv2d(before, channels, 1, bias=False), nn.BatchNorm2d(channels)
        self.project = enet_conv(before, inner, 1, 1)
        self.middle = nn.ConvTranspose2d(inner, inner, 3, 2, 1, 1, bias=False)
        self.middle_norm, self.middle_act = nn.BatchNorm2d(inner), nn.PReLU(inner)

    def forward(self, x: Tensor, indices: Tensor) -> Tensor:
        kept = nn.functional.max_unpool2d(self.main_norm(self.main(x)), indices, [2, 2])
        return self.end(kept, self.middle_act(self.middle_norm(self.middle(self.project(x)))))


class Enet(nn.Module):
    """The network of arXiv:1606.02147, by hand."""

    def __init__(self) -> None:
        super().__init__()
        conv = nn.Conv2d(3, 13, 3, stride=2, padding=1, bias=False)
        self.initial = nn.ModuleDict({"conv": conv, "2": nn.BatchNorm2d(16), "3": nn.PReLU(16)})
        self.down1, self.down2 = EnetDown(16, 64, 0.01), EnetDown(64, 128)
        self.stage1 = nn.Sequential(*(EnetUnit(64, 0.01) for _ in range(4)))
        kinds = [(1, 0), (2, 0), (1, 5), (4, 0), (1, 0), (8, 0), (1, 5), (16, 0)] * 2
        self.stage2 = nn.Sequential(*(EnetUnit(128, 0.1, dilation, long) for dilation, long in kinds))
        self.up2, self.up1 = EnetUp(128, 64), EnetUp(64, 16)
        self.stage3 = nn.Sequential(EnetUnit(64), EnetUnit(64))
        self.stage4 = EnetUnit(16)
        self.classifier = nn.ConvTranspose2d(16, 20, 2, 2, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.cat([self.initial["conv"](image), nn.functional.max_pool2d(image, 2)], 1)
        x, first = self.down1(self.initial["3"](self.initial["2"](x)))
        x, second = self.down2(self.stage1(x))
        x = self.up2(self.stage2(x), second)
        return self.classifier(self.stage4(self.up1(self.stage3(x), first)))


HAND: list[tuple[str, Callable[[], nn.Module], int]] = [
    ("espcn", Espcn, 1),
    ("enet", Enet, 3),
    ("segnet_vgg16", SegNet, 3),
    ("nafnet", NafNet, 3),
]


@pytest.mark.parametrize(
    ("name", "theirs", "channels"),
    [pytest.param(*case, id=case[0], marks=[pytest.mark.slow] * (case[0] in ("nafnet", "enet"))) for case in HAND],
)
def test_bits_are_those_of_a_network_by_hand(name: str, theirs: Callable[[], nn.Module], channels: int) -> None:
    same_bits(archspec.compile(archspec.load(f"more/{name}")), theirs(), torch.rand(2, channels, 32, 32))
