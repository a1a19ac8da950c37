"""Training, with a tiny network written by hand in the place of a compiled one."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy
import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor, nn

from archspec.diagnostics import SpecError
from archspec.running.weights import load_weights
from archspec.training import images as data_module
from archspec.training.batches import Shuffled
from archspec.training.fit import fit
from archspec.training.images import ImageData, digits, load_images
from archspec.training.module import Training
from archspec.training.recipe import Recipe, Schedule
from archspec.training.schedules import rate
from archspec.training.settings import Options
from archspec.training.tasks import Classification, OutputRole


class Tiny(nn.Module):
    """One output: ``[batch, features]``."""

    def __init__(self, features: int = 2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(8, features)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.dropout(self.bn(self.conv(x)).relu().amax((2, 3))))


class Outputs(NamedTuple):
    """What a compiled network with an auxiliary output gives in training."""

    logits: Tensor
    aux: Tensor


class WithAuxiliary(Tiny):
    """Two outputs in training, one in evaluation."""

    def __init__(self, aux_features: int = 2) -> None:
        super().__init__()
        self.aux = nn.Linear(64, aux_features)

    def forward(self, x: Tensor) -> Tensor | Outputs:  # type: ignore[override]
        logits = super().forward(x)
        return Outputs(logits, self.aux(x.flatten(1))) if self.training else logits


ROLES = {"logits": OutputRole(), "aux": OutputRole(0.3, training=True)}


@pytest.fixture(scope="session")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Upright and lying stripes, 30 of each, 10×10 PNGs with noise."""
    folder = tmp_path_factory.mktemp("stripes")
    random = numpy.random.default_rng(0)
    wave = numpy.tile((numpy.arange(10) // 2 % 2) * 160, (10, 1))
    for name, pattern in (("lying", wave.T), ("upright", wave)):
        (folder / name).mkdir()
        for index in range(30):
            pixels = (pattern + random.integers(0, 90, (10, 10))).astype(numpy.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture
def data(stripes: Path) -> ImageData:
    return load_images(stripes, (8, 8), 1)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def codes(error: pytest.ExceptionInfo[SpecError]) -> list[str]:
    return [diagnostic.code for diagnostic in error.value.diagnostics]


def test_learns_and_writes_what_it_learnt(data: ImageData, tmp_path: Path) -> None:
    model = Tiny()
    result = fit(model, data, tmp_path, Options(epochs=12, batch_size=8, lr=0.02))
    assert result.accuracy >= 0.9
    table = rows(result.metrics)
    assert [row["epoch"] for row in table] == [str(epoch) for epoch in range(1, 13)]
    assert max(float(row["val_accuracy"]) for row in table) == pytest.approx(result.accuracy, abs=1e-5)
    assert float(table[result.epoch - 1]["val_accuracy"]) == pytest.approx(result.accuracy, abs=1e-5)
    assert float(table[-1]["train_loss"]) < float(table[0]["train_loss"])
    summary = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert (summary["classes"], summary["epoch"]) == (["lying", "upright"], result.epoch)
    assert {path.name for path in tmp_path.iterdir()} == {
        "best.ckpt",
        "last.ckpt",
        "weights.pt",
        "metrics.csv",
        "result.json",
        "run.json",
        "curves.png",
        "predictions.png",
    }

    for weights in (result.weights, result.checkpoint):  # both hold the best epoch, and so does the model
        fresh = Tiny()
        load_weights(fresh, weights)
        state = model.state_dict()
        assert all(torch.equal(value, state[key]) for key, value in fresh.state_dict().items())
    right = sum(int(fresh.eval()(image[None]).argmax() == target) for image, target in data.validation)
    assert right / len(data.validation) == pytest.approx(result.accuracy)


def test_the_seed_decides_everything(data: ImageData, tmp_path: Path) -> None:
    def state(name: str, seed: int) -> list[Tensor]:
        result = fit(Tiny, data, tmp_path / name, Options(epochs=2, seed=seed))
        return list(torch.load(result.checkpoint.with_name("last.ckpt"))["state_dict"].values())

    first = state("first", 1)
    torch.rand(5)
    assert all(torch.equal(one, other) for one, other in zip(first, state("again", 1), strict=True))
    assert not all(torch.equal(one, other) for one, other in zip(first, state("other", 2), strict=True))


class Interrupted(Exception):
    pass


class Interrupting(Tiny):
    """Goes down in a given training step."""

    left = 0

    def forward(self, x: Tensor) -> Tensor:
        self.left -= self.training
        if self.left < 0:
            raise Interrupted
        return super().forward(x)


def test_resuming_gives_the_bits_of_an_uninterrupted_run(data: ImageData, tmp_path: Path) -> None:
    fit(Tiny, data, tmp_path / "whole", Options(epochs=4, batch_size=8))
    steps = 48 // 8

    def interrupting() -> Tiny:
        model = Interrupting()
        model.left = 2 * steps + 3
        return model

    with pytest.raises(Interrupted):
        fit(interrupting, data, tmp_path / "parts", Options(epochs=4, batch_size=8))
    assert len(rows(tmp_path / "parts" / "metrics.csv")) == 2
    fit(Tiny, data, tmp_path / "parts", Options(epochs=4, batch_size=8, resume=True))
    whole, parts = (torch.load(tmp_path / name / "last.ckpt") for name in ("whole", "parts"))
    for key, value in whole["state_dict"].items():
        assert torch.equal(value, parts["state_dict"][key]), key

    def untimed(name: str) -> list[dict[str, str]]:
        return [{**row, "seconds": ""} for row in rows(tmp_path / name / "metrics.csv")]

    assert untimed("whole") == untimed("parts")


def test_resuming_goes_on_for_more_epochs(data: ImageData, tmp_path: Path) -> None:
    fit(Tiny, data, tmp_path, Options(epochs=2))
    with pytest.raises(SpecError, match="has already finished 2 of 2 epochs") as error:
        fit(Tiny, data, tmp_path, Options(epochs=2, resume=True))
    assert codes(error) == ["nothing-to-train"]
    fit(Tiny, data, tmp_path / "elsewhere", Options(epochs=3, resume=tmp_path / "last.ckpt"))
    assert [row["epoch"] for row in rows(tmp_path / "elsewhere" / "metrics.csv")] == ["3"]
    fit(Tiny, data, tmp_path, Options(epochs=5, resume=True))
    assert [row["epoch"] for row in rows(tmp_path / "metrics.csv")] == ["1", "2", "3", "4", "5"]


def test_resuming_what_cannot_be(data: ImageData, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"there is no file .*last\.ckpt"):
        fit(Tiny, data, tmp_path, Options(resume=True))
    torch.save(Tiny().state_dict(), tmp_path / "weights.pt")
    with pytest.raises(SpecError, match="holds weights, but no training state"):
        fit(Tiny, data, tmp_path, Options(resume=tmp_path / "weights.pt"))


def test_weights_are_where_training_begins(data: ImageData, tmp_path: Path) -> None:
    learnt = fit(Tiny, data, tmp_path / "long", Options(epochs=12, batch_size=8, lr=0.02))
    short = fit(Tiny, data, tmp_path / "short", Options(epochs=1, lr=1e-6, weights=learnt.weights))
    assert short.accuracy == pytest.approx(learnt.accuracy)


def test_a_head_for_other_classes_starts_anew(data: ImageData, tmp_path: Path) -> None:
    """What is carried is there from the first step on: at a rate of nearly nothing it is still the file's."""
    torch.manual_seed(1)
    old = Tiny(5).state_dict()
    torch.save(old, tmp_path / "five.pt")
    result = fit(Tiny, data, tmp_path / "two", Options(epochs=1, lr=1e-12, weights=tmp_path / "five.pt"))
    (note,) = result.notes
    assert note.code == "weights-adapted"
    assert "`fc.weight`, `fc.bias` start anew for 2 classes" in note.message
    found = torch.load(result.weights)
    for name in ("conv.weight", "bn.weight"):
        torch.testing.assert_close(found[name], old[name], atol=1e-6, rtol=0)
    assert found["fc.weight"].shape == (2, 8)
    assert found["fc.weight"].abs().sum() > 0


def test_other_widths_are_another_network(data: ImageData, tmp_path: Path) -> None:
    """Where more than the number of classes differs, nothing starts anew."""
    state = Tiny(5).state_dict()
    state["conv.weight"] = torch.zeros(3, 1, 3, 3)
    torch.save(state, tmp_path / "other.pt")
    with pytest.raises(SpecError) as error:
        fit(Tiny, data, tmp_path, Options(weights=tmp_path / "other.pt"))
    assert codes(error) == ["weights-mismatch"]


def test_weights_of_another_network(data: ImageData, tmp_path: Path) -> None:
    state = {**Tiny(5).state_dict(), "head.weight": torch.zeros(1)}
    del state["bn.bias"]
    torch.save(state, tmp_path / "other.pt")
    with pytest.raises(SpecError) as error:
        fit(Tiny, data, tmp_path, Options(weights=tmp_path / "other.pt"))
    assert codes(error) == ["weights-mismatch"]
    missing, unknown, differing = error.value.diagnostics[0].details
    assert missing == "1 missing in the file: `bn.bias`"
    assert unknown == "1 not in the network: `head.weight`"
    weight = "`fc.weight` is [5, 8] in the file, [2, 8] in the network"
    assert differing == f"2 with another shape: {weight}, `fc.bias` is [5] in the file, [2] in the network"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04cposix\nsystem\n.", bytes(range(256))])
def test_files_that_hold_no_weights(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(SpecError) as error:
        load_weights(Tiny(), tmp_path / "weights.pt")
    assert codes(error) == ["unreadable-weights"]


def test_weights_are_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(SpecError, match="is not a file"):
            load_weights(Tiny(), path)


def test_weights_that_would_run_code(tmp_path: Path) -> None:
    torch.save({"fc.weight": print}, tmp_path / "weights.pt")
    with pytest.raises(SpecError, match="cannot read weights"):
        load_weights(Tiny(), tmp_path / "weights.pt")


def test_auxiliary_outputs_weigh_in(data: ImageData, tmp_path: Path) -> None:
    training = Training(WithAuxiliary(), Classification(data.classes), ROLES, Recipe(), steps=10)
    images, target = torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 1, 0])
    outputs = training.outputs(images)
    parts = {name: nn.functional.cross_entropy(output, target) for name, output in outputs.items()}
    torch.testing.assert_close(training.loss(outputs, target), parts["logits"] + 0.3 * parts["aux"])
    assert list(training.eval().outputs(images)) == ["logits"]

    model = WithAuxiliary()
    before = model.aux.weight.detach().clone()
    fit(model, data, tmp_path / "weighed", Options(epochs=1), roles=ROLES)
    assert not torch.equal(model.aux.weight, before)
    model = WithAuxiliary()
    unweighed = {**ROLES, "aux": OutputRole(0.0, training=True)}
    before = model.aux.bias.detach().clone()
    fit(model, data, tmp_path / "unweighed", Options(epochs=1), roles=unweighed)
    assert torch.equal(model.aux.bias, before)


def test_class_counts_that_differ(data: ImageData, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as error:
        fit(lambda: Tiny(10), data, tmp_path / "out")
    assert str(error.value).strip() == (
        "error[class-count]: output `output` has 10 classes, but the data has 2: lying, upright\n"
        "  hint: `--set classes=2`, if the spec has a parameter `classes`"
    )
    with pytest.raises(SpecError, match="output `aux` has 7 classes"):
        fit(lambda: WithAuxiliary(7), data, tmp_path / "out", roles=ROLES)
    with pytest.raises(SpecError, match=r"output `output` is \[1, 8, 8\]; for 2 classes it must be \[2\]"):
        fit(nn.Conv2d(1, 1, 1), data, tmp_path / "out")
    with pytest.raises(SpecError, match="the network has no parameters"):
        fit(nn.Flatten(), data, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_looking_at_shapes_leaves_the_network_alone(data: ImageData, tmp_path: Path) -> None:
    model = Tiny(10)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(SpecError, match="10 classes"):
        fit(model, data, tmp_path)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_a_loss_that_is_no_number(data: ImageData, tmp_path: Path) -> None:
    model = Tiny()
    nn.init.constant_(model.fc.bias, float("nan"))
    with pytest.raises(SpecError, match="the loss became nan in epoch 1") as error:
        fit(model, data, tmp_path)
    assert codes(error) == ["diverged"]


def test_sets_too_large_for_memory(stripes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read by processes of their own, and give the same; what fails there is reported from there."""
    whole = fit(Tiny, load_images(stripes, (8, 8), 1), tmp_path / "whole", Options(epochs=2))
    monkeypatch.setattr(data_module, "PRELOADED_BYTES", 0)
    monkeypatch.setattr(data_module.os, "cpu_count", lambda: 1)
    found = load_images(stripes, (8, 8), 1)
    assert found.workers == 1
    read = fit(Tiny, found, tmp_path / "read", Options(epochs=2))
    assert torch.equal(torch.load(read.weights)["fc.bias"], torch.load(whole.weights)["fc.bias"])

    copied = Path(shutil.copytree(stripes, tmp_path / "stripes"))
    (copied / "upright" / "3.png").write_bytes(b"no image")
    with pytest.raises(SpecError) as error:
        fit(Tiny, load_images(copied, (8, 8), 1), tmp_path / "out")
    assert (
        str(error.value)
        .strip()
        .startswith(f"error[unreadable-image]: `{copied}/upright/3.png` is not a readable image")
    )
    assert len(str(error.value).strip().splitlines()) == 1


def test_calls_that_cannot_be(data: ImageData, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="use only one of them"):
        fit(Tiny, data, tmp_path, Options(weights=tmp_path / "weights.pt", resume=True))
    (tmp_path / "file").touch()
    with pytest.raises(SpecError, match=r"cannot write to `.*file/out`: Not a directory"):
        fit(Tiny, data, tmp_path / "file" / "out")


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:99", "tpu\n"])
def test_devices_that_are_not_there(device: str, data: ImageData, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as error:
        fit(Tiny, data, tmp_path, Options(device=device))
    assert codes(error) == ["no-device"]


@pytest.mark.cuda
def test_trains_on_cuda(data: ImageData, tmp_path: Path) -> None:
    assert fit(Tiny, data, tmp_path, Options(epochs=12, batch_size=8, lr=0.02, device="cuda")).accuracy >= 0.9


def test_says_how_it_goes(data: ImageData, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines, screen = io.StringIO(), io.StringIO()
    fit(Tiny, data, tmp_path, Options(epochs=2), console=Console(file=lines, width=100))
    shown = lines.getvalue().splitlines()
    assert len(shown) == 2
    assert shown[0].startswith("epoch 1/2  loss ")
    assert re.search(r"%  [0-9,]+ images/s  [0-9.]+ GB \*$", shown[0])
    shown_there = Console(file=screen, width=100, force_terminal=True)
    fit(Tiny, data, tmp_path, Options(epochs=2, overwrite=True), console=shown_there)
    assert "━" in screen.getvalue()
    assert "4/4" in screen.getvalue()
    assert capsys.readouterr() == ("", "")


def test_shuffling_hangs_on_seed_and_epoch_alone() -> None:
    order = Shuffled(100, seed=3)
    order.set_epoch(1)
    first = list(order)
    assert sorted(first) == list(range(100))
    assert first == list(order)
    order.set_epoch(2)
    assert first != list(order)


def test_the_rate_rises_and_falls() -> None:
    follow = rate(Schedule.model_validate("cosine"), 0.1, 10, 10)
    rates = [follow(step) for step in range(100)]
    assert rates[:10] == sorted(rates[:10])
    assert max(rates) == rates[9] == rates[10] == 1
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01
    assert rate(Schedule.model_validate("cosine"), 0.1, 1, 1)(0) == 1


def test_training_in_a_process_of_its_own(stripes: Path, tmp_path: Path) -> None:
    """As a user meets it: no warnings, no advice, nothing but what was asked for."""
    program = (
        "import sys\n"
        "from torch import nn\n"
        "from archspec.training.images import load_images\n"
        "from archspec.training.fit import fit\n"
        "from archspec.training.settings import Options\n"
        "model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))\n"
        "print(fit(model, load_images(sys.argv[1], (8, 8), 1), sys.argv[2], Options(epochs=2)).accuracy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(stripes), str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert 0 <= float(done.stdout) <= 1


@pytest.mark.slow
def test_digits_are_learnt(tmp_path: Path) -> None:
    data = load_images(digits(tmp_path / "digits"), (16, 16), 1)
    layers = [nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten()]
    assert fit(nn.Sequential(*layers, nn.Linear(800, 10)), data, tmp_path, Options(epochs=10, lr=3e-3)).accuracy >= 0.97
