"""The experiments of the course: their specs do what the page says, each takes a training step, the page is theirs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import archspec
from tests.helpers import course
from tests.helpers.course import Experiment
from tests.helpers.places import ROOT

EXPERIMENTS = course.experiments()
RUNS = [
    pytest.param(each, name, id=f"{each.name}-{number}")
    for each in EXPERIMENTS.values()
    for number, name in enumerate(each.runs)
]


def spec(experiment: Experiment, run: str) -> archspec.Spec:
    return archspec.load(experiment.path, **experiment.runs[run])


def report(name: str, run: str) -> archspec.Report:
    return archspec.check(spec(EXPERIMENTS[name], run))


@pytest.mark.parametrize(("experiment", "run"), RUNS)
def test_a_step_of_each(experiment: Experiment, run: str) -> None:
    """One small step down the gradient makes the loss of the batch smaller; all weights have a part in it."""
    loaded = spec(experiment, run)
    channels = next(iter(archspec.check(loaded).shapes_at.values()))[0]
    torch.manual_seed(0)
    model, loss = archspec.compile(loaded).double(), archspec.loss(loaded).double()
    images = torch.randn(2, channels, 32, 32, dtype=torch.float64)
    answer = model(images)
    target = torch.randint(answer.shape[1], (2, *answer.shape[2:]))
    before = loss(answer, target)
    before.backward()
    slopes = [weight.grad for weight in model.parameters() if weight.grad is not None]
    assert len(slopes) == len(list(model.parameters()))
    length = sum(float((slope**2).sum()) for slope in slopes)
    torch.optim.SGD(model.parameters(), lr=1e-5 / length).step()
    with torch.no_grad():
        assert 0 < float(before - loss(model(images), target)) < 2e-5


def test_the_comparisons_are_fair() -> None:
    """What the page says is equal is equal."""
    plain, residual = report("residual", "plain"), report("residual", "residual")
    assert (plain.parameters, plain.total.multiply_adds) == (residual.parameters, residual.total.multiply_adds)
    five, three = report("factorised", "one 5×5"), report("factorised", "two 3×3")
    assert list(five.receptive_fields.values())[-4].sizes == list(three.receptive_fields.values())[-4].sizes
    strided, dilated = report("dilated", "strided"), report("dilated", "dilated")
    assert strided.parameters == dilated.parameters
    assert strided.receptive_fields["score"].sizes == dilated.receptive_fields["score"].sizes


def test_the_network_of_34_layers() -> None:
    nodes = report("residual", "residual").graph.nodes
    assert sum(node.op is not None and node.op.keyword in ("conv", "linear") for node in nodes) == 34


def test_the_page_on_depth_shows_the_same_spec() -> None:
    page = (ROOT / "docs" / "course" / "02-depth.md").read_text(encoding="utf-8")
    shown = re.search(r"```yaml\n# deep.yaml\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    assert shown[1] == (course.FOLDER / "deep.yaml").read_text(encoding="utf-8")


def test_the_page_is_current(request: pytest.FixtureRequest) -> None:
    """Also where curves are kept: the page has no number that is not in their files."""
    if request.config.getoption("--update-golden"):
        course.PAGE.write_text(course.page(), encoding="utf-8")
    assert course.PAGE.read_text(encoding="utf-8") == course.page(), "experiments.md is old: `make golden` renews it"


def test_kept_curves_are_of_the_experiments_as_they_are() -> None:
    curves = sorted(course.CURVES.glob("*.json"))
    if not curves:
        pytest.skip("no curves are kept: `make course` writes them")
    for kept in curves:
        record, experiment = json.loads(kept.read_text(encoding="utf-8")), EXPERIMENTS[kept.stem]
        for name in ("spec", "data", "epochs", "batch_size", "lr"):
            assert record[name] == getattr(experiment, name), f"{name} has changed: make course EXPERIMENT={kept.stem}"
        assert {name: found["set"] for name, found in record["runs"].items()} == experiment.runs
        for name, found in record["runs"].items():
            assert len(found["epochs"]) == experiment.epochs
            now = archspec.check(spec(experiment, name)).total
            assert (found["parameters"], found["multiply_adds"]) == (now.parameters, now.multiply_adds)


@pytest.mark.slow
def test_a_whole_experiment_in_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the data to the page, with one epoch of a few scenes, in folders of its own."""
    from archspec.training.examples import scenes

    scenes(tmp_path / "scenes", count=10)
    changed: dict[str, Any] = {**vars(EXPERIMENTS["dilated"]), "epochs": 1, "batch_size": 8}
    experiment = Experiment(**changed)
    record = course.run(experiment, tmp_path)
    for found in record["runs"].values():
        assert len(found["epochs"]) == 1
        assert 0 < found["field"]["before"] <= 1
        assert found["processor_seconds"] > 0
    monkeypatch.setattr(course, "CURVES", tmp_path)
    experiment.kept.write_text(json.dumps(record), encoding="utf-8")
    shown = course.shown(experiment)
    assert all(f"{found['parameters']:,}" in shown for found in record["runs"].values())
    assert "Not run yet" not in shown
    course.draw(record, tmp_path / "curves.svg")
    assert b"<svg" in (tmp_path / "curves.svg").read_bytes()
