"""A compiled network, trained by Lightning: what ``archspec train`` calls.

:func:`fit` puts a network and images together, and leaves in its output folder

    last.ckpt     where training stands, after every epoch: what ``resume`` goes on from, to the same bits
    best.ckpt     the same, at the epoch that did best on the images held out
    weights.pt    the network's own ``state_dict`` at that epoch
    metrics.csv   a row for each epoch
    result.json   the settings, and the best epoch's figures: written last, so where it is the others are
    run.json      what was trained: the spec, its parameters and rewrites, the settings, the calls, the version
    spec.yaml     the spec expanded, where there is one

and, where pixels are told apart, ``predictions.png``, what the best epoch's network says of some images held out.

Needs the ``train`` extra.  Imports torch and Lightning; nothing that only reads specs may import it.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from rich.console import Console
from torch import nn

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.records import record
from archspec.running import devices
from archspec.running.room import refusals_told
from archspec.running.weights import load_weights
from archspec.training.images import NORMALISATION, ImageData
from archspec.training.lightning_library import LightningEnvironment, callbacks, lightning
from archspec.training.log import CheckpointFiles, Checkpoints, MetricsFile, ProgressBar, save
from archspec.training.losses import Loss
from archspec.training.module import Training
from archspec.training.pictures import UnreadableImage
from archspec.training.run_folder import alone, begin, clear_partial, read_json, write_json
from archspec.training.settings import About, Settings, changed, faults, write_record
from archspec.training.standing import SETTINGS, checked, read_own, settings_of
from archspec.training.tasks import Classification, OutputRole, Review, Task

DEFAULTS: Mapping[str, Any] = {"epochs": 20, "batch_size": 32, "lr": 1e-3, "seed": 0}
"""What a training is begun with where its call says nothing else."""

CLIP = 1.0
"""The norm that gradients are clipped to: a deep network without normalisation survives its first steps."""


SMALLER = "use a smaller batch (`--batch-size`) or smaller images"

QUIETED = (
    ".*does not have many workers",  # few are meant
    ".*LeafSpec",  # Lightning's own use of what torch deprecates
)
"""Warnings of Lightning's that are no news to who trains."""


@record
class Result:
    """What training came to: the best epoch (the first is 1), its measure, and the files written."""

    epoch: int
    score: float
    """The task's measure on what was held out: accuracy, or mean IoU."""
    checkpoint: Path
    weights: Path
    metrics: Path
    review: Review | None = None
    """Figures of each class and a picture, where the task has them."""
    notes: tuple[Diagnostic, ...] = ()
    """What was done to the weights of a file to fit."""

    @property
    def accuracy(self) -> float:
        """The score, by its name in classification."""
        return self.score


