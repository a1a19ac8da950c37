"""Variants trained with Ray Tune: each trial is an `archspec train` of its own, stopped early if others do better.

ASHA (https://arxiv.org/abs/1810.05934) decides which trials go on.  A trial is a process in a run's folder: one that is
killed goes on where it was, and what it leaves is a run like any other.  On a cluster, spec, data and output folder
have the same paths on every machine.
"""

from __future__ import annotations

import contextlib
import csv
import importlib
import io
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from archspec.characters import printable
from archspec.diagnostics import Diagnostic, SpecError
from archspec.records import record
from archspec.sweeping.rows import SCORE, Row
from archspec.sweeping.space import Space

MEASURES = ("val_accuracy", "val_mean_iou")
"""The columns of ``metrics.csv`` with the score of an epoch."""

POLL = 0.5
"""Seconds between two looks at a training."""


@record
class Plan:
    """How trials are trained."""

    data: Path
    trials: int
    epochs: int
    seed: int = 0
    address: str | None = None
    """The cluster's address; None: Ray is started on this machine alone."""
    cpus: float = 1
    gpus: float = 0
    """What each trial is given; graphics cards may be shared: 0.5."""


def chosen(rows: Sequence[Row], space: Space, plan: Plan) -> list[tuple[Row, dict[str, Any]]]:
    """The rows that are trained, drawn by the seed, each with training settings drawn from the space's."""
    draw = random.Random(plan.seed)
    picked = draw.sample(list(rows), min(plan.trials, len(rows)))
    return [(row, {name: draw.choice(values) for name, values in space.training.items()}) for row in picked]


def need_ray() -> Any:
    """Ray, imported.  Raises :class:`SpecError` ``no-package``."""
    try:
        importlib.import_module("ray.tune")
        return importlib.import_module("ray")
    except ImportError as error:
        message = f"training the variants of a sweep needs the package {error.name}, which is not here"
        raise SpecError([Diagnostic("no-package", message, hint="pip install 'archspec-nn[tune]'")]) from None


def tune(rows: Sequence[Row], space: Space, plan: Plan, folder: Path, keep: Callable[[Row], None]) -> list[Row]:
    """Train some of the rows; the rows with what was found, each also given to ``keep`` once its trial has ended.

    A row that was trained already is left as it is.  Raises :class:`SpecError` where Ray is not installed, or cannot be
    reached.
    """
    wanted = [(row, given) for row, given in chosen(rows, space, plan) if SCORE not in row.trial]
    if not wanted:
        return []
    ray = need_ray()
    place = folder.resolve()
    configs = [_config(space, plan, row, given, place) for row, given in wanted]
    by_number = {row.number: row for row, _ in wanted}
    found: list[Row] = []

    def ended(config: Mapping[str, Any], result: Mapping[str, Any] | None) -> None:
        row = _with_result(by_number[config["number"]], config, result)
        found.append(row)
        keep(row)

    try:
        ray.init(
            address=plan.address or "local",
            include_dashboard=False if plan.address is None else None,
            log_to_driver=False,
            logging_level="error",
            runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}},
        )
    except Exception as error:  # of Ray, which has no common exception
        said = printable(str(error).strip().split("\n")[0], 200)
        raise SpecError([Diagnostic("no-cluster", f"Ray cannot be reached: {said}")]) from None
    try:
        _run(ray, configs, plan, place, ended)
    finally:
        ray.shutdown()
    return found


