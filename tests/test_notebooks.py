"""What a notebook shows of specs, reports and pictures, and reports as tables of pandas."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

import archspec
from archspec.backends.diagram import draw

HOSTILE = "<script>alert('&')</script>"


def test_a_spec_shows_its_picture_and_its_summary() -> None:
    html = archspec.load("squeezenet_digits")._repr_html_()
    tree = ET.fromstring(f"<div>{html}</div>".replace("&emsp;", " "))
    assert tree.find("h3") is not None
    assert tree.find("{http://www.w3.org/2000/svg}svg") is not None
    cells = [cell.text for cell in tree.iter("th")]
    assert f"{archspec.check(archspec.load('squeezenet_digits')).total.parameters:,}" in cells


def test_a_report_shows_its_rows_as_a_terminal_does() -> None:
    html = archspec.check(archspec.load("resnet18"))._repr_html_()
    for words in ("<b>layer1</b>", "<td>64×112×112</td>", "<th>11,689,512</th>", "valid for H ≥ 1, W ≥ 1"):
        assert words in html


def test_a_picture_shows_itself() -> None:
    assert "<svg" in draw(archspec.load("squeezenet_digits").graph)._repr_svg_()


def test_text_of_a_spec_is_escaped() -> None:
    text = f"archspec: 1\ndoc: {HOSTILE!r}\ninputs: {{x: [1, H, W]}}\nsizes: {{H: 4, W: 4}}\nsteps:\n  - relu\n"
    assert "<script" not in archspec.loads(text.replace(repr(HOSTILE), f'"{HOSTILE}"'))._repr_html_()


def test_a_report_as_a_table_of_pandas() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    report = archspec.check(archspec.load("resnet18"))
    table = report.to_pandas().to_dict("index")
    assert list(table) == [node.path for node in report.graph.nodes]
    assert sum(row["parameters"] for row in table.values()) == report.total.parameters
    assert sum(row["multiply_adds"] for row in table.values()) == report.total.multiply_adds
    assert table["conv1"]["shape"] == (64, 112, 112)
    assert table["layer1.0.conv1"]["receptive_field"] == (19, 19)
    assert sum(row["op"] == "conv" for row in table.values()) == 20
