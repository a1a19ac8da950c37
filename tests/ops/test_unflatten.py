"""One axis parted into several: tokens back on their map, patches, and what is refused."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from archspec.analyses.memory import memory
from archspec.sizes import text
from tests.helpers.bits import same_bits
from tests.helpers.live_storages import inference, inputs_of, training

HEAD = "archspec: 1\nname: N\ninputs: {image: [8, H, W]}\nsizes: {H: 4, W: 6}\n"
ATTENTION = (
    HEAD
    + """\
steps:
  - conv as qkv: {channels: 16, kernel: 1}
  - flatten: {start: height}
  - unflatten: {sizes: [2, -1], axes: [heads, channels]}
    label: heads
  - split: {sizes: [2, 2, 4], index: 0}
  - permute: {axes: [heads, length, channels]}
    label: q
  - split: {sizes: [2, 2, 4], index: 1}
    from: heads
    label: k
  - split: {sizes: [2, 2, 4], index: 2}
    from: heads
    label: v
  - matmul: {axes: [heads, length, keys]}
    from: [q, k]
  - softmax: {axis: keys}
    label: weights
  - matmul: {transpose: true, axes: [heads, channels, length]}
    from: [v, weights]
  - flatten: {end: channels, axis: channels}
  - unflatten: {axis: length, to: qkv}
    label: seen
  - flatten: {end: channels, axis: channels}
    from: v
  - unflatten: {axis: length, to: qkv}
  - conv as place: {channels: 8, kernel: 3, padding: 1, groups: 8}
  - add:
    from: [seen, place]
"""
)


class Attention(nn.Module):
    """Attention of two heads with narrow keys, and a convolution of the values for their places, as in YOLO11."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Conv2d(8, 16, 1)
        self.place = nn.Conv2d(8, 8, 3, padding=1, groups=8)

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.qkv(image).flatten(2)
        query, key, value = tokens.view(len(image), 2, 8, -1).split([2, 2, 4], dim=2)
        seen = value @ (query.transpose(-2, -1) @ key).softmax(-1).transpose(-2, -1)
        return seen.reshape(image.shape) + self.place(value.reshape(image.shape))


@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
def test_tokens_go_back_to_their_map(size: tuple[int, int]) -> None:
    spec = archspec.loads(ATTENTION)
    same_bits(archspec.compile(spec), Attention(), torch.rand(2, 8, *size))
    report = archspec.check(spec)
    assert list(map(text, report.shapes["11"].dims)) == ["8", "H", "W"]
    assert {symbol: valid.next(0) for symbol, valid in report.valid_sizes.items()} == {"H": 1, "W": 1}
    assert report.receptive_fields["11"].whole


@pytest.mark.parametrize("batch", [1, 2])
def test_memory_of_tokens(batch: int) -> None:
    spec = archspec.loads(ATTENTION)
    sizes = {"H": 24, "W": 20}
    inputs = inputs_of(spec.graph, sizes, batch)
    said = memory(spec.graph, sizes, batch)
    model = archspec.compile(spec).eval()
    assert said.inference == inference(model, inputs)
    assert said.training == pytest.approx(training(model, inputs), rel=0.05)


PATCHES = (
    HEAD
    + """\
steps:
  - unflatten: {axis: height, sizes: [-1, 2], axes: [height, down]}
  - unflatten: {axis: width, sizes: [-1, 3], axes: [width, across]}
    label: parted
  - permute: {axes: [channels, down, across, height, width]}
  - flatten: {start: down, end: across, axis: places}
  - flatten: {start: height, end: width, axis: length}
  - softmax: {axis: length}
  - unflatten: {axis: length, to: parted, axes: [height, width]}
  - unflatten: {axis: places, to: parted, axes: [down, across]}
  - permute: {axes: [channels, height, down, width, across]}
  - flatten: {start: width, end: across}
  - flatten: {start: height, end: down}
"""
)


class Patches(nn.Module):
    """A softmax over the pixels that have the same place in patches of 2 × 3."""

    def forward(self, image: Tensor) -> Tensor:
        tokens = F.unfold(image, (2, 3), stride=(2, 3)).unflatten(1, (8, 6)).softmax(-1)
        return F.fold(tokens.flatten(1, 2), image.shape[2:], (2, 3), stride=(2, 3))


def test_patches_are_those_of_unfold() -> None:
    spec = archspec.loads(PATCHES)
    same_bits(archspec.compile(spec), Patches(), torch.rand(2, 8, 8, 9))
    report = archspec.check(spec)
    assert list(map(text, report.shapes["1"].dims)) == ["8", "⌊H/2⌋", "2", "⌊W/3⌋", "3"]
    assert [size for size in range(13) if report.valid_sizes["H"].valid.contains(size)] == [2, 4, 6, 8, 10, 12]
    assert [size for size in range(13) if report.valid_sizes["W"].valid.contains(size)] == [3, 6, 9, 12]
    assert [field and field.size for field in report.receptive_fields["1"].axes.values()] == [2, 3]


def test_rows_of_a_joined_axis_see_what_they_came_from() -> None:
    steps = (
        "  - unflatten: {axis: height, sizes: [-1, 2], axes: [height, down]}\n  - flatten: {start: height, end: down}"
    )
    spec = archspec.loads(HEAD + "steps:\n" + steps + "\n  - conv: {channels: 1, kernel: [3, 1]}\n")
    fields = list(archspec.check(spec).receptive_fields.values())
    assert [known.size if (known := field.axes["height"]) else 0 for field in fields[:4]] == [1, 2, 2, 4]


STEPS = {
    "none": ("- unflatten: {axis: height, axes: [a, b]}", "needs one of `sizes` and `to`"),
    "both": (
        "- unflatten: {axis: height, sizes: [2], to: image, axes: [a]}",
        "needs one of `sizes` and `to`, not both",
    ),
    "names": ("- unflatten: {axis: height, sizes: [-1, 2]}", "needs names for the new axes"),
    "count": ("- unflatten: {axis: height, sizes: [-1, 2], axes: [a]}", "names 1 axes for 2 sizes"),
    "rest": ("- unflatten: {axis: height, sizes: [-1, -1], axes: [a, b]}", "has more than one -1"),
    "twice": ("- unflatten: {axis: height, sizes: [-1, 2], axes: [height, width]}", "two axes `width`"),
    "number": ("- unflatten: {sizes: [3, -1], axes: [heads, channels]}", "8 channels cannot be parted into 3 · -1"),
    "square": ("- unflatten: {axis: height, to: image, axes: [height, height]}", "twice"),
    "channels": ("- unflatten: {axis: height, sizes: [2, -1], axes: [a, channels]}", "two axes `channels`"),
    "vector": (
        "- mean as v: {axes: [height, width]}\n  - unflatten: {axis: height, to: v}\n    from: image",
        "`to` needs a step that has spatial axes",
    ),
    "size": (
        "- flatten: {start: height}\n  - unflatten: {axis: length, sizes: [5, 5], axes: [height, width]}",
        "H·W",
    ),
    "order": ("- flatten: {start: width, end: height}", "the axis height comes before width"),
    "joined": ("- flatten: {start: height, axis: channels}", "there would be two axes `channels`"),
}


@pytest.mark.parametrize("case", STEPS)
def test_what_does_not_fit_is_said(case: str) -> None:
    steps, words = STEPS[case]
    with pytest.raises(archspec.SpecError, match=re.escape(words)) as raised:
        archspec.check(archspec.loads(HEAD + "steps:\n  " + steps + "\n"))
    assert raised.value.diagnostics[0].span is not None
