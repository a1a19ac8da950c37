"""The course's experiments: trained, their curves kept in ``docs/course/curves``, and the page that shows them.

``python -m tests.helpers.course [EXPERIMENT …]`` runs all, or those named; ``make course`` calls it.  Curves are
written as soon as an experiment has ended, so a run that is stopped loses only the experiment it is in.
"""

from __future__ import annotations

import csv
import json
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from tests.helpers.places import ROOT

FOLDER = ROOT / "docs" / "course" / "experiments"
CURVES = ROOT / "docs" / "course" / "curves"
PICTURES = ROOT / "docs" / "pictures"
PAGE = ROOT / "docs" / "course" / "experiments.md"
OUT = ROOT / "out" / "course"

MEASURES = {"shapes": "accuracy", "scenes": "mean_iou"}
"""What is reported on each data set, by its name in ``metrics.csv``."""

HEAD = """# Experiments

Claims of the lecture, put to the test.  Each experiment is one spec, one data set that archspec draws, and a few runs
that differ in one parameter.  Each is meant for ten minutes on a laptop without a graphics card; the time that it took
stands beside its curves.

```sh
make course                          # all of them
make course EXPERIMENT=residual      # one
```

This writes the curves to `docs/course/curves`, with the seed, the versions and the time, and it writes this page.  So
the page has numbers only of what has been run.  One run with one seed is an example, not a proof: change the seed with
`SEED=1` and see how much the numbers move.
"""


@dataclass(frozen=True)
class Experiment:
    """One experiment as ``experiments.yaml`` has it."""

    name: str
    title: str
    asks: str
    spec: str
    data: str
    epochs: int
    batch_size: int
    lr: float
    runs: dict[str, dict[str, Any]]
    field: str | None = None
    """The step whose effective receptive field is measured before and after."""
    found: str = ""
    """What the kept curves say of the question."""

    @property
    def path(self) -> Path:
        """The spec's file."""
        return FOLDER / self.spec

    @property
    def kept(self) -> Path:
        """The file of its curves."""
        return CURVES / f"{self.name}.json"


def experiments() -> dict[str, Experiment]:
    """Every experiment by its name."""
    text = (FOLDER / "experiments.yaml").read_text(encoding="utf-8")
    return {name: Experiment(name=name, **given) for name, given in yaml.safe_load(text).items()}


# -- running -----------------------------------------------------------------------------------------------------------


