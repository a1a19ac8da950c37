"""What outputs see: the same in check, rf and JSON, and where rows differ, what gradients show of each row."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

import archspec
from archspec.analyses.receptive_field import AxisField
from archspec.analyses.sight import Varied
from archspec.backends.reports import field, text
from tests.helpers.command_line import run

HEAD = "archspec: 1\nname: Net\ninputs: {image: [1, H, W]}\nsizes: {H: 24, W: 24}\nsteps:\n"

LENET = """archspec: 1
name: LeNet
inputs: {image: [1, 32, 32]}
steps:
  - conv: {channels: 6, kernel: 5}
  - avg_pool: {kernel: 2}
  - conv: {channels: 16, kernel: 5}
  - avg_pool: {kernel: 2}
  - conv as c5: {channels: 120, kernel: 5}
  - flatten
  - linear: {features: 10}
"""

CAUSAL = """archspec: 1
name: Causal
inputs: {sequence: [4, T]}
sizes: {T: 50}
steps:
  - add as sum:
      - - conv as a: {channels: 4, kernel: 3, dilation: 2, padding: [[4, 0]]}
      - []
  - add as other:
      - - conv as b: {channels: 4, kernel: 3, padding: [[0, 2]]}
      - []
"""


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("mobilenet_v3_large", 595),  # without squeeze-and-excite gates, as papers compare
        ("efficientnet_b0", 851),
        ("mobilenet_v2", 491),
        ("shufflenet_v2_x1_0", 527),
        ("resnet50", 427),
        ("vgg16", 212),
    ],
)
def test_check_rf_and_json_agree(name: str, size: int) -> None:
    (sight,) = archspec.check(archspec.load(name)).sights.values()
    fields = list(sight.axes.values())
    assert [field.size for field in fields if isinstance(field, AxisField)] == [size, size]
    assert f"{size} × {size} pixels, then the whole input at once" in run("check", name)[1]
    assert f": {size} pixels" in run("rf", name)[1]
    report = json.loads(run("check", name, "--format", "json")[1])
    (seen,) = report["sees"].values()
    assert [axis["size"] for axis in seen["axes"].values()] == [size, size]
    assert seen["whole_axes"] == ["height", "width"]
    rf = json.loads(run("rf", name, "--format", "json")[1])
    assert rf["of"] == seen["of"]


def test_a_map_of_one_pixel_is_a_map() -> None:
    spec = archspec.loads(LENET)
    (sight,) = archspec.check(spec).sights.values()
    assert sight.step == "c5"
    assert [field.size for field in sight.axes.values() if isinstance(field, AxisField)] == [32, 32]


def _spans(model: nn.Module, height: int, width: int) -> list[int]:
    """Rows of the image that each row of a map depends on, from the first to the last: by gradients."""
    image = torch.rand(1, 1, height, width, dtype=torch.float64, requires_grad=True)
    found = []
    for row in model.double()(image).sum((0, 1, 3)):
        (gradient,) = torch.autograd.grad(row, image, retain_graph=True)
        rows = gradient[0, 0].abs().sum(1).gt(1e-9).nonzero().flatten().tolist()
        found.append(rows[-1] - rows[0] + 1)
    return found


@pytest.mark.parametrize(
    ("steps", "step", "before"),
    [
        (
            [
                "conv: {channels: 1, kernel: 3, stride: 2, padding: 1}",
                "upsample as up: {to: image, mode: linear, align_corners: true}",
                "conv: {channels: 1, kernel: 3, padding: 1}",
            ],
            "up",
            3,
        ),
        (
            ["conv: {channels: 1, kernel: 5, padding: 2}", "adaptive_avg_pool as pooled: {size: 7}"],
            "pooled",
            5,
        ),
        (
            ["{concat as rows: {axis: height}, from: [image, image]}", "conv: {channels: 1, kernel: 3, padding: 1}"],
            "rows.concat()",
            1,
        ),
    ],
)
def test_where_rows_differ_it_is_said_why_and_within_which_bounds(steps: list[str], step: str, before: int) -> None:
    spec = archspec.loads(HEAD + "".join(f"  - {each}\n" for each in steps))
    (sight,) = archspec.check(spec).sights.values()
    found = sight.axes["height"]
    assert isinstance(found, Varied)
    assert (found.step, found.before) == (step, before)
    model = archspec.compile(spec)
    for parameter in model.parameters():
        nn.init.ones_(parameter)
    spans = _spans(model, 24, 24)
    assert found.bounds is not None
    assert (found.bounds.least, found.bounds.most) == (min(spans), max(spans))
    assert spans[found.bounds.least_row] == min(spans)
    assert spans[found.bounds.most_row] == max(spans)


def test_a_resize_is_not_blamed_for_a_wide_dilation() -> None:
    spec = archspec.loads(HEAD + "  - conv: {channels: 1, kernel: 3, dilation: 1000000, padding: 1000000}\n")
    report = archspec.check(spec)
    (sight,) = report.sights.values()
    found = sight.axes["height"]
    assert isinstance(found, Varied)
    assert "holes" in found.reason
    assert found.bounds is not None
    assert found.bounds.most == 1  # of the three taps one lies inside
    (of,) = field.default_steps(report).values()
    assert "cut off at the borders: 1 in every row" in field.text(report, of, 0)


def test_uneven_windows_leave_the_field_before_them() -> None:
    said = run("check", "vgg16", "--size", "H=256", "--size", "W=256")[1]
    assert "212 × 212 pixels, then as many as the row decides" in said


def test_outputs_are_told_apart_by_name() -> None:
    text = HEAD.replace("steps:", "outputs: {small: a, large: b}\nsteps:")
    text += "  - conv as a: {channels: 4, kernel: 3, padding: 1}\n  - max_pool: {kernel: 2}\n"
    report = archspec.check(archspec.loads(text + "  - conv as b: {channels: 4, kernel: 5, padding: 2}\n"))
    sizes = {
        name: [along.size for along in each.axes.values() if isinstance(along, AxisField)]
        for name, each in report.sights.items()
    }
    assert sizes == {"small": [3, 3], "large": [12, 12]}


def test_a_field_larger_than_a_fixed_input_says_so() -> None:
    spec = archspec.loads(
        "archspec: 1\nname: Generator\ninputs: {z: [8, 1, 1]}\nsteps:\n"
        "  - conv_transpose: {channels: 4, kernel: 4}\n"
        "  - conv_transpose: {channels: 2, kernel: 4, stride: 2, padding: 1}\n"
    )
    report = archspec.check(spec)
    assert "more than the 1 × 1 there are" in text.report(report)
    (of,) = field.default_steps(report).values()
    assert "no interior rows; every row is cut off at a border" in field.text(report, of, 0)


def test_a_causal_path_is_aligned_and_counts_samples() -> None:
    report = archspec.check(archspec.loads(CAUSAL))
    assert [one.path for one in report.misalignments] == ["other.add()"]  # which looks ahead
    assert "samples" in text.report(report)
