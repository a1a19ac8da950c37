"""Trains a compiled network with Lightning; ``archspec train`` calls this.

:func:`fit` trains a network on images and writes to its output folder

    last.ckpt     the state of training after every epoch: ``resume`` continues from it, bit for bit
    best.ckpt     the same at the epoch that did best on the images held out
    weights.pt    the network's own ``state_dict`` at that epoch
    metrics.csv   a row for each epoch
    result.json   the settings, and the best epoch's figures: written last, so if it exists the others do
    run.json      what was trained: the spec, its parameters and rewrites, the settings, the calls, the version
    spec.yaml     the spec expanded, where there is one

and, for segmentation, ``predictions.png``: the best epoch's predictions for some of the images held out.

Needs the ``train`` extra.  Imports torch and Lightning, so nothing that only reads specs may import it.
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
from archspec.training.settings import PLAIN, About, Options, Settings, changed, faults, write_record
from archspec.training.standing import SETTINGS, checked, read_own, settings_of
from archspec.training.tasks import Classification, OutputRole, Review, Task

DEFAULTS: Mapping[str, Any] = {"epochs": 20, "batch_size": 32, "lr": 1e-3, "seed": 0}
"""The settings of a training where the call gives none."""

CLIP = 1.0
"""The norm that gradients are clipped to, so that a deep network without normalisation survives its first steps."""


SMALLER = "use a smaller batch (`--batch-size`) or smaller images"

QUIETED = (
    ".*does not have many workers",  # few are meant
    ".*LeafSpec",  # Lightning's own use of what torch deprecates
)
"""Lightning's warnings that tell the user nothing useful."""


@record
class Result:
    """The result of training: the best epoch (counted from 1), its measure, and the files written."""

    epoch: int
    score: float
    """The task's measure on the validation data: accuracy, or mean IoU."""
    checkpoint: Path
    weights: Path
    metrics: Path
    review: Review | None = None
    """Figures for each class and a picture, if the task has them."""
    notes: tuple[Diagnostic, ...] = ()
    """How the weights of a file were adapted to fit."""

    @property
    def accuracy(self) -> float:
        """The score under its name in classification."""
        return self.score


def fit(
    model: nn.Module | Callable[[], nn.Module],
    data: ImageData,
    output_folder: Path | str,
    options: Options = PLAIN,
    *,
    roles: Mapping[str, OutputRole] | None = None,
    task: Task | None = None,
    loss: Loss | None = None,
    about: About | None = None,
    console: Console | None = None,
) -> Result:
    """Train a network on images and write the results to ``output_folder``.

    ``model`` is a network, which keeps its best epoch's weights; or a function that makes one, called after seeding, so
    that the seed determines the initial weights too.  ``roles`` names its outputs in their order; a network with one
    output needs none.  ``task`` is classification unless given, ``loss`` (a spec's, for one) plain cross-entropy of the
    outputs by their roles' weights.  ``about`` describes the network and the call, for the files in the folder.
    A ``console`` gets a progress bar, or a line for each epoch if it is not a terminal.

    Raises :class:`SpecError` if the data, the files or the device do not fit the network, if the folder cannot be
    written, or if another training is writing to it.
    """
    output_folder, about = Path(output_folder), about or About()
    place, start = _begins_at(options, output_folder)
    content = {} if start is None else read_own(start)
    given = options.given
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
    notes = () if options.weights is None else load_weights(network, options.weights, len(data.classes))
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
            _open(output_folder, start, options.overwrite)
            write_record(output_folder, about, settings, NORMALISATION[settings.channels])
            if left:
                validation_set = data.validation_batches(settings.batch_size)
                refused = f"{place} has too little memory for a batch of {settings.batch_size}"
                with refusals_told(refused, SMALLER):
                    trainer.fit(training, training_set, validation_set, ckpt_path=start, weights_only=True)
            else:
                checkpoints.load_state_dict(files.resumed["callbacks"][checkpoints.state_key])
            return _ended(network.to(place), task, data, settings, checkpoints, notes)