def archspec(*words: str | Path) -> str:
    """What a command of archspec prints; its progress goes to the terminal."""
    command = [sys.executable, "-m", "archspec", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def processor_seconds() -> float:
    """The processor time of all commands that have ended; other work on the machine does not stretch it."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def data(kind: str, out: Path) -> Path:
    """The folder of a data set, written if it is not there."""
    folder = out / kind
    if not folder.is_dir():
        archspec("data", kind, folder)
    return folder


def trained(experiment: Experiment, images: Path, out: Path, seed: int) -> dict[str, Any]:
    """Train every run; returns what is kept."""
    runs: dict[str, Any] = {}
    for number, (name, values) in enumerate(experiment.runs.items()):
        print(f"{experiment.name}: {name}", file=sys.stderr)
        given = [word for key, value in values.items() for word in ("--set", f"{key}={json.dumps(value)}")]
        folder = out / experiment.name / str(number)
        began, worked = time.monotonic(), processor_seconds()
        settings = {"epochs": experiment.epochs, "batch-size": experiment.batch_size, "lr": experiment.lr, "seed": seed}
        told = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
        archspec(
            "train", experiment.path, *given, *told, "--data", images, "--device", "cpu", "-o", folder, "--overwrite"
        )
        spent = {
            "seconds": round(time.monotonic() - began),
            "processor_seconds": round(processor_seconds() - worked),
        }
        total = json.loads(archspec("check", experiment.path, *given, "--format", "json"))["total"]
        with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
            epochs = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        runs[name] = {"set": values, **spent, **total, "epochs": epochs}
        if experiment.field:
            runs[name]["field"] = measured(experiment, given, folder / "weights.pt")
    return runs


def measured(experiment: Experiment, given: list[str], weights: Path) -> dict[str, float]:
    """The effective field as a fraction of what the step can see, before and after training."""
    words = ["erf", experiment.path, *given, "--of", experiment.field or "", "--images", "16", "--format", "json"]
    before, after = (json.loads(archspec(*words, *more)) for more in ([], ["--weights", weights]))
    return {"before": before["fraction"], "after": after["fraction"]}


def run(experiment: Experiment, out: Path = OUT, seed: int = 0) -> dict[str, Any]:
    """Run an experiment; returns its record: the settings, the versions, the curves."""
    import torch

    images = data(experiment.data, out)
    return {
        "experiment": experiment.name,
        "spec": experiment.spec,
        "data": experiment.data,
        "seed": seed,
        "epochs": experiment.epochs,
        "batch_size": experiment.batch_size,
        "lr": experiment.lr,
        "versions": {name: version(name) for name in ("archspec-nn", "torch", "lightning")}
        | {"python": platform.python_version()},
        "threads": torch.get_num_threads(),
        "runs": trained(experiment, images, out, seed),
    }


# -- showing -----------------------------------------------------------------------------------------------------------


def draw(record: dict[str, Any], path: Path) -> None:
    """The training loss and the measure of each run, by epoch."""
    from matplotlib.figure import Figure

    measure = MEASURES[record["data"]]
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, key, title in zip(
        axes, ("train_loss", f"val_{measure}"), ("training loss", measure.replace("_", " ").replace("iou", "IoU")),
        strict=True,
    ):  # fmt: skip
        for name, found in record["runs"].items():
            axis.plot([row["epoch"] for row in found["epochs"]], [row[key] for row in found["epochs"]], label=name)
        axis.set(title=title, xlabel="epoch")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


def shown(experiment: Experiment) -> str:
    """The part of the page about one experiment: what it asks, and what was found if it has been run."""
    spec = f"[experiments/{experiment.spec}](experiments/{experiment.spec})"
    count = f"{experiment.epochs} epochs on `archspec data {experiment.data}`"
    parts = [f"## {experiment.title}\n", f"{experiment.asks.strip()}\n", f"{spec}, {count}.\n"]
    if not experiment.kept.is_file():
        return "\n".join([*parts, f"Not run yet: `make course EXPERIMENT={experiment.name}`.\n"])
    record = json.loads(experiment.kept.read_text(encoding="utf-8"))
    parts.append(f"![curves](../pictures/course_curves_{experiment.name}.svg)\n")
    parts.append(table(record))
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    parts.append(f"Seed {record['seed']}; {spent(record)}; {versions}.\n")
    if experiment.found:
        parts.append(f"{experiment.found.strip()}\n")
    return "\n".join(parts)


def spent(record: dict[str, Any]) -> str:
    """How long all runs of an experiment took, in words."""
    runs = record["runs"].values()
    words = f"{sum(run['seconds'] for run in runs)} s in all on {record['threads']} threads"
    if all("processor_seconds" in run for run in runs):
        words += f", {sum(run['processor_seconds'] for run in runs)} s of processor time"
    return words


def table(record: dict[str, Any]) -> str:
    """The last and the best epoch of each run."""
    measure = MEASURES[record["data"]]
    named = measure.replace("_", " ").replace("iou", "IoU")
    fields = any("field" in found for found in record["runs"].values())
    head = ["run", "parameters", "multiply-adds", "training loss", f"training {named}", f"best {named} held out"]
    head += ["effective field before", "after"] if fields else []
    rows = [head, ["---"] * len(head)]
    for name, found in record["runs"].items():
        last, best = found["epochs"][-1], max(row[f"val_{measure}"] for row in found["epochs"])
        row = [name, f"{found['parameters']:,}", f"{found['multiply_adds']:,}", f"{last['train_loss']:.3f}"]
        row += [f"{last[f'train_{measure}']:.1%}", f"{best:.1%}"]
        if fields:
            row += [f"{found['field'][when]:.1%}" for when in ("before", "after")]
        rows.append(row)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def page() -> str:
    """The page of all experiments."""
    return "\n".join([HEAD, *(shown(each) for each in experiments().values())])


def main(names: list[str], seed: int = 0) -> None:
    """Run experiments, keep their curves, and write the page."""
    known = experiments()
    for name in names:
        if name not in known:
            raise SystemExit(f"there is no experiment `{name}`; there are {', '.join(known)}")
    CURVES.mkdir(exist_ok=True)
    for name in names or known:
        record = run(known[name], seed=seed)
        known[name].kept.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draw(record, PICTURES / f"course_curves_{name}.svg")
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("--seed=")]
    chosen = [int(word.removeprefix("--seed=")) for word in sys.argv[1:] if word.startswith("--seed=")]
    main(words, *chosen)
