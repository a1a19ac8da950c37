"""A compiled network, trained by Lightning: what ``archspec train`` calls.

:func:`fit` puts a network and images together, and leaves in its output folder

    last.ckpt     where training stands, after every epoch: what ``resume`` goes on from, to the same bits
    best.ckpt     the same, at the epoch that did best on the images held out
    weights.pt    the network's own ``state_dict`` at that epoch
    metrics.csv   a row for each epoch
    result.json   the settings, and the best epoch's figures

and, where pixels are told apart, ``predictions.png``, what the best epoch's network says of some images held out.

Needs the ``train`` extra.  Imports torch and Lightning; nothing that only reads specs may import it.
"""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import math
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor, nn

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.records import record
from archspec.running import devices
from archspec.running.checkpoint_files import read_checkpoint
from archspec.running.room import refusals_told
from archspec.running.weights import check_weights, load_weights, network_weights, shapes
from archspec.training.images import NORMALISATION, ImageData, UnreadableImage, mixed
from archspec.training.losses import Loss
from archspec.training.tasks import Classification, OutputRole, Review, Task

try:  # Lightning imports torchvision where there is one, and one that was built for another torch fails to import
    import torchvision  # noqa: F401
except ImportError:
    pass
except RuntimeError:
    torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torch.library.define("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import lightning.pytorch as lightning
from lightning.fabric.plugins.environments.lightning import LightningEnvironment

from archspec.training.log import Checkpoints, MetricsFile, ProgressBar

WEIGHT_DECAY = 1e-2
WARM_UP = 0.1
"""The part of all steps in which the learning rate rises to its peak; a half cosine takes it down to nothing."""

CLIP = 1.0
"""The norm that gradients are clipped to: a deep network without normalisation survives its first steps."""


SMALLER = "try a smaller batch, `--batch-size`, or smaller images"

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


class Training(lightning.LightningModule):
    """A network in training: the loss over its outputs, AdamW, a warm-up and a cosine."""

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        roles: Mapping[str, OutputRole],
        lr: float,
        steps: int,
        seed: int,
        loss: Loss | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.task = task
        self.roles = dict(roles)
        self.criterion = loss or Loss({name: role.loss_weight for name, role in roles.items()})
        self.lr = lr
        self.steps = steps
        self.seed = seed
        self.main = next(name for name, role in self.roles.items() if not role.training)
        self.training_metric = task.metric()
        self.validation_metric = task.metric()

    def outputs(self, inputs: Tensor) -> dict[str, Tensor]:
        """The network's live outputs by name, whether it gives one tensor or a NamedTuple."""
        given = self.model(inputs)
        if isinstance(given, Tensor):
            return {self.main: given}
        return {name: output for name, output in zip(self.roles, given, strict=True) if output is not None}

    def loss(self, outputs: Mapping[str, Tensor], target: Tensor) -> Tensor:
        """The spec's loss of what the network gave."""
        if len(outputs) == 1:
            return self.criterion(*outputs.values(), target)
        return self.criterion(tuple(outputs.get(name) for name in self.roles), target)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Let a step's random numbers depend on seed and step alone: resuming then changes no bit."""
        torch.manual_seed(mixed(self.seed, self.global_step))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        inputs, target = batch
        outputs = self.outputs(inputs)
        loss = self.loss(outputs, target)
        self.training_metric(outputs[self.main], target)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(target))
        self.log(f"train_{self.task.measure}", self.training_metric, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        inputs, target = batch
        output = self.outputs(inputs)[self.main]
        self.validation_metric(output, target)
        self.log("val_loss", self.criterion.one(output, target), on_epoch=True, batch_size=len(target))
        self.log(f"val_{self.task.measure}", self.validation_metric, on_epoch=True)

    def configure_optimizers(self) -> Any:
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        groups = [
            {"params": [each for each in trained if each.ndim > 1], "weight_decay": WEIGHT_DECAY},
            {"params": [each for each in trained if each.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=self.lr)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, self.steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def rate(step: int, steps: int) -> float:
    """The learning rate at ``step`` of ``steps``, as a part of its peak."""
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, steps - warm_up))))


