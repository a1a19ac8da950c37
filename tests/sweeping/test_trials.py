"""Trials: the draw and its words; and, where Ray is installed, real trainings on one node and on two."""

from __future__ import annotations

import csv
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archspec.diagnostics import SpecError
from archspec.sweeping.ledger import LEDGER, read_ledger
from archspec.sweeping.rows import Row
from archspec.sweeping.space import read_space
from archspec.sweeping.sweep import sweep
from archspec.sweeping.trials import Plan, chosen
from tests.helpers.command_line import run
from tests.helpers.runs import an_image
from tests.sweeping.test_sweep import SPEC

SPACE = """
spec: small.yaml
space: {width: [2, 4, 6], classes: [2]}
sizes: [16]
training: {lr: [0.001, 0.01], batch_size: [4]}
"""


@pytest.fixture
def space(tmp_path: Path) -> Path:
    """A space, beside its spec and a folder of images of two classes."""
    (tmp_path / "small.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "space.yaml").write_text(SPACE, encoding="utf-8")
    for target, name in enumerate("ab"):
        for index in range(5):
            an_image(tmp_path / "data" / name / f"{index}.png", 10 * target + index, (16, 16))
    return tmp_path / "space.yaml"


def test_the_draw_is_the_seeds(space: Path) -> None:
    read = read_space(space)
    rows = [Row(at, {"width": at}, {"H": 16, "W": 16}) for at in range(30)]
    one, again, other = (chosen(rows, read, Plan(space.parent, 5, 1, seed)) for seed in (1, 1, 2))
    assert one == again != other
    assert len({row.number for row, _ in one}) == 5
    assert all(given["lr"] in (0.001, 0.01) and given["batch_size"] == 4 for _, given in one)
    assert len(chosen(rows, read, Plan(space.parent, 100, 1))) == 30


def test_without_ray_the_pip_line_is_told_before_anything_is_measured(
    space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.tune", None)
    out = space.parent / "out"
    with pytest.raises(SpecError, match=r"archspec-nn\[tune\]"):
        sweep(read_space(space), out, jobs=1, plan=Plan(space.parent / "data", 1, 1))
    assert not out.exists()
    assert len(sweep(read_space(space), out, jobs=1)) == 3  # the half without Ray


def test_trials_need_data(space: Path) -> None:
    assert run("sweep", str(space), "--trials", "2")[0] == 2


@pytest.fixture
def ray() -> Iterator[Any]:
    found = pytest.importorskip("ray", exc_type=ImportError)
    pytest.importorskip("ray.tune", exc_type=ImportError)
    yield found
    found.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_trials_on_one_machine_and_what_is_kept(space: Path, ray: Any) -> None:
    del ray
    out = space.parent / "out"
    words = ("sweep", str(space), "--data", str(space.parent / "data"), "--epochs", "2", "-o", str(out), "--jobs", "1")
    status, text, error = run(*words, "--trials", "2", "--format", "json")
    assert status == 0, error
    told = json.loads(text)
    trained = [row for row in told["rows"] if row["trial"]]
    assert len(trained) == 2
    for row in trained:
        with (Path(row["trial"]["run"]) / "metrics.csv").open(encoding="utf-8") as file:
            scores = [float(epoch["val_accuracy"]) for epoch in csv.DictReader(file)]
        assert row["trial"]["score"] == max(scores[: row["trial"]["epochs"]])
        whole = (Path(row["trial"]["run"]) / "result.json").exists()
        assert whole or row["trial"]["epochs"] < 2  # the others were stopped early
    assert told["pareto"] == ["macs:least", "score:most"]
    status, text, error = run(*words, "--trials", "3", "--resume", "--format", "json")
    assert status == 0, error
    again = [row for row in json.loads(text)["rows"] if row["trial"]]
    assert len(again) == 3
    assert [row for row in again if row in trained] == trained  # what was found stays as it was


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_trials_on_two_nodes(space: Path, ray: Any) -> None:
    del ray
    cluster = importlib.import_module("ray.cluster_utils").Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        out = space.parent / "out"
        plan = Plan(space.parent / "data", 2, 1, address=cluster.address)
        rows = sweep(read_space(space), out, jobs=1, plan=plan)
    finally:
        cluster.shutdown()
    kept = read_ledger(out / LEDGER)[1]
    assert sum("score" in row.trial for row in rows) == 2
    assert kept == rows
