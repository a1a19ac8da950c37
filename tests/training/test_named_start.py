"""A training that starts from a library's weights, by their name: its own loader finds them in its cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch

from archspec.running.torchvision_library import torchvision
from tests.helpers.command_line import run
from tests.helpers.runs import an_image

NAME = "torchvision:SqueezeNet1_1_Weights.IMAGENET1K_V1"
FILE = "squeezenet1_1-b8a52dc0.pth"


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A short training on images of two classes, without a network; torch's cache is ``tmp_path``."""

    def no_network(*_: Any, **__: Any) -> None:
        raise URLError("there is no network")

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    (tmp_path / "checkpoints").mkdir()
    for target, name in enumerate("ab"):
        for index in range(3):
            an_image(tmp_path / "data" / name / f"{index}.png", 10 * target + index, (24, 24))
    return (
        "train", "squeezenet1_1", "--set", "classes=2", "--data", str(tmp_path / "data"), "--size", "32", "--device",
        "cpu", "--epochs", "1", "--lr", "1e-9", "--batch-size", "4", "--weights", NAME, "-o", str(tmp_path / "out"),
    )  # fmt: skip


def test_a_training_starts_from_a_librarys_weights(words: tuple[str, ...], tmp_path: Path) -> None:
    torch.manual_seed(1)
    source = torchvision().models.squeezenet1_1().state_dict()
    torch.save(source, tmp_path / "checkpoints" / FILE)
    status, _, error = run(*words)
    assert status == 0, error
    assert "`classifier.1.weight`, `classifier.1.bias` start anew for 2 classes" in error.replace("\n", " ")
    found = torch.load(tmp_path / "out" / "weights.pt", weights_only=True)
    for name, value in found.items():
        assert (value.shape == source[name].shape) == (not name.startswith("classifier")), name
        if value.shape == source[name].shape:
            torch.testing.assert_close(value, source[name], rtol=0, atol=1e-6)  # two steps of 1e-9


def test_weights_that_cannot_be_had_end_the_call(words: tuple[str, ...], tmp_path: Path) -> None:
    status, _, error = run(*words)
    assert status == 1
    assert "no-weights" in error
    assert FILE in error.replace("\n", "")
    assert not (tmp_path / "out").exists()
    status, _, error = run(*(word.replace(NAME, str(tmp_path / "none.pt")) for word in words))
    assert status == 2
    assert "none.pt" in error
    assert "Traceback" not in error
