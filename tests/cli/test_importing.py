"""`archspec import` of other tools' files, and such files in the place of a spec."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import archspec
from archspec.cli import app
from archspec.importers.caffe.weights import message_classes
from archspec.running.weights import load_weights
from tests.helpers.engines import NETS
from tests.helpers.foreign import weights_for

CAFFE, DARKNET = NETS / "caffe/nets/old.prototxt", NETS / "darknet/nets/mixed.cfg"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("path", [CAFFE, DARKNET], ids=lambda path: path.name)
def test_a_file_in_the_place_of_a_spec(path: Path) -> None:
    assert "is fine" in run("check", path).stdout
    assert run("import", path).stdout == archspec.from_file(path).to_yaml().rstrip("\n") + "\n"


def test_spec_and_weights_are_written_together(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    weights, spec = weights_for(CAFFE, tmp_path), tmp_path / "net.yaml"
    assert run("import", CAFFE, "--weights", weights, "-o", spec).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.safetensors", "net.yaml", "old.caffemodel"]
    model = archspec.compile(archspec.load(spec))
    load_weights(model, tmp_path / "net.safetensors")
    _, state = archspec.from_files(CAFFE, weights)
    assert all((value == state[key]).all() for key, value in model.state_dict().items())
    again = run("import", CAFFE, "--weights", weights, "-o", spec)
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    assert run("import", CAFFE, "--weights", weights, "-o", spec, "--force").exit_code == 0


def test_a_file_that_holds_its_own_weights(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    source = NETS / "keras/nets/flat.keras"
    assert run("import", source, "--weights", source, "-o", tmp_path / "net.yaml").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.safetensors", "net.yaml"]


def test_a_yaml_of_ultralytics(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("nc: 2\nscales: {a: [1, 1, 99], b: [1, 2, 99]}\nbackbone:\n  - [-1, 1, Conv, [8, 3]]\nhead: []\n")
    assert "is fine" in run("check", path).stdout
    assert "channels: 16" in run("import", path, "--scale", "b", "--version", "8.3").stdout


def test_nothing_is_written_where_the_weights_do_not_fit(tmp_path: Path) -> None:
    shutil.copy(CAFFE, tmp_path / "net.prototxt")
    (tmp_path / "bad.caffemodel").write_bytes(b"nothing")
    found = run("import", CAFFE, "--weights", tmp_path / "bad.caffemodel", "-o", tmp_path / "net.yaml")
    assert found.exit_code == 1
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "net.yaml").exists()


def test_neither_is_written_where_one_cannot_be(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    weights = weights_for(CAFFE, tmp_path)
    (tmp_path / "net.safetensors").mkdir()
    found = run("import", CAFFE, "--weights", weights, "-o", tmp_path / "net.yaml", "--force")
    assert (found.exit_code, "Is a directory" in found.stderr) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.safetensors", "old.caffemodel"]


@pytest.mark.parametrize(
    ("package", "module", "source", "weights"),
    [
        ("h5py", "h5py", "keras/nets/flat.h5", None),
        ("h5py", "h5py", "keras/nets/flat.keras", "keras/nets/flat.keras"),
        ("protobuf", "google.protobuf", "caffe/nets/old.prototxt", "net.caffemodel"),
        ("safetensors", "safetensors.torch", "keras/nets/flat.keras", "keras/nets/flat.keras"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_pip_line(
    package: str, module: str, source: str, weights: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.caffemodel").write_bytes(b"")
    message_classes.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    given = [] if weights is None else ["--weights", NETS / weights if "/" in weights else tmp_path / weights]
    found = run("import", NETS / source, *given, "-o", tmp_path / "net.yaml")
    assert found.exit_code in (1, 2)
    assert f"pip install {package}" in found.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["net.caffemodel"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["net.tflite"], "names no network of another tool"),
        ([CAFFE, "--weights", "w.caffemodel"], "--weights wants -o"),
        (["torchvision:resnet18", "--weights", "w.pt", "-o", "r.yaml"], "has its weights in itself"),
        (["missing.prototxt"], "there is no file missing.prototxt"),
    ],
)
def test_calls_that_make_no_sense(arguments: list[object], said: str) -> None:
    found = run("import", *arguments)
    assert found.exit_code == 2
    assert said in found.stderr


def test_another_size_than_the_files(tmp_path: Path) -> None:
    found = run("import", DARKNET, "--input", "3x64x96")
    assert "sizes: {H: 64, W: 96}" in found.stdout
    assert run("import", CAFFE, "--input", "2x1x1").exit_code == 1