def _begins_at(options: Options, folder: Path) -> tuple[torch.device, Path | None]:
    """The device of a run, and the checkpoint it resumes from."""
    if options.weights is not None and options.resume is not False:
        message = "`--weights` starts a training and `--resume` continues one: use only one of them"
        raise SpecError([Diagnostic("conflicting-options", message)])
    place = devices.find(options.device)
    if options.resume is False:
        return place, None
    return place, folder / "last.ckpt" if options.resume is True else Path(options.resume)


def _open(folder: Path, start: Path | None, overwrite: bool) -> None:
    """Prepare the folder for a new run, or for resuming the run it has."""
    if start is not None and start.parent.resolve() == folder.resolve():
        clear_partial(folder)
    else:
        begin(folder, overwrite)


def _trainable(network: nn.Module) -> nn.Module:
    """The network; raises :class:`SpecError` if it has nothing to train."""
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
    """Lightning's trainer on one device, which writes to the folder and reports progress."""
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
    """The settings of a new run."""
    try:
        return Settings(**{**DEFAULTS, **given}, **_facts(data), network=about.network)
    except ValidationError as error:
        message = "these training settings are not valid"
        raise SpecError([Diagnostic("bad-setting", message, details=tuple(faults(error)))]) from None


def _resumed(
    data: ImageData, about: About, given: Mapping[str, Any], content: Mapping[Any, Any], start: Path
) -> Settings:
    """The settings of a checkpoint's run, if the call agrees with them; only the number of epochs may differ."""
    begun = settings_of(content, start)
    asked = {**given, **_facts(data), "epochs": begun.epochs}
    if about.network and begun.network:
        asked["network"] = about.network
    conflicts = begun.conflicts(asked)
    if conflicts:
        raise SpecError([changed(conflicts, start)])
    return begun.model_copy(update={"epochs": given.get("epochs", begun.epochs)})


def _facts(data: ImageData) -> dict[str, Any]:
    """The settings that follow from the data."""
    size = data.training.size
    return {
        "classes": tuple(data.classes),
        "channels": data.training.channels,
        "size": (size[0], size[1]),
        "images": (len(data.training), len(data.validation)),
    }


def _check_left(left: int, start: Path, folder: Path, settings: Settings) -> None:
    """Refuse to resume a run that has ended, unless its last files are still to be written."""
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
    """Load the best epoch's weights into the network, review it, and write the final files."""
    folder = checkpoints.best.parent
    load_weights(network, checkpoints.best)
    review = task.review(network, data, settings.batch_size, folder)
    network.to("cpu")
    save(network.state_dict(), folder / "weights.pt")
    mean, std = NORMALISATION[settings.channels]
    told = settings.model_dump(exclude={"channels", "size", "images", "network"})
    summary = {
        task.measure: checkpoints.score,
        **({"by_class": review.by_class} if review else {}),
        "epoch": checkpoints.epoch,
        **told,
        "input": {"channels": settings.channels, "size": settings.size, "mean": mean, "std": std},
        "images": dict(zip(("training", "validation"), settings.images, strict=True)),
    }
    write_json(folder / "result.json", summary)  # written last: if it exists, the others do
    written = checkpoints.best, folder / "weights.pt", folder / "metrics.csv"
    return Result(checkpoints.epoch, checkpoints.score, *written, review, notes)


def _check_outputs(training: Training, data: ImageData) -> None:
    """Check the outputs of the network in training mode against the task; only shapes are computed."""
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
    """Turn errors during training into :class:`SpecError`; Control-C passes through."""
    try:
        yield
    except UnreadableImage as error:
        said = str(error).rsplit(f"{UnreadableImage.__name__}: ", 1)[-1].strip()  # a worker adds its traceback
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
    """Suppress what Lightning logs about hardware, workers and its own products; errors still come through."""
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
