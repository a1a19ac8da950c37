"""Darknet's files: what their sections mean, by its own loops written out; weights; broken files, with the line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

import archspec
from archspec.diagnostics import Diagnostic
from tests.helpers.foreign import darknet_weights

HEAD = "[net]\nwidth=12\nheight=8\nchannels=8\n"


def written(text: str, folder: Path) -> Path:
    path = folder / "net.cfg"
    path.write_text(text, encoding="utf-8")
    return path


def run(text: str, image: Tensor, folder: Path) -> Tensor:
    """What a network without weights gives."""
    return archspec.compile(archspec.from_file(written(HEAD + text, folder)))(image)


def complaints(text: str, folder: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_file(written(text, folder))
    return caught.value.diagnostics


HOSTILE = [
    ("", "file-syntax", 1, "begins with the section `[net]`"),
    ("# nothing\n", "file-syntax", 1, "begins with the section `[net]`"),
    ("width=3\n[net]", "file-syntax", 1, "before any section"),
    ("[convolutional]\nfilters=3", "file-syntax", 1, "begins with the section `[net]`"),
    ("[net]\nwidth=3\nheight=3\nchannels=3", "no-steps", 1, "no layers"),
    ("[net]\n[avgpool]", "bad-input", 1, "`channels`, `height` and `width`"),
    ("[net]\nwidth=3\nheight=3\nchannels=-1\n[avgpool]", "wrong-value", 4, "`channels`"),
    ("[net]\nwidth=3\nheight=3\nchannels=9999999999\n[avgpool]", "wrong-value", 4, "`channels`"),
    (HEAD + "[convolutional", "file-syntax", 5, "not the head of a section"),
    (HEAD + "[a b]c", "file-syntax", 5, "not the head of a section"),
    (HEAD + "[avgpool]\njust words", "file-syntax", 6, "not of the form `key=value`"),
    (HEAD + "[avgpool]\n=3", "file-syntax", 6, "not of the form `key=value`"),
    (HEAD + "[convolutional]\nsize=3\nsize=1", "file-syntax", 7, "given twice, first in line 6"),
    (HEAD + "\x00", "file-syntax", 5, "not of the form `key=value`"),
    (HEAD + "[lstm]", "not-importable", 5, "`[lstm]`"),
    (HEAD + "[local]\nsize=3", "not-importable", 5, "`[local]`"),
    (HEAD + "[convolutional]\nfilter=3", "not-importable", 6, "`filter`"),
    (HEAD + "[convolutional]\nactivation=loggy", "not-importable", 6, "`loggy`"),
    (HEAD + "[convolutional]\nfilters=three", "wrong-value", 6, "`filters`"),
    (HEAD + "[convolutional]\nfilters=0", "wrong-value", 6, "`filters`"),
    (HEAD + "[convolutional]\nxnor=1", "not-importable", 6, "`xnor`"),
    (HEAD + "[convolutional]\nsize=50", "shape-mismatch", 5, "kernel 50"),
    (HEAD + "[route]\nlayers=-1", "wrong-value", 6, "names layer -1"),
    (HEAD + "[avgpool]\n[route]\nlayers=1", "wrong-value", 7, "names layer 1"),
    (HEAD + "[avgpool]\n[route]\nlayers=a,b", "wrong-value", 7, "whole numbers separated by commas"),
    (HEAD + "[avgpool]\n[route]", "not-importable", 6, "must name at least one layer"),
    (HEAD + "[route]\nlayers=-1\ngroups=3", "wrong-value", 6, "names layer -1"),
    (HEAD + "[avgpool]\n[route]\nlayers=0\ngroups=3", "wrong-value", 8, "8 channels"),
    (
        HEAD + "[dropout]\n[maxpool]\nsize=1\nstride=2\n[shortcut]\nfrom=0\n[shortcut]\nfrom=-2\n[upsample]\n"
        "[shortcut]\nfrom=2",
        "not-importable",
        14,
        "one whole factor",
    ),
    (HEAD + "[reorg]\nstride=3", "not-importable", 6, "cannot divide 8×8×12 by 3"),
    (HEAD + "[softmax]\ntemperature=2", "not-importable", 6, "without a temperature"),
    (HEAD + "[dropout]\nprobability=nan", "wrong-value", 6, "`probability`"),
]


@pytest.mark.parametrize(("text", "code", "line", "said"), HOSTILE)
def test_broken_files_end_in_a_diagnostic_with_a_line(
    text: str, code: str, line: int, said: str, tmp_path: Path
) -> None:
    first = complaints(text, tmp_path)[0]
    assert first.code == code
    assert said in first.message
    assert first.span is not None
    assert first.span.line == line
    assert "\x00" not in str(first)


def test_every_section_that_is_not_known_is_told_in_one_run(tmp_path: Path) -> None:
    found = complaints(HEAD + "[lstm]\n[avgpool]\n[gru]\n[convolutional]\nfilter=3\n[shortcut]\nfrom=-2\n", tmp_path)
    assert [each.span.line for each in found if each.span] == [5, 7]


def test_reorg_is_what_darknets_loop_does(tmp_path: Path) -> None:
    channels, height, width, stride = 8, 8, 12, 2
    image = torch.arange(channels * height * width, dtype=torch.float32)
    wanted = torch.zeros_like(image)
    few = channels // stride**2
    for k in range(channels):  # blas.c: reorg_cpu, forward = 0
        for j in range(height):
            for i in range(width):
                offset = k // few
                w2, h2 = i * stride + offset % stride, j * stride + offset // stride
                wanted[i + width * (j + height * k)] = image[w2 + width * stride * (h2 + height * stride * (k % few))]
    found = run("[reorg]\nstride=2\n", image.view(1, channels, height, width), tmp_path)
    assert found.shape == (1, 32, 4, 6)
    assert torch.equal(found.flatten(), wanted)
    assert not torch.equal(found, torch.nn.functional.pixel_unshuffle(image.view(1, channels, height, width), 2))


@pytest.mark.parametrize(
    "keys",
    [
        "size=2\nstride=2",
        "size=2\nstride=1",
        "size=3\nstride=2",
        "size=5\nstride=1",
        "size=3\nstride=2\npadding=0",
        "stride=3",
        "size=4\nstride=3\npadding=1",
    ],
)
def test_max_pooling_pads_as_darknets_loop_does(keys: str, tmp_path: Path) -> None:
    given = dict(line.split("=") for line in keys.split("\n"))
    stride = int(given["stride"])
    size = int(given.get("size", stride))
    padding = int(given.get("padding", size - 1))
    image = torch.randn(1, 8, 8, 12)
    height, width = ((side + padding - size) // stride + 1 for side in (8, 12))
    wanted = torch.full((1, 8, height, width), float("-inf"))
    for i in range(height):  # maxpool_layer.c: forward_maxpool_layer
        for j in range(width):
            rows = [i * stride - padding // 2 + n for n in range(size)]
            columns = [j * stride - padding // 2 + n for n in range(size)]
            inside = image[:, :, [r for r in rows if 0 <= r < 8]][:, :, :, [c for c in columns if 0 <= c < 12]]
            wanted[:, :, i, j] = inside.amax((2, 3))
    assert torch.equal(run(f"[maxpool]\n{keys}\n", image, tmp_path), wanted)


PARTS = "[dropout]\nprobability=0\n[route]\nlayers=0\ngroups=2\n[maxpool]\nsize=1\nstride=2\n"
"""Layer 0 is the image; 1 the first half of its channels; 2 every other row and column of those."""


@pytest.mark.parametrize(
    ("before", "other", "alpha", "beta"), [(0, 1, 1, 1), (1, 0, 0.5, 2), (2, 0, 1, 1), (2, 1, 1, 3), (0, 0, 2, 1)]
)
def test_a_shortcut_adds_what_both_have(before: int, other: int, alpha: float, beta: float, tmp_path: Path) -> None:
    """blas.c: ``shortcut_cpu``."""
    image = torch.randn(1, 8, 8, 12)
    parts = [image, image[:, :4], image[:, :4, ::2, ::2]]
    wanted, added = parts[before] * alpha, parts[other]
    step = added.shape[2] // wanted.shape[2]
    few = min(added.shape[1], wanted.shape[1])
    wanted[:, :few] += beta * added[:, :few, ::step, ::step]
    text = f"[route]\nlayers={before}\n[shortcut]\nfrom={other}\nalpha={alpha}\nbeta={beta}\nactivation=leaky\n"
    found = run(PARTS + text, image, tmp_path)
    torch.testing.assert_close(found, torch.nn.functional.leaky_relu(wanted, 0.1))


def test_defaults_are_darknets_own(tmp_path: Path) -> None:
    text = archspec.from_file(written(HEAD + "[convolutional]\n[upsample]\n", tmp_path)).to_yaml()
    assert "conv as conv: {channels: 1, kernel: 1}" in text
    assert "sigmoid" in text
    assert "upsample: {scale: 2}" in text


def test_several_layers_are_added_and_an_upsample_is_scaled(tmp_path: Path) -> None:
    image = torch.randn(1, 8, 8, 12)
    wanted = 2 * image
    wanted[:, :4] += image[:, :4]
    assert torch.equal(run(PARTS + "[route]\nlayers=0\n[shortcut]\nfrom=0,1\n", image, tmp_path), wanted)
    larger = image.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(run("[upsample]\nscale=0.5\n", image, tmp_path), larger / 2)


def test_dilation_pads_as_much_more(tmp_path: Path) -> None:
    text = HEAD + "[convolutional]\nsize=3\npad=1\ndilation=2\nstride_x=2\nactivation=linear\n"
    spec = archspec.from_file(written(text, tmp_path))
    assert "{channels: 1, kernel: 3, stride: [1, 2], padding: 2, dilation: 2}" in spec.to_yaml()


def test_a_stride_for_each_axis_and_groups_and_the_epsilon_of_a_gpu(tmp_path: Path) -> None:
    text = HEAD + "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride_x=2\nstride_y=3\ngroups=2\n"
    path = written(text, tmp_path)
    darknet_weights(text, tmp_path / "net.weights")
    spec, state = archspec.from_files(path, tmp_path / "net.weights")
    made = archspec.compile(spec).eval()
    made.load_state_dict(dict(state), strict=True)
    image = torch.randn(1, 8, 8, 12)
    numbers = {
        key.rpartition(".")[0].rpartition(".")[2] + "." + key.rpartition(".")[2]: value for key, value in state.items()
    }
    found = torch.conv2d(image, numbers["conv.weight"], stride=(3, 2), groups=2)
    mean, variance, weight, bias = (
        numbers[f"bn.{name}"].view(1, 4, 1, 1) for name in ("running_mean", "running_var", "weight", "bias")
    )
    torch.testing.assert_close(made(image), ((found - mean) / (variance + 1e-5).sqrt() * weight + bias).sigmoid())


# -- weights -----------------------------------------------------------------------------------------------------------

NET = HEAD + "[convolutional]\nfilters=2\nbatch_normalize=1\n[connected]\nbatch_normalize=1\noutput=3\n"
NUMBERS = 4 * 2 + 16 + 4 * 3 + 3 * 192


def test_weights_lie_in_darknets_order(tmp_path: Path) -> None:
    path = written(NET, tmp_path)
    numbers = torch.arange(NUMBERS, dtype=torch.float32)
    head = b"".join(number.to_bytes(4, "little") for number in (0, 2, 5)) + bytes(8)
    (tmp_path / "net.weights").write_bytes(head + numbers.numpy().tobytes())
    _, state = archspec.from_files(path, tmp_path / "net.weights")
    assert state["conv0.bn.bias"].tolist() == [0, 1]
    assert state["conv0.bn.weight"].tolist() == [2, 3]
    assert state["conv0.bn.running_mean"].tolist() == [4, 5]
    assert state["conv0.bn.running_var"].tolist() == [6, 7]
    assert state["conv0.conv.weight"].flatten().tolist() == list(range(8, 24))
    assert state["fc1.bn.bias"].tolist() == [24, 25, 26]
    assert state["fc1.fc.weight"].flatten().tolist() == list(range(27, 27 + 576))
    assert state["fc1.bn.weight"].tolist() == [603, 604, 605]


@pytest.mark.parametrize("version", [(0, 1), (1, 0), (0, 2)])
def test_the_head_is_longer_from_version_0_2_on(version: tuple[int, int], tmp_path: Path) -> None:
    path = written(NET, tmp_path)
    head = b"".join(number.to_bytes(4, "little") for number in (*version, 0))
    head += bytes(8 if version[0] * 10 + version[1] >= 2 else 4)
    (tmp_path / "net.weights").write_bytes(head + torch.ones(NUMBERS).numpy().tobytes())
    _, state = archspec.from_files(path, tmp_path / "net.weights")
    assert all(bool((value == 1).all()) for key, value in state.items() if "num_batches" not in key)


@pytest.mark.parametrize(("numbers", "said"), [(0, "[convolutional], layer 0"), (NUMBERS - 1, "[connected], layer 1"),
                                               (NUMBERS + 2, "2 numbers are left over")])  # fmt: skip
def test_too_few_or_many_numbers(numbers: int, said: str, tmp_path: Path) -> None:
    path = written(NET, tmp_path)
    darknet_weights(NET, tmp_path / "net.weights", numbers=numbers)
    with pytest.raises(archspec.SpecError, match="weights-mismatch") as caught:
        archspec.from_files(path, tmp_path / "net.weights")
    assert said in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x00" * 15, b"\xff" * 40, b"\x00" * 21])
def test_what_is_no_weights(content: bytes, tmp_path: Path) -> None:
    path = written(NET, tmp_path)
    (tmp_path / "net.weights").write_bytes(content)
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_files(path, tmp_path / "net.weights")
    assert caught.value.diagnostics[0].code == "unreadable-weights"
