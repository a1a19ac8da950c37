"""Sizes that do not fit, and the nearest that do: all conditions together, held against torch that runs or refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

import archspec
from archspec.analyses.fit import fit
from archspec.analyses.shapes import valid_sizes
from tests.helpers.command_line import run

FPN = """archspec: 1
name: Pyramid
import: {backbone: {spec: resnet18, rewrite: [{cut: {after: layer4}}]}}
inputs: {image: [3, H, W]}
sizes: {H: 500, W: 500}
steps:
  - backbone as backbone
  - conv as l5: {channels: 8, kernel: 1}
  - upsample as up5: {scale: 2}
  - conv as l4: {channels: 8, kernel: 1}
    from: backbone.layer3
  - add as p4:
    from: [l4, up5]
  - upsample as up4: {scale: 2}
  - conv as l3: {channels: 8, kernel: 1}
    from: backbone.layer2
  - add as p3:
    from: [l3, up4]
"""


@pytest.fixture
def pyramid(tmp_path: Path) -> str:
    path = tmp_path / "pyramid.yaml"
    path.write_text(FPN, encoding="utf-8")
    return str(path)


class Pyramid(nn.Module):
    """The sizes of a feature pyramid, by torch: strides of 2 with padding, and upsampling by 2."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        maps = [image]
        for _ in range(5):
            maps.append(nn.functional.max_pool2d(maps[-1], 3, 2, 1))
        for one in (4, 3):
            up = nn.functional.interpolate(maps[one + 1], scale_factor=2)
            if up.shape != maps[one].shape:  # a map of one row would be repeated
                raise RuntimeError
            maps[one] = maps[one] + up
        return maps[3]


def _runs(size: int) -> bool:
    try:
        Pyramid()(torch.zeros(1, 1, size, 64))
    except RuntimeError:
        return False
    return True


def test_the_error_names_the_sizes_that_fit_every_merge(pyramid: str) -> None:
    status, _, said = run("check", pyramid)
    assert status == 1
    assert "H mod 32 ∈ {0, 25, 26, 27, 28, 29, 30, 31}" in said
    assert "nearest: H = 480 or 505" in said
    assert not any(_runs(size) for size in range(481, 505))
    assert _runs(480)
    assert _runs(505)


def test_sizes_of_the_command_line_are_heard_first(pyramid: str) -> None:
    status, said, _ = run("check", pyramid, "--size", "H=512", "--size", "W=512")
    assert (status, "Pyramid is fine" in said) == (0, True)
    status, _, said = run("check", pyramid, "--size", "H=512")
    assert status == 1
    assert "W = 500 does not fit" in said
    with pytest.raises(archspec.SpecError, match="shape-mismatch"):
        archspec.load(pyramid)
    assert archspec.check(archspec.load(pyramid, sizes={"H": 512, "W": 505})).sizes == {"H": 512, "W": 505}


@pytest.mark.parametrize("asked", [1, 31, 33, 333, 480, 481, 500])
def test_fit_gives_the_least_size_that_torch_runs(pyramid: str, asked: int) -> None:
    answer = json.loads(run("check", pyramid, "--fit", f"{asked}x64", "--format", "json")[1])
    least = next(size for size in range(asked, 600) if _runs(size))
    assert answer["sizes"] == {"H": least, "W": 64}
    assert answer["pad"] == {"H": least - asked, "W": 0}


def test_fit_in_words(pyramid: str) -> None:
    assert run("check", pyramid, "--fit", "500x333")[1] == "505x345\npad H by 5, W by 12\n"
    assert run("check", pyramid, "--fit", "512")[1] == "512x512\npad nothing\n"
    for wrong in ("0", "x", "12y", "1x2x3", "-4", ""):
        assert run("check", pyramid, "--fit", wrong)[0] == 2
    status, _, said = run("check", "alexnet_paper", "--fit", "300")
    assert status == 1
    assert "no valid size is at least 300 × 300" in said


def test_symbols_that_meet_grow_together() -> None:
    spec = archspec.loads(
        "archspec: 1\nname: Two\ninputs:\n  a: [3, L]\n  b: [3, T]\nsteps:\n"
        "  - max_pool as small: {kernel: 2}\n    from: a\n  - add:\n    from: [small, b]\n"
    )
    solutions = archspec.check(spec).valid_sizes
    for length in (2, 3, 10, 101):
        for other in (1, 5, 40, 60):
            least = min(
                (one + two, one, two) for one in range(length, 200) for two in range(other, 100) if one // 2 == two
            )
            assert fit(solutions, {"L": length, "T": other}) == {"L": least[1], "T": least[2]}


@pytest.mark.parametrize(("asked", "found"), [("1x1", (5, 1)), ("2x4", (2, 5)), ("9x1", (9, 1))])
def test_one_value_grows_along_the_side_that_is_nearest(asked: str, found: tuple[int, int]) -> None:
    steps = "  - conv: {channels: 4, kernel: 3, stride: 4, padding: 1}\n  - instance_norm\n"
    loaded = archspec.loads(f"archspec: 1\nname: N\ninputs: {{image: [4, H, W]}}\nsteps:\n{steps}")
    height, width = map(int, asked.split("x"))
    assert fit(valid_sizes(loaded.graph), {"H": height, "W": width}) == dict(zip("HW", found, strict=True))
