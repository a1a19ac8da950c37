"""Attention written out in products of matrices, as many repositories write it."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from tests.importers.torch_module.test_importing import hold


class NonLocal(nn.Module):
    """Attention of the places of a map to one another (arXiv:1711.07971), as published code writes it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.theta, self.phi, self.g = (nn.Conv2d(width, width // 2, 1) for _ in range(3))
        self.last = nn.Conv2d(width // 2, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.size()
        value = self.g(x).view(batch, -1, height * width).permute(0, 2, 1)
        query = self.theta(x).view(batch, -1, height * width).permute(0, 2, 1)
        weights = F.softmax(torch.matmul(query, self.phi(x).view(batch, -1, height * width)), dim=-1)
        y = torch.matmul(weights, value).permute(0, 2, 1).contiguous()
        return x + self.last(y.view(batch, -1, *x.size()[2:]))


class ChannelAttention(nn.Module):
    """Attention of the channels to one another (arXiv:1809.02983)."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.size()
        flat = x.view(batch, channels, -1)
        weights = torch.softmax(torch.bmm(flat, flat.permute(0, 2, 1)), -1)
        return self.gamma * torch.bmm(weights, flat).view(batch, channels, height, width) + x


class Heads(nn.Module):
    """Attention of heads over tokens in one of four ways to write it."""

    def __init__(self, width: int, heads: int, how: str) -> None:
        super().__init__()
        self.heads, self.how, self.scale = heads, how, (width // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm, self.drop = nn.LayerNorm(width // heads), nn.Dropout(0.1)
        self.bias = nn.Parameter(torch.zeros(heads, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        if self.how == "timm":
            q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
            weights = (self.norm(q) * self.scale) @ self.norm(k).transpose(-2, -1) + self.bias
            return self.proj((self.drop(weights.softmax(-1)) @ v).transpose(1, 2).reshape(batch, tokens, width))
        if self.how == "channels":
            q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 4, 1).unbind(0)
            weights = (F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)) * self.bias
            return self.proj((weights.softmax(-1) @ v).permute(0, 3, 1, 2).reshape(batch, tokens, width))
        q, k, v = (part.view(batch, tokens, self.heads, -1).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        if self.how == "einsum":
            weights = F.softmax(torch.einsum("b h i d, b h j d -> b h i j", q, k) * self.scale, dim=-1)
            return self.proj(torch.einsum("bhij,bhjd->bhid", weights, v).permute(0, 2, 1, 3).reshape(x.shape))
        weights = F.softmax(torch.matmul(q, k.transpose(-1, -2)) / 1.7, dim=-1)
        return self.proj(torch.matmul(self.drop(weights), v).transpose(1, 2).contiguous().view(batch, tokens, -1))


class Network(nn.Module):
    """All of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 4, stride=4), NonLocal(6), ChannelAttention())
        self.blocks = nn.ModuleList(Heads(6, 2, how) for how in ("timm", "channels", "einsum", "divided"))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = x + block(x)
        return x.mean(1)


def test_attention_written_out() -> None:
    spec = hold(Network(), (3, 12, 16), (3, 20, 8))
    assert set(spec.symbols) == {"H", "W"}
    kinds = [node.op.keyword for node in spec.graph.nodes if node.op is not None]
    assert kinds.count("matmul") == 12
    assert kinds.count("contiguous") == 1  # the other is followed by a view that copies


class Odd(nn.Module):
    """Products that the language does not have."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.matrix = how, nn.Parameter(torch.zeros(1, 8, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2)
        if self.how == "weight":
            return self.matrix @ x
        return torch.einsum("bci,bcj,bck->bc" if self.how == "three" else "bci,bcj->bij", *[x] * self._count)

    @property
    def _count(self) -> int:
        return 3 if self.how == "three" else 2


@pytest.mark.parametrize(
    ("how", "said"),
    [("weight", "a matrix that no step makes"), ("three", "two operands"),
     ("outer", "not a product of matrices")],
)  # fmt: skip
def test_other_products_are_refused(how: str, said: str) -> None:
    with pytest.raises(archspec.SpecError, match=said):
        archspec.from_torch(Odd(how), (8, 3, 8))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "most"),
    [("deit_tiny_patch16_224", 224, 75), ("xcit_nano_12_p16_224", 64, 150), ("edgenext_xx_small", 64, 150)],
)
def test_timms_attention_that_is_not_fused(torchvision: ModuleType, name: str, size: int, most: int) -> None:
    timm = pytest.importorskip("timm")
    module = timm.create_model(name, pretrained=False)
    for part in module.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
    spec = hold(module, (3, size, size))
    assert "matmul" in spec.to_yaml()
    assert len(spec.to_yaml().splitlines()) <= most
