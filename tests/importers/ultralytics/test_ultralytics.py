"""Ultralytics' YAML: scales and versions, blocks, broken files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import archspec
from archspec.diagnostics import Diagnostic
from tests.helpers.ultralytics_nets import saved, yolov8

SMALL = """\
nc: 7
scales:
  t: [0.5, 0.25, 512] # 0 parameters
  u: [1.0, 0.5, 256]
backbone:
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 2, C2f, [64, True]]
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 3, C3, [96]]
  - [-1, 1, SPPF, [96, 3]]
head:
  - [-1, 1, nn.Upsample, [None, 2, "nearest"]]
  - [[-1, 1], 1, Concat, [1]]
  - [-1, 1, C3k2, [64, True]]
  - [[7, 4], 1, Detect, [nc]]
"""
"""A small network of ours."""


def test_the_total_beside_a_scale_tells_the_version(tmp_path: Path) -> None:
    spec = archspec.from_file(saved(yolov8({"n": 2_724_448}), tmp_path))  # what 8.3.0 makes of the same file
    assert "Ultralytics 8.3" in spec.diagnostics[0].message
    path = saved(yolov8({"n": 3_000_000}), tmp_path)
    with pytest.raises(archspec.SpecError, match=r"3,157,200 as 8\.4 reads it, 2,724,448 as 8\.3 reads it"):
        archspec.from_file(path)
    assert archspec.check(archspec.from_file(path, version="8.3")).total.parameters == 2_724_448 - 16


def test_scales(tmp_path: Path) -> None:
    path = saved(SMALL.replace(" # 0 parameters", ""), tmp_path)
    assert archspec.from_file(path).graph.state["model.0.conv.weight"] == (8, 3, 3, 3)
    assert archspec.from_file(path, scale="u").graph.state["model.0.conv.weight"] == (16, 3, 3, 3)
    with pytest.raises(archspec.SpecError, match="no scale `x`"):
        archspec.from_file(path, scale="x")


def test_modules_become_blocks(tmp_path: Path) -> None:
    text = archspec.from_file(saved(yolov8({"m": 25_902_640}), tmp_path, "yolov8m.yaml")).to_yaml()
    assert re.search(r"- c2f(_\d)? as model\.4", text)
    assert "conv_bn_silu as model.7" in text
    assert len(text.splitlines()) < 130


# -- broken files -----------------------------------------------------------------------------------------------------


def complaints(text: str, folder: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_file(saved(text, folder), version="8.4")
    return caught.value.diagnostics


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new, 1)


HOSTILE = [
    ("nc: [", "syntax", 1, ""),
    ("- 1\n", "file-syntax", 1, "no `backbone`"),
    (changed("nc: 7", "nc: 0"), "wrong-value", 1, "`nc`"),
    (changed("nc: 7", "nc: 99999999999"), "wrong-value", 1, "`nc`"),
    (changed("nc: 7", "activation: __import__('os').system('true')"), "not-importable", 1, "`activation`"),
    (changed("[0.5, 0.25, 512]", "[0.5, 0.25]"), "wrong-value", 3, "three numbers"),
    (changed("[0.5, 0.25, 512]", "[.inf, 0.25, 512]"), "wrong-value", 3, "three numbers"),
    (changed("backbone:", "backbone: 3\nrest:"), "file-syntax", 5, "`backbone` must be a list"),
    (changed("[-1, 1, Conv, [32, 3, 2]]", "[-1, 1, Conv]"), "file-syntax", 6, "a layer must be"),
    (changed("[-1, 1, Conv, [32, 3, 2]]", "[-1, x, Conv, [32]]"), "file-syntax", 6, "a layer must be"),
    (changed("[-1, 1, Conv, [32, 3, 2]]", "[-1, 1, os.system, [32]]"), "not-importable", 6, "`os.system`"),
    (changed("[-1, 1, Conv, [32, 3, 2]]", "[-1, 1, Conv, [32, 3, 2, 1, 1, 1, 9]]"), "not-importable", 6, "arguments"),
    (changed("[-1, 1, Conv, [32, 3, 2]]", "[-1, 1, Conv, [-32, 3, 2]]"), "wrong-value", 6, "argument 1"),
    (changed("[-1, 1, Conv, [32, 3, 2]]", "[-1, 9999, Conv, [32, 3, 2]]"), "wrong-value", 6, "1 to 1000 repeats"),
    (changed("[-1, 2, C2f, [64, True]]", "[9, 2, C2f, [64, True]]"), "wrong-value", 7, "reads `9`"),
    (changed("[-1, 2, C2f, [64, True]]", "[-5, 2, C2f, [64, True]]"), "wrong-value", 7, "reads `-5`"),
    (changed("[-1, 2, C2f, [64, True]]", "[-1, 2, C2f, [64, 3]]"), "wrong-value", 7, "argument 2"),
    (changed("[-1, 2, C2f, [64, True]]", "[[0, 0], 2, C2f, [64]]"), "not-importable", 7, "reads 2 layers"),
    (changed("[-1, 1, SPPF, [96, 3]]", "[-1, 1, SPPF, [96, 4]]"), "shape-mismatch", 10, "layer 4 (`SPPF`)"),
    (changed("[None, 2, \"nearest\"]", "[None, 2, \"bicubic\"]"), "not-importable", 12, "nearest rows"),
    (changed("[[-1, 1], 1, Concat, [1]]", "[[-1, 0, 2], 1, Concat, [1]]"), "shape-mismatch", 13, "equal height"),
    (changed("C3k2, [64, True]", "C3k2, [64, True, 0.5, 3]"), "wrong-value", 14, "argument 4"),
    (changed("C3k2, [64, True]", "C2PSA, [64]"), "wrong-value", 14, "its 16 channels must be those of its input"),
    (changed("Detect, [nc]", "Pose, [nc, [17, 4]]"), "wrong-value", 15, "2 or 3 numbers each"),
    (changed("Detect, [nc]", "Segment, [nc, 32, -1]"), "wrong-value", 15, "argument 3"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "line", "said"), HOSTILE)
def test_broken_files_end_in_a_diagnostic_with_a_line(
    text: str, code: str, line: int, said: str, tmp_path: Path
) -> None:
    first = complaints(text, tmp_path)[0]
    assert said in first.message
    assert first.code == code or code == "syntax"
    assert first.span is not None
    assert first.span.line == line


def test_every_module_that_is_not_known_is_told_in_one_run(tmp_path: Path) -> None:
    found = complaints(SMALL.replace("C3,", "Warp,").replace("SPPF", "Melt"), tmp_path)
    assert [each.span.line for each in found if each.span] == [9, 10]


def test_weights_are_ultralytics_own_state_dict_and_a_pt_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"\x80\x04.")
    with pytest.raises(archspec.SpecError, match=r"a .pt file holds a program"):
        archspec.from_files(saved(SMALL, tmp_path), tmp_path / "net.pt", version="8.4")


def test_other_formats_have_no_versions(tmp_path: Path) -> None:
    with pytest.raises(archspec.SpecError, match="no versions or scales"):
        archspec.from_file(saved("", tmp_path, "net.prototxt"), version="8.4")
