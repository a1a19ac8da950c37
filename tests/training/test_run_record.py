"""What the folder of a run says of itself, and what is said of a folder that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from archspec.diagnostics import SpecError
from archspec.training.images import load_images
from archspec.training.run_folder import read_run
from tests.helpers.command_line import run
from tests.training.test_runs import SPEC


def test_a_run_knows_what_its_network_needs(tmp_path: Path) -> None:
    for name in ("light", "dark", "10", "9"):
        for index in range(3):
            path = tmp_path / "data" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (4, 4), 40 * index).save(path)
    (tmp_path / "greys.yaml").write_text(SPEC.replace("features: 2", "features: 4"))
    out = tmp_path / "out"
    words = ["train", str(tmp_path / "greys.yaml"), "--data", str(tmp_path / "data"), "--epochs", "1", "-o", str(out)]
    status, _, said = run(*words, "--device", "cpu")
    assert status == 0, said
    found = read_run(out)
    assert found.classes == load_images(tmp_path / "data", (4, 4), 1).classes == ("10", "9", "dark", "light")
    assert (found.channels, found.size, found.mean, found.std) == (1, (4, 4), (0.5,), (0.5,))
    assert (found.spec, found.weights) == (out / "spec.yaml", out / "weights.pt")
    found.weights.unlink()
    assert read_run(out).weights == out / "best.ckpt"  # a run that was stopped


GOOD: dict[str, Any] = {"classes": ["a", "b"], "channels": 1, "size": [4, 4], "mean": [0.5], "std": [0.5]}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (b"{", "Expecting property name"),
        (b"[" * 100_000, ""),
        (b"[]", "`classes`: field required"),
        (json.dumps(GOOD | {"classes": []}).encode(), "`classes`: tuple should have at least 1 item"),
        (json.dumps(GOOD | {"classes": [1]}).encode(), "`classes.0`: input should be a valid string"),
        (json.dumps(GOOD | {"size": [4, 4, 4]}).encode(), "`size`"),
        (json.dumps(GOOD | {"mean": [0.5, 0.5]}).encode(), "`mean` has 2 values for 1 channels"),
        (json.dumps(GOOD | {"std": [0]}).encode(), "`std.0`: input should be greater than 0"),
        (json.dumps(GOOD | {"mean": [float("nan")]}).encode(), "`mean.0`"),
        (b"\xff", "decode"),
    ],
)
def test_a_damaged_record(told: bytes, said: str, tmp_path: Path) -> None:
    for name in ("spec.yaml", "weights.pt"):
        (tmp_path / name).touch()
    (tmp_path / "run.json").write_bytes(told)
    with pytest.raises(SpecError) as error:
        read_run(tmp_path)
    (found,) = error.value.diagnostics
    assert found.code == "not-a-run"
    assert said in "\n".join(found.details)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"it has no `run\.json`, `spec\.yaml`, `weights\.pt`"):
        read_run(tmp_path)
    (tmp_path / "run.json").mkdir()
    with pytest.raises(SpecError, match=r"it has no `run\.json`"):
        read_run(tmp_path)