def _run(
    ray: Any,
    configs: list[dict[str, Any]],
    plan: Plan,
    folder: Path,
    ended: Ended,
) -> None:
    """All trials, under ASHA."""
    library = importlib.import_module("ray.tune")
    schedulers = importlib.import_module("ray.tune.schedulers")

    class Told(library.Callback):
        """Hands on what ends, in the driver."""

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            _tell(trial.config["trial"], trial.last_result)

        def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            _tell(trial.config["trial"], None)

    _listeners.append(ended)
    tuner = library.Tuner(
        library.with_resources(trial, {"cpu": plan.cpus, "gpu": plan.gpus}),
        param_space={"trial": library.grid_search(configs)},
        tune_config=library.TuneConfig(
            metric=SCORE,
            mode="max",
            scheduler=schedulers.ASHAScheduler(time_attr="epoch", max_t=plan.epochs, grace_period=min(1, plan.epochs)),
        ),
        run_config=library.RunConfig(
            name="ray", storage_path=str(folder), callbacks=[Told()], verbose=0,
            failure_config=library.FailureConfig(max_failures=0),
        ),
    )  # fmt: skip
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the answer of a command is ours alone
            tuner.fit()
    finally:
        _listeners.remove(ended)


Ended = Callable[[Mapping[str, Any], Mapping[str, Any] | None], None]
"""Told the configuration of a trial that has ended, and its last result; None if it failed."""

_listeners: list[Ended] = []
"""Ray writes its callbacks into a file, so they cannot hold what writes our rows."""


def _tell(config: Mapping[str, Any], result: Mapping[str, Any] | None) -> None:
    for each in _listeners:
        each(config, result)


def _config(space: Space, plan: Plan, row: Row, given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What a trial needs, as plain data."""
    spec = Path(space.spec)
    words = [str(spec.resolve()) if spec.exists() else space.spec, "--data", str(plan.data.resolve())]
    for name, value in row.values.items():
        words += ["--set", f"{name}={json.dumps(value)}"]
    for name, size in row.sizes.items():
        words += ["--size", f"{name}={size}"]
    words += ["--epochs", str(plan.epochs), "--seed", str(plan.seed)]
    words += ["--lr", str(given["lr"])] if "lr" in given else []
    words += ["--batch-size", str(given["batch_size"])] if "batch_size" in given else []
    run = str(folder / "runs" / f"{row.number:06}")
    return {
        "number": row.number,
        "words": words,
        "run": run,
        "settings": dict(given),
        "cpus": plan.cpus,
        "epochs": plan.epochs,
    }


def _with_result(row: Row, config: Mapping[str, Any], result: Mapping[str, Any] | None) -> Row:
    told = {"run": config["run"], **config["settings"]}
    if result is None or SCORE not in result:
        return replace(row, trial={**told, "failed": _last_words(Path(config["run"]))})
    return replace(row, trial={SCORE: result["best"], "epochs": result["epoch"], **told})


def _last_words(run: Path) -> str:
    """The end of what a failed training said."""
    try:
        lines = (run.parent / f"{run.name}.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "it said nothing"
    return printable(lines[-1] if lines else "it said nothing", 200)


def trial(config: Mapping[str, Any]) -> None:
    """One trial, on the machine that Ray chose: a training, whose epochs are reported as they end."""
    report = importlib.import_module("ray.tune").report
    told = config["trial"]
    run = Path(told["run"])
    run.parent.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "archspec", "train", *told["words"], "-o", str(run)]
    words += ["--resume"] if (run / "last.ckpt").is_file() else ["--overwrite"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(max(1, int(told["cpus"])))}
    with (run.parent / f"{run.name}.txt").open("ab") as said:
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT, env=environment)
        try:
            best, done = float("-inf"), 0
            while True:
                ended = process.poll() is not None
                for epoch, score in _epochs(run)[done:]:
                    if epoch == told["epochs"] and not ended:
                        break  # Ray stops the trial at the last epoch: the training first writes its files
                    done, best = done + 1, max(best, score)
                    report({SCORE: score, "best": best, "epoch": epoch})
                if ended:
                    break
                time.sleep(POLL)
        finally:  # also where ASHA stops the trial
            process.terminate()
            process.wait()
    if process.returncode != 0:
        raise RuntimeError(_last_words(run))


def _epochs(run: Path) -> list[tuple[int, float]]:
    """The epochs that a training has written, with their scores."""
    try:
        with (run / "metrics.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [(int(row["epoch"]), float(row[name])) for row in rows for name in MEASURES if row.get(name)]
    except (OSError, ValueError, KeyError):
        return []
