"""Exported files, run by onnxruntime and torch at sizes that the exporter never saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

import archspec
from archspec.diagnostics import SpecError
from archspec.trained import exporting
from archspec.trained.exporting import Target, export
from tests.helpers.command_line import run
from tests.helpers.runs import SEGMENTER, a_run

ADAPTIVE = """
archspec: 1
inputs: {image: [3, H, W]}
sizes: {H: 12, W: 12}
steps:
  - conv: {channels: 4, kernel: 3, padding: 1}
  - adaptive_avg_pool: {size: 5}
  - flatten
  - linear as fc: {features: 2}
"""


@pytest.mark.slow
def test_an_onnx_file_of_a_run_takes_every_valid_size(tmp_path: Path) -> None:
    network = a_run(tmp_path / "run", SEGMENTER, ("sky", "road", "car"))
    path = tmp_path / "net.onnx"
    status, out, error = run("export", str(tmp_path / "run"), "-o", str(path), "--format", "json")
    assert status == 0, error
    told = json.loads(out)
    assert told["inputs"] == {"image": ["batch", "3", "H", "W"]}
    assert len(told["compared"]) == 2
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    image = torch.rand(3, 3, 31, 7)  # neither the spec's size nor one of the comparison
    with torch.no_grad():
        wanted = network(image)
    (found,) = session.run(None, {"image": image.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), wanted, atol=1e-4, rtol=1e-4)


def test_adaptive_pooling_at_open_sizes_is_refused_for_onnx_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(ADAPTIVE, encoding="utf-8")
    status, _, error = run("export", str(path), "-o", str(tmp_path / "net.onnx"))
    assert status == 1
    assert "net.yaml:7:5: error[export-refused]" in error
    assert not (tmp_path / "net.onnx").exists()


def test_a_program_of_torch_keeps_adaptive_pooling_at_open_sizes(tmp_path: Path) -> None:
    spec = archspec.loads(ADAPTIVE)
    model = archspec.compile(spec).eval()
    found = export(spec.graph, model, {}, Target.pt2)
    (tmp_path / "net.pt2").write_bytes(found.content)
    again = torch.export.load(tmp_path / "net.pt2").module()
    image = torch.rand(4, 3, 9, 33)
    with torch.no_grad():
        torch.testing.assert_close(again(image), model(image))


def test_safetensors_hold_the_same_bits(tmp_path: Path) -> None:
    network = a_run(tmp_path / "run")
    status, _, error = run(
        "export", str(tmp_path / "run"), "--to", "safetensors", "-o", str(tmp_path / "net.safetensors")
    )
    assert status == 0, error
    found = load_file(tmp_path / "net.safetensors")
    state = network.state_dict()
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], state[key]) for key in state)


def test_a_file_that_gives_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter is made to be wrong at every size but that of the export."""
    a_run(tmp_path / "run")
    real = exporting._pt2

    def wrong(program: Any) -> tuple[bytes, exporting.Runner]:
        content, runner = real(program)
        return content, lambda given: [each + (given[0].shape[-1] != 10) for each in runner(given)]

    monkeypatch.setattr(exporting, "_pt2", wrong)
    path = tmp_path / "net.pt2"
    status, _, error = run("export", str(tmp_path / "run"), "--to", "pt2", "-o", str(path))
    assert status == 1
    assert "error[export-wrong]" in error
    assert not path.exists()
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]


def test_a_size_that_does_not_fit_is_refused() -> None:
    spec = archspec.loads(ADAPTIVE.replace("padding: 1", "padding: 0"))
    with pytest.raises(SpecError, match="H"):
        export(spec.graph, archspec.compile(spec), {"H": 2}, Target.pt2)
