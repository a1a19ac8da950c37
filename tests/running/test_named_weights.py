"""Weights by a library's name: from its cache folder, by its own loader; what is not there is told."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch

import archspec
from archspec.diagnostics import SpecError
from archspec.running.named_weights import is_named, load_named
from archspec.running.torchvision_library import torchvision

NAME = "torchvision:SqueezeNet1_1_Weights.IMAGENET1K_V1"
FILE = "squeezenet1_1-b8a52dc0.pth"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch's cache folder, and no network."""

    def no_network(*_: Any, **__: Any) -> None:
        raise URLError("there is no network")

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def test_a_file_in_the_cache_is_loaded_with_its_classes(cache: Path) -> None:
    torch.manual_seed(1)
    source = torchvision().models.squeezenet1_1()
    torch.save(source.state_dict(), cache / FILE)
    model = archspec.compile(archspec.load("squeezenet1_1")).eval()
    found = load_named(model, NAME)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(model(image), source.eval()(image))
    assert found.classes[0] == "tench"
    assert found.mean == (0.485, 0.456, 0.406)
    assert found.notes == ()


def test_a_head_of_another_size_is_left_and_said(cache: Path) -> None:
    source = torchvision().models.squeezenet1_1()
    torch.save(source.state_dict(), cache / FILE)
    model = archspec.compile(archspec.load("squeezenet1_1", classes=7))
    found = load_named(model, NAME)
    given = source.state_dict()
    new = {key for key, value in model.state_dict().items() if not torch.equal(value, given[key])}
    assert new == {"classifier.1.weight", "classifier.1.bias"}
    assert "start anew for 7 classes" in found.notes[0].message


def test_what_cannot_be_fetched_is_told_with_file_and_folder(cache: Path) -> None:
    with pytest.raises(SpecError) as error:
        load_named(archspec.compile(archspec.load("squeezenet1_1")), NAME)
    assert f"the file is {FILE}, its folder {cache}" in str(error.value)
    assert "no-weights" in str(error.value)


def test_code_in_a_cached_file_is_not_run(cache: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (print, ("run",))

    (cache / FILE).write_bytes(pickle.dumps({"classifier.1.weight": Evil()}))
    with pytest.raises(SpecError, match="no-weights"):
        load_named(archspec.compile(archspec.load("squeezenet1_1")), NAME)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("torchvision:SqueezeNet1_1_Weight.IMAGENET1K_V1", "did you mean `SqueezeNet1_1_Weights`"),
        ("torchvision:SqueezeNet1_1_Weights.IMAGENET1K_V3", "did you mean `IMAGENET1K_V1`"),
    ],
)
def test_a_name_that_there_is_not(cache: Path, name: str, hint: str) -> None:
    with pytest.raises(SpecError, match=hint):
        load_named(torch.nn.Linear(1, 1), name)


def test_names_and_files() -> None:
    assert is_named(NAME)
    assert is_named("timm:resnet18.a1_in1k")
    assert not is_named("weights.pt")
    assert not is_named("C:weights.pt")


def test_timm_reads_its_own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torchvision()
    timm: Any = pytest.importorskip("timm", exc_type=ImportError)
    pytest.importorskip("huggingface_hub", exc_type=ImportError)
    constants = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    name = "resnet10t.c3_in1k"
    torch.manual_seed(2)
    source = timm.create_model(name.partition(".")[0])
    spec = archspec.from_torch(source)
    model = archspec.compile(spec)
    with pytest.raises(SpecError, match="no-weights"):
        load_named(model, f"timm:{name}")
    folder = tmp_path / f"models--timm--{name}"
    (folder / "snapshots" / "0").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0", encoding="utf-8")
    importlib.import_module("safetensors.torch").save_file(
        source.state_dict(), folder / "snapshots" / "0" / "model.safetensors"
    )
    load_named(model, f"timm:{name}")
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(model.eval()(image), source.eval()(image))