def fit(
    model: nn.Module | Callable[[], nn.Module],
    data: ImageData,
    output_folder: Path | str,
    *,
    roles: Mapping[str, OutputRole] | None = None,
    task: Task | None = None,
    loss: Loss | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int | None = None,
    device: str = "auto",
    weights: Path | str | None = None,
    resume: Path | str | bool = False,
    overwrite: bool = False,
    about: About | None = None,
    console: Console | None = None,
) -> Result:
    """Train a network on images and write what comes of it to ``output_folder``.

    ``model`` is a network, left with its best epoch's weights; or a function that makes one, called after seeding, so
    that the seed decides the initial weights too.  ``roles`` names its outputs in their order; a network with one
    output needs none.  ``task`` is classification unless given, ``loss`` (a spec's, for one) plain cross-entropy of the
    outputs by their roles' weights.  ``epochs``, ``batch_size``, ``lr`` and ``seed`` are :data:`DEFAULTS` unless given.
    ``weights`` is loaded before training; a head for other classes than the data's starts anew.  ``about`` is what the
    folder is told of the network and the call.  A ``console`` gets a progress bar, or a line for each epoch when it is
    no terminal.

    ``resume`` goes on from a checkpoint, or, when True, from ``last.ckpt`` in the output folder, with all that the run
    was begun with: other ``epochs`` may be given, anything else that differs is refused.  A run that was killed after
    its last epoch is finished.  Without ``resume`` a folder that has a run is refused, unless ``overwrite`` is True.

    Raises :class:`SpecError` where the data, the files or the device do not fit the network, where the folder cannot
    be written, or where another training is writing to it.
    """
    output_folder, about = Path(output_folder), about or About()
    if weights is not None and resume is not False:
        message = "`--weights` starts a training and `--resume` continues one: use only one of them"
        raise SpecError([Diagnostic("conflicting-options", message)])
    place = devices.find(device)
    start = None if resume is False else output_folder / "last.ckpt" if resume is True else Path(resume)
    given = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed}
    given = {name: value for name, value in given.items() if value is not None}
    content = {} if start is None else read_own(start)
    settings = _settings(data, about, given) if start is None else _resumed(data, about, given, content, start)
    torch.manual_seed(settings.seed)
    network = _trainable(model if isinstance(model, nn.Module) else model())
    task = task or Classification(data.classes)
    roles = roles or {"output": OutputRole()}
    training_set = data.training_batches(settings.batch_size, settings.seed)
    steps = len(training_set)
    training = Training(network, task, roles, settings.lr, settings.epochs * steps, settings.seed, loss)
    training.kept = {SETTINGS: settings.model_dump()}
    _check_outputs(training, data)
    notes = () if weights is None else load_weights(network, weights, len(data.classes))
    checkpoints, files = Checkpoints(output_folder, f"val_{task.measure}"), CheckpointFiles()
    metrics = MetricsFile(output_folder / "metrics.csv")
    shown = [ProgressBar(console, task.measure, task.title, checkpoints)] if console else []
    with _quiet():
        trainer = _trainer(place, settings, output_folder, [metrics, checkpoints, *shown], files, console is not None)
        left = settings.epochs
        if start is not None:
            files.resumed = checked(content, start, training, checkpoints, trainer, steps)
            left -= files.resumed["epoch"] + 1
            _check_left(left, start, output_folder, settings)
        with alone(output_folder), _faults_reported():
            here = start is not None and start.parent.resolve() == output_folder.resolve()
            if here:
                clear_partial(output_folder)
            else:
                begin(output_folder, overwrite)
            write_record(output_folder, about, settings)
            if left:
                validation_set = data.validation_batches(settings.batch_size)
                refused = f"{place} has too little memory for a batch of {settings.batch_size}"
                with refusals_told(refused, SMALLER):
                    trainer.fit(training, training_set, validation_set, ckpt_path=start, weights_only=True)
            else:
                checkpoints.load_state_dict(files.resumed["callbacks"][checkpoints.state_key])
            return _ended(network.to(place), task, data, settings, checkpoints, notes)


def _trainable(network: nn.Module) -> nn.Module:
    """The network; raises :class:`SpecError` where it has nothing to train."""
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise SpecError([Diagnostic("nothing-to-train", "the network has no parameters")])
    return network


def _trainer(
    place: torch.device,
    settings: Settings,
    folder: Path,
    watching: list[callbacks.Callback],
    files: CheckpointFiles,
    progress: bool,
) -> lightning.Trainer:
    """Lightning's loop on one device, which writes into the folder and tells those who watch."""
    return lightning.Trainer(
        accelerator=place.type,
        devices=[place.index] if place.index is not None else 1,
        max_epochs=settings.epochs,
        callbacks=watching,
        default_root_dir=folder,
        gradient_clip_val=CLIP,
        logger=False,
        enable_progress_bar=progress,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        plugins=[LightningEnvironment(), files],
    )


def _settings(data: ImageData, about: About, given: Mapping[str, Any]) -> Settings:
    """What a run is begun with."""
    try:
        return Settings(**{**DEFAULTS, **given}, **_facts(data), network=about.network)
    except ValidationError as error:
        message = "these training settings are not valid"
        raise SpecError([Diagnostic("bad-setting", message, details=tuple(faults(error)))]) from None


