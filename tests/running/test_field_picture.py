"""A field on a photo: what stays bright is what torch's gradients say a place depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import archspec
from tests.helpers.command_line import run

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

from archspec.running.erf import by_paths  # noqa: E402
from archspec.running.field_picture import WIDEST, on_photo, weighed  # noqa: E402

HOLES = """
archspec: 1
inputs: {image: [1, H, W]}
sizes: {H: 24, W: 20}
steps:
  - conv as first: {channels: 2, kernel: 3, padding: 2, dilation: 2}
  - conv as second: {channels: 2, kernel: [3, 2], padding: [3, 1], dilation: 3}
  - conv_transpose as up: {channels: 2, kernel: 3, stride: 2}
"""


def lit(picture: Any, height: int, width: int) -> list[set[tuple[int, int]]]:
    """The bright pixels of each phase, asked at the middle of what each pixel is enlarged to."""
    scale = WIDEST // max(height, width)
    tiles = (picture.width + 12) // (width * scale + 12)
    return [
        {
            (y, x)
            for y in range(height)
            for x in range(width)
            if picture.getpixel((tile * (width * scale + 12) + x * scale + scale // 2, y * scale + scale // 2))[0] > 200
        }
        for tile in range(tiles)
    ]


@pytest.mark.parametrize(("step", "phases"), [("first", 1), ("second", 1), ("up", 2)])
def test_bright_pixels_are_those_that_gradients_reach(step: str, phases: int) -> None:
    spec = archspec.loads(HOLES)
    white = Image.new("RGB", (7, 9), (255, 255, 255))
    found = lit(on_photo(spec.graph, spec.graph.sizes, spec.graph.node(step).index, white), 24, 20)
    assert len(found) == phases
    model = archspec.compile(spec)
    for weight in model.parameters():
        torch.nn.init.ones_(weight)
    image = torch.ones(1, 1, 24, 20, requires_grad=True)
    values = {"first": model.get_submodule("first")(image)}
    values["second"] = model.get_submodule("second")(values["first"])
    values["up"] = model(image)
    height, width = values[step].shape[2:]
    for phase, pixels in enumerate(found):
        (gradient,) = torch.autograd.grad(
            values[step][0, :, height // 2 + phase, width // 2 + phase].sum(), image, retain_graph=True
        )
        assert pixels == {(y, x) for y, x in (gradient[0, 0] != 0).nonzero().tolist()}


def test_the_glow_is_as_strong_as_the_weight() -> None:
    spec = archspec.loads(HOLES)
    field = by_paths(spec.graph, spec.graph.sizes, spec.graph.node("second").index)
    picture: Any = weighed(field, Image.new("RGB", (5, 5)))
    scale = WIDEST // 24
    for y, row in enumerate(field.weights):
        for x, weight in enumerate(row):
            red = picture.getpixel((x * scale + scale // 2, y * scale + scale // 2))[0]
            assert abs(red - 255 * (weight / max(map(max, field.weights))) ** 0.5) <= 1


def test_on_the_command_line(tmp_path: Path) -> None:
    photo, out, heat, broken = (str(tmp_path / name) for name in ("photo.png", "field.png", "heat.png", "not.png"))
    Image.new("RGB", (30, 20), (90, 120, 200)).save(photo)
    status, said, _ = run("rf", "squeezenet_digits", "--on", photo, "-o", out)
    assert (status, "height" in said) == (0, True)
    assert Path(out).read_bytes().startswith(b"\x89PNG")
    assert run("erf", "squeezenet_digits", "--paths", "--on", photo, "-o", heat)[0] == 0
    assert Path(heat).read_bytes().startswith(b"\x89PNG")
    Path(broken).write_text("nothing")
    for words in (
        ("--on", photo),
        ("--on", photo, "-o", "x.txt"),
        ("--on", photo, "-o", out, "--wrt", "conv1"),
        ("--on", broken, "-o", out),
        ("--on", "missing.png", "-o", out),
    ):
        status, _, error = run("rf", "squeezenet_digits", *words)
        assert (status, "Traceback" in error, "error" in error.lower()) == (2, False, True)