def fit(
    model: nn.Module | Callable[[], nn.Module],
    data: ImageData,
    output_folder: Path | str,
    *,
    roles: Mapping[str, OutputRole] | None = None,
    task: Task | None = None,
    loss: Loss | None = None,
    epochs: int = 20,
    batch_size: int = 32,
    lr: float = 1e-3,
    seed: int = 0,
    device: str = "auto",
    weights: Path | str | None = None,
    resume: Path | str | bool = False,
    console: Console | None = None,
) -> Result:
    """Train a network on images and write what comes of it to ``output_folder``.

    ``model`` is a network, left with its best epoch's weights; or a function that makes one, called after seeding, so
    that the seed decides the initial weights too.  ``roles`` names its outputs in their order; a network with one
    output needs none.  ``task`` is classification unless given, ``loss`` (a spec's, for one) plain cross-entropy of the
    outputs by their roles' weights.  ``weights`` is loaded before training.  ``resume`` goes on from a checkpoint, or,
    when True, from ``last.ckpt`` in the output folder, with the learning rate that it was begun with.  A ``console``
    gets a progress bar, or a line for each epoch when it is no terminal.

    Raises :class:`SpecError` where the data, the files or the device do not fit the network.
    """
    output_folder = Path(output_folder)
    if weights is not None and resume is not False:
        message = "`--weights` begins a training, `--resume` goes on with one: only one of them can be"
        raise SpecError([Diagnostic("conflicting-options", message)])
    place = devices.find(device)
    torch.manual_seed(seed)
    network = model if isinstance(model, nn.Module) else model()
    task = task or Classification(data.classes)
    roles = roles or {"output": OutputRole()}
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise SpecError([Diagnostic("nothing-to-train", "the network has no parameters")])
    training_set = data.training_batches(batch_size, seed)
    training = Training(network, task, roles, lr, epochs * len(training_set), seed, loss)
    _check_outputs(training, data)
    notes = () if weights is None else load_weights(network, weights)
    start = _resumable(training, output_folder, resume, epochs)
    try:
        output_folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot write to `{printable(str(output_folder))}`: {error.strerror}"
        raise SpecError([Diagnostic("output-folder", message)]) from None
    checkpoints = Checkpoints(output_folder, f"val_{task.measure}")
    metrics = MetricsFile(output_folder / "metrics.csv")
    with _quiet():
        trainer = lightning.Trainer(
            accelerator=place.type,
            devices=[place.index] if place.index is not None else 1,
            max_epochs=epochs,
            callbacks=[metrics, checkpoints, *([ProgressBar(console, task.measure, task.title)] if console else [])],
            default_root_dir=output_folder,
            gradient_clip_val=CLIP,
            logger=False,
            enable_progress_bar=console is not None,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            plugins=[LightningEnvironment()],
        )
        validation_set = data.validation_batches(batch_size)
        with _faults_reported(), refusals_told(f"{place} has too little memory for a batch of {batch_size}", SMALLER):
            trainer.fit(training, training_set, validation_set, ckpt_path=start, weights_only=True)
    load_weights(network, checkpoints.best)
    torch.save(network.state_dict(), output_folder / "weights.pt")
    review = task.review(network.to(place), data, batch_size, output_folder)
    network.to("cpu")
    written = checkpoints.best, output_folder / "weights.pt", metrics.path
    result = Result(checkpoints.epoch, checkpoints.score, *written, review, notes)
    mean, deviation = NORMALISATION[data.training.channels]
    summary = {
        task.measure: result.score,
        **({"by_class": review.by_class} if review else {}),
        "epoch": result.epoch,
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        "classes": data.classes,
        "input": {"channels": data.training.channels, "size": data.training.size, "mean": mean, "deviation": deviation},
        "images": {"training": len(data.training), "validation": len(data.validation)},
    }
    (output_folder / "result.json").write_text(
        json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return result


def _check_outputs(training: Training, data: ImageData) -> None:
    """Hold the outputs of the network, as it is in training, against the task; runs it on shapes alone."""
    channels, size = data.training.channels, data.training.size
    shapes = copy.deepcopy(training).to("meta").train()
    with torch.no_grad():
        outputs = shapes.outputs(torch.empty(2, channels, *size, device="meta"))
    weighed = {name: tuple(output.shape[1:]) for name, output in outputs.items() if training.roles[name].loss_weight}
    faults = [fault for name, shape in weighed.items() if (fault := training.task.fault(name, shape))]
    if faults:
        raise SpecError(faults)


def _resumable(training: Training, folder: Path, resume: Path | str | bool, epochs: int) -> Path | None:
    """The checkpoint to go on from, checked: it is one of ours, of this network, and not at its end yet."""
    if resume is False:
        return None
    path = folder / "last.ckpt" if resume is True else Path(resume)
    content = read_checkpoint(path)
    if "epoch" not in content or "state_dict" not in content:
        message = f"`{printable(str(path))}` holds weights, but not where training stands"
        raise SpecError([Diagnostic("unreadable-weights", message, hint="`--weights` starts from weights alone")])
    wanted = shapes(training.model)
    check_weights(network_weights(content, wanted, path).state, wanted, path)
    if content["epoch"] + 1 >= epochs:
        message = f"`{printable(str(path))}` has had {content['epoch'] + 1} epochs of {epochs} already"
        raise SpecError([Diagnostic("nothing-to-train", message, hint="more epochs, `--epochs`, go on from there")])
    return path


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
