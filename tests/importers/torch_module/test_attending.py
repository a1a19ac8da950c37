"""Attention, tokens, standardised convolutions, unpooling and parameters of a module, as the language has them."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from tests.importers.torch_module.test_importing import hold


class SelfAttention(nn.Module):
    """Attention as timm writes it, or with a projection each for queries, keys and values."""

    def __init__(self, width: int, heads: int, apart: bool) -> None:
        super().__init__()
        self.heads, self.apart = heads, apart
        if apart:
            self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        else:
            self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.norm, self.proj = nn.Identity(), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        if self.apart:
            parts = [layer(x).view(batch, tokens, self.heads, -1).transpose(1, 2) for layer in (self.q, self.k, self.v)]
        else:
            split = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
            parts = list(split.permute(2, 0, 3, 1, 4).unbind(0))
        x = F.scaled_dot_product_attention(
            self.norm(parts[0]), parts[1], parts[2], dropout_p=0.1 if self.training else 0.0
        )
        return self.proj(x.transpose(1, 2).reshape(batch, tokens, width))


class Transformer(nn.Module):
    """Patches, a class token, a table of positions, and blocks of attention."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 8))
        self.positions = nn.Parameter(torch.zeros(1, 13, 8))
        self.blocks = nn.ModuleList([SelfAttention(8, 2, False), SelfAttention(8, 2, True), SelfAttention(8, 4, False)])
        self.mean = nn.Buffer(torch.zeros(3, 1, 1))
        self.norm = nn.LayerNorm(8)
        self.last = nn.MultiheadAttention(8, 4, dropout=0.2, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x - self.mean).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1) + self.positions
        for block in self.blocks:
            x = x + block(self.norm(x))
        return self.head((x + self.last(x, x, x, need_weights=False)[0])[:, 0])


def test_transformers() -> None:
    spec = hold(Transformer(), (3, 12, 16))
    kinds = [node.op.keyword for node in spec.graph.nodes if node.op is not None]
    assert kinds.count("attention") == 3
    assert kinds.count("multihead_attention") == 1
    assert "leading: true" in spec.to_yaml()
    assert "mean" not in dict(archspec.compile(spec).named_parameters())


class Standardised(nn.Conv2d):
    """A scaled standardised convolution as in normaliser-free networks, or a plain one as in BiT."""

    def __init__(self, channels: int, out: int, kernel: int, gamma: float | None) -> None:
        super().__init__(channels, out, kernel, padding=kernel // 2, bias=gamma is not None)
        self.factor = None if gamma is None else gamma * self.weight[0].numel() ** -0.5
        if gamma is not None:
            self.gain = nn.Parameter(torch.ones(out, 1, 1, 1))

    def forward(self, input: Tensor) -> Tensor:
        gain = None if self.factor is None else (self.gain * self.factor).view(-1)
        flat = self.weight.reshape(1, self.out_channels, -1)
        weight = F.batch_norm(flat, None, None, weight=gain, training=True, momentum=0.0, eps=1e-5)
        return F.conv2d(input, weight.reshape_as(self.weight), self.bias, self.stride, self.padding)


def test_standardised_convolutions() -> None:
    module = nn.Sequential(
        Standardised(3, 6, 3, 1.7881293296813965), nn.SiLU(), Standardised(6, 4, 1, 1.7881293296813965),
        Standardised(4, 4, 3, None),
    )  # fmt: skip
    text = hold(module, (3, 9, 8), (3, 7, 11)).to_yaml()
    assert text.count("standardized_conv: {") == 4
    assert text.count("gamma: 1.788129329681396") == 2


class Unpooling(nn.Module):
    """Pools whose maxima are put back, by modules and by functions, sizes given and not."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2)
        y, one = self.pool(x)
        z, two = F.max_pool2d(self.conv(y), 3, 2, 1, return_indices=True)
        z = F.max_unpool2d(self.conv(z), two, [3, 3], [2, 2], [1, 1], output_size=y.shape[2:])
        return self.unpool(self.conv(z), one)


def test_unpooling() -> None:
    spec = hold(Unpooling(), (3, 9, 8), (3, 7, 12))
    kinds = [node.op.keyword for node in spec.graph.nodes if node.op is not None]
    assert kinds.count("max_unpool") == 2


class OddAttention(nn.Module):
    """Attention that the language does not have."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.qkv = how, nn.Linear(8, 24)
        self.whole = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2).transpose(1, 2)
        if self.how == "weights":
            return self.whole(x, x, x)[0]
        q, k, v = self.qkv(x).reshape(x.shape[0], -1, 3, 2, 4).permute(2, 0, 3, 1, 4)[:3]
        if self.how == "scale":
            return F.scaled_dot_product_attention(q, k, v, scale=2.0).transpose(1, 2).flatten(2)
        return F.scaled_dot_product_attention(q, F.relu(k), v).transpose(1, 2).flatten(2)


@pytest.mark.parametrize(("how", "said"), [("weights", "need_weights"), ("scale", "another scale"), ("relu", "heads")])
def test_other_attention_is_refused(how: str, said: str) -> None:
    with pytest.raises(archspec.SpecError, match=said):
        archspec.from_torch(OddAttention(how), (8, 3, 4))


def test_torchvisions_transformer(torchvision: ModuleType) -> None:
    module = torchvision.models.VisionTransformer(
        image_size=16, patch_size=8, num_layers=3, num_heads=2, hidden_dim=8, mlp_dim=12, dropout=0.1, num_classes=4
    )
    text = hold(module, (3, 16, 16)).to_yaml()
    assert len(text.splitlines()) <= 50


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "most"),
    [("deit_tiny_patch16_224", 224, 55), ("vit_tiny_patch16_224", 224, 55), ("nf_regnet_b0", 64, 95),
     ("resnetv2_50x1_bit", 64, 78)],
)  # fmt: skip
def test_timms(torchvision: ModuleType, name: str, size: int, most: int) -> None:
    timm = pytest.importorskip("timm")
    spec = hold(timm.create_model(name, pretrained=False), (3, size, size))
    assert len(spec.to_yaml().splitlines()) <= most
