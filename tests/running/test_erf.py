"""The effective receptive field, by gradients and by path counts; and what `archspec rf` and `archspec erf` say."""

from __future__ import annotations

import json
from math import comb
from pathlib import Path

import pytest
import torch

import archspec
from archspec.analyses.path_counts import path_counts
from archspec.backends.reports import field as field_report
from archspec.diagnostics import SpecError
from archspec.running import erf
from tests.helpers.command_line import run

PLAIN = """
archspec: 1
name: Plain
inputs: {image: [1, H, W]}
sizes: {H: 21, W: 21}
defaults: {conv: {bias: false}}
steps:
  - conv as a: {channels: 1, kernel: 3, padding: 1}
  - conv as b: {channels: 1, kernel: 3, padding: 1}
  - conv as c: {channels: 1, kernel: 3, padding: 1}
  - global_avg_pool
"""


@pytest.fixture(scope="module")
def plain() -> archspec.Spec:
    return archspec.loads(PLAIN)


def test_paths_of_equal_windows_are_trinomial(plain: archspec.Spec) -> None:
    """Three windows of 3: the coefficients of (1 + x + x²)³."""
    counts = path_counts(plain.graph, {"H": 21, "W": 21}, plain.graph.node("c").index, 0, "height")
    assert [count for count in counts if count] == [1, 3, 6, 7, 6, 3, 1]
    assert counts.index(7) == 10


def test_paths_at_the_border(plain: archspec.Spec) -> None:
    counts = path_counts(plain.graph, {"H": 21, "W": 21}, plain.graph.node("b").index, 0, "height", row=0)
    assert counts[:4] == [2, 2, 1, 0]


def test_paths_of_pairs_are_binomial() -> None:
    steps = "".join(f"  - conv as c{i}: {{channels: 1, kernel: 2}}\n" for i in range(6))
    text = f"archspec: 1\nname: N\ninputs: {{image: [1, L]}}\nsizes: {{L: 12}}\nsteps:\n{steps}"
    graph = archspec.loads(text).graph
    counts = path_counts(graph, {"L": 12}, graph.node("c5").index, 0, "length", row=0)
    assert counts[:7] == [comb(6, k) for k in range(7)]


def test_gradients_of_equal_weights_are_path_counts(plain: archspec.Spec) -> None:
    model = archspec.compile(plain)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
    node = plain.graph.node("c").index
    measured = erf.by_gradients(plain.graph, model, plain.graph.sizes, node, images=1)
    counted = erf.by_paths(plain.graph, plain.graph.sizes, node)
    for one, other in zip(measured.weights, counted.weights, strict=True):
        assert one == pytest.approx(other, abs=1e-7)
    assert measured.theoretical == (7, 7)
    assert measured.pixels == counted.pixels
    assert counted.fraction == pytest.approx(counted.pixels / 49)
    assert sum(map(sum, counted.weights)) == pytest.approx(1)


def test_random_weights_leave_most_of_the_field_unused() -> None:
    spec = archspec.load("resnet18")
    names = field_report.values(spec.graph).found
    sizes = {"H": 128, "W": 128}
    found = erf.measured(spec, sizes, names["layer2"], images=2)
    assert found.theoretical == (99, 99)
    assert 0.05 < found.fraction < 0.8
    again = erf.measured(spec, sizes, names["layer2"], images=2)
    assert again.weights == found.weights


def test_a_checkpoint_serves(tmp_path: Path, plain: archspec.Spec) -> None:
    torch.save(archspec.compile(plain).state_dict(), tmp_path / "weights.pt")
    found = erf.measured(plain, plain.graph.sizes, plain.graph.node("c").index, tmp_path / "weights.pt", images=1)
    assert "weights.pt" in found.how


def test_what_is_no_module_is_refused_with_a_hint() -> None:
    spec = archspec.load("resnet18")
    relu = spec.graph.nodes[spec.graph.node("bn1").index + 1]
    with pytest.raises(SpecError, match="not a module"):
        erf.measured(spec, {"H": 64, "W": 64}, relu.index, images=1)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_heat_map(kind: str, tmp_path: Path, plain: archspec.Spec) -> None:
    pytest.importorskip("matplotlib")
    found = erf.by_paths(plain.graph, plain.graph.sizes, plain.graph.node("c").index)
    erf.heat_map(found, tmp_path / f"a.{kind}")
    first = (tmp_path / f"a.{kind}").read_bytes()
    assert first.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    erf.heat_map(found, tmp_path / f"b.{kind}")
    assert (tmp_path / f"b.{kind}").read_bytes() == first


def test_the_rf_command() -> None:
    status, out, _ = run("rf", "resnet50", "--of", "layer4", "--size", "H=512")
    assert status == 0
    assert "427 pixels, stride 32" in out
    assert "there is one from an input of 438 on" in out
    status, out, _ = run("rf", "resnet50", "--of", "layer4", "--wrt", "layer3", "--format", "json")
    found = json.loads(out)
    assert found["axes"]["height"] | {"phases": 0, "interior": 0} == {
        "size": 11, "stride": 2, "offset": 0, "padding": 5, "period": 1, "phases": 0, "interior": 0,
    }  # fmt: skip
    status, out, _ = run("rf", "resnet50", "--of", "fc")
    assert "whole input: a global operation lies between" in out
    status, _, err = run("rf", "resnet50", "--of", "layr4")
    assert status == 1
    assert "did you mean `layer4`" in err
    status, _, err = run("rf", "resnet50", "--of", "layer1", "--wrt", "layer3")
    assert status == 1
    assert "does not depend on" in err


def test_the_erf_command(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "field.png"
    status, out, _ = run("erf", "resnet18", "--of", "layer1", "--paths", "-o", str(picture))
    assert status == 0
    assert "of the 43 × 43 it can see" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    status, out, _ = run("erf", "resnet18", "--of", "layer1", "--paths", "--format", "json")
    assert json.loads(out)["theoretical"] == [43, 43]
    assert run("erf", "resnet18", "--paths", "-o", "x.txt")[0] == 2