def _resumed(
    data: ImageData, about: About, given: Mapping[str, Any], content: Mapping[Any, Any], start: Path
) -> Settings:
    """What the run of a checkpoint was begun with, if the call agrees; its epochs may be others."""
    begun = settings_of(content, start)
    asked = {**given, **_facts(data), "epochs": begun.epochs}
    if about.network and begun.network:
        asked["network"] = about.network
    conflicts = begun.conflicts(asked)
    if conflicts:
        raise SpecError([changed(conflicts, start)])
    return begun.model_copy(update={"epochs": given.get("epochs", begun.epochs)})


def _facts(data: ImageData) -> dict[str, Any]:
    """What the data decide of a run's settings."""
    size = data.training.size
    return {
        "classes": tuple(data.classes),
        "channels": data.training.channels,
        "size": (size[0], size[1]),
        "images": (len(data.training), len(data.validation)),
    }


def _check_left(left: int, start: Path, folder: Path, settings: Settings) -> None:
    """Refuse to go on from a checkpoint that is at its end, unless the run's last files are still to be written."""
    ended = settings.epochs - left
    unfinished = start == folder / "last.ckpt" and not (
        read_json(folder / "result.json").get("epochs") == ended and (folder / "weights.pt").is_file()
    )
    if left > 0 or (left == 0 and unfinished):
        return
    message = f"`{printable(str(start))}` has already finished {ended} of {settings.epochs} epochs"
    raise SpecError([Diagnostic("nothing-to-train", message, hint="to continue, use a larger `--epochs`")])


def _ended(
    network: nn.Module, task: Task, data: ImageData, settings: Settings, checkpoints: Checkpoints,
    notes: tuple[Diagnostic, ...],
) -> Result:  # fmt: skip
    """Put the best epoch's weights into the network, look at it once more, and write what is written at the end."""
    folder = checkpoints.best.parent
    load_weights(network, checkpoints.best)
    review = task.review(network, data, settings.batch_size, folder)
    network.to("cpu")
    save(network.state_dict(), folder / "weights.pt")
    mean, deviation = NORMALISATION[settings.channels]
    told = settings.model_dump(exclude={"channels", "size", "images", "network"})
    summary = {
        task.measure: checkpoints.score,
        **({"by_class": review.by_class} if review else {}),
        "epoch": checkpoints.epoch,
        **told,
        "input": {"channels": settings.channels, "size": settings.size, "mean": mean, "deviation": deviation},
        "images": dict(zip(("training", "validation"), settings.images, strict=True)),
    }
    write_json(folder / "result.json", summary)  # the last of all: where it is, the others are
    written = checkpoints.best, folder / "weights.pt", folder / "metrics.csv"
    return Result(checkpoints.epoch, checkpoints.score, *written, review, notes)


def _check_outputs(training: Training, data: ImageData) -> None:
    """Hold the outputs of the network, as it is in training, against the task; runs it on shapes alone."""
    channels, size = data.training.channels, data.training.size
    shapes = copy.deepcopy(training).to("meta").train()
    with torch.no_grad():
        outputs = shapes.outputs(torch.empty(2, channels, *size, device="meta"))
    weighed = {name: tuple(output.shape[1:]) for name, output in outputs.items() if training.roles[name].loss_weight}
    found = [fault for name, shape in weighed.items() if (fault := training.task.fault(name, shape))]
    if found:
        raise SpecError(found)


@contextlib.contextmanager
def _faults_reported() -> Iterator[None]:
    """Turn what goes wrong in the midst of training into :class:`SpecError`, and let Control-C be itself."""
    try:
        yield
    except UnreadableImage as error:
        said = str(error).rsplit(f"{UnreadableImage.__name__}: ", 1)[-1].strip()  # a loader's worker adds its traceback
        raise SpecError([Diagnostic("unreadable-image", said)]) from None
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    except SystemExit as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning ignores it and exits
        raise KeyboardInterrupt from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what Lightning says of hardware, workers and its own offers; errors still come through."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in QUIETED:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
