"""`archspec new` and `archspec data`: what one begins with is written, and what is there is left alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import archspec
from archspec.training.images import load_images
from archspec.training.masks import load_masked_images
from archspec.training.tasks import Segmentation
from tests.helpers.command_line import run


def test_a_shipped_spec_becomes_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    status, out, err = run("new", "resnet50", "-o", str(path))
    assert (status, err) == (0, "")
    assert out.endswith(f"next: archspec check {path}\n")
    assert "extends" not in path.read_text()
    assert archspec.check(archspec.load(path)).total == archspec.check(archspec.load("resnet50")).total
    path.write_text("mine")
    status, _, err = run("new", "resnet18", "-o", str(path))
    assert status == 2
    assert "already exists" in err
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("new", "resnet51"), "did you mean `resnet5"),
        (("new", "fire"), "there is no shipped spec `fire`"),
        (("new", "my/own.yaml"), "`archspec list specs` shows"),
        (("new", "resnet18", "-o", "mine.py"), "use a name that ends in .yaml"),
        (("data", "faces", "folder"), "'digits', 'scenes'"),
    ],
)
def test_what_cannot_be_begun(words: tuple[str, ...], said: str) -> None:
    status, _, err = run(*words)
    assert status == 2
    assert said in err


def test_digits_to_train_on(tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    folder.mkdir()
    status, out, err = run("data", "digits", str(folder), "--format", "json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {"name": "digits", "written": str(folder), "images": 1797}
    assert load_images(folder, (8, 8), 1).classes == tuple("0123456789")
    status, _, err = run("data", "digits", str(folder))
    assert status == 2
    assert "choose a new or empty folder" in err


def test_scenes_to_train_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from archspec.training import examples

    whole = examples.scenes
    monkeypatch.setattr(examples, "scenes", lambda folder: whole(folder, count=10))
    status, out, _ = run("data", "scenes", str(tmp_path / "scenes"))
    assert status == 0
    assert "10 images in" in out
    assert "archspec train unet_digits --data" in out
    found = load_masked_images(tmp_path / "scenes", (64, 64), 1, Segmentation(tuple("0123456789a"), (64, 64), None))
    assert (len(found.training), len(found.validation)) == (8, 2)


def test_images_need_what_training_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "archspec.training.examples", raising=False)
    monkeypatch.setitem(sys.modules, "PIL", None)
    status, _, err = run("data", "digits", str(tmp_path / "digits"))
    assert status == 2
    assert "pip install 'archspec-nn[train]'" in err
