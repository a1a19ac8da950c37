"""Trains a compiled network with Lightning; ``archspec train`` and ``archspec.fit`` call this.

:func:`fit` trains a network on images and writes to its output folder

    last.ckpt        the state of training after every epoch: ``resume`` continues from it, bit for bit
    best.ckpt        the same at the epoch that did best on the images held out
    weights.pt       the network's own ``state_dict`` at that epoch
    metrics.csv      a row for each epoch
    curves.png       its losses and measures over the epochs
    predictions.png  the best epoch's predictions for some of the images held out
    result.json      the settings, and the best epoch's figures: written last, so if it exists the others do
    run.json         what was trained: the spec, its parameters and rewrites, the settings, the calls, the version
    spec.yaml        the spec expanded, where there is one

Where several processes train, the first writes; all of them end with the best weights.

Needs the ``train`` extra.  Imports torch and Lightning, so nothing that only reads specs may import it.
"""

from __future__ import annotations

import contextlib
import copy
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor, nn

from archspec.diagnostics import Diagnostic, Fault, SpecError
from archspec.records import record
from archspec.running.room import refusals_told
from archspec.running.weights import load_weights
from archspec.training.augmentation import mixture
from archspec.training.batches import Batches, Share
from archspec.training.curves import write_curves
from archspec.training.data import Data
from archspec.training.given import orders
from archspec.training.log import CheckpointFiles, Checkpoints, MetricsFile, ProgressBar, save
from archspec.training.losses import Loss
from archspec.training.machine import ONE, Machine
from archspec.training.module import Training
from archspec.training.paths import spread, unknown
from archspec.training.pictures import UnreadableImage
from archspec.training.run_folder import alone, write_json
from archspec.training.settings import PLAIN, About, Options, Settings, write_record
from archspec.training.standing import SETTINGS, checked, read_own, refused
from archspec.training.start import begins_at, check_left, epochs_left, prepare_folder, resumed, settings_of_new
from archspec.training.start_weights import start_from
from archspec.training.tasks import Classification, OutputRole, Review, Segmentation, Task
from archspec.training.trainer import quiet, trainer

SMALLER = "use a smaller batch (`--batch-size`), smaller images, or take each batch in portions (`--accumulate`)"

GONE = ("Connection closed by peer", "Connection reset by peer", "Socket closed", "gloo", "NCCL", "ProcessGroup")
"""What torch's errors speak of when another process has ended."""


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
    data: Data,
    output_folder: Path | str,
    options: Options = PLAIN,
    *,
    roles: Mapping[str, OutputRole] | None = None,
    task: Task | None = None,
    loss: Loss | None = None,
    about: About | None = None,
    refusals: Callable[[int], list[Diagnostic]] = lambda batch: [],
    console: Console | None = None,
) -> Result:
    """Train a network on images and write the results to ``output_folder``.

    ``model`` is a network, which keeps its best epoch's weights; or a function that makes one, called after seeding, so
    that the seed determines the initial weights too.  ``roles`` names its outputs in their order; a network with one
    output needs none.  ``task`` is classification unless given, ``loss`` (a spec's, for one) plain cross-entropy of the
    outputs by their roles' weights.  ``about`` describes the network and the call, for the files in the folder.
    ``refusals`` tells why the network cannot be trained on so many images at once, if torch refuses it.
    A ``console`` gets a progress bar, or a line for each epoch if it is not a terminal.

    Raises :class:`SpecError` if the data, the files or the device do not fit the network, if the folder cannot be
    written, or if another training is writing to it.
    """
    output_folder, about, machine = Path(output_folder), about or About(), options.machine
    place, start = begins_at(options, output_folder)
    content = {} if start is None else read_own(start)
    given = options.given
    settings = settings_of_new(data, about, given) if start is None else resumed(data, about, given, content, start)
    _check_shares(settings, machine, data)
    torch.manual_seed(settings.seed)
    network = _trainable(model if isinstance(model, nn.Module) else model())
    task = task or Classification(data.classes)
    steps = data.steps(settings.batch_size, machine.accumulate)
    training = Training(network, task, roles or {"output": OutputRole()}, settings, steps, loss)
    training.kept = {SETTINGS: settings.plain}
    _check_outputs(training, data, refusals)
    notes = () if options.weights is None else start_from(network, str(options.weights), data)
    _prepare(training, data, machine, start)
    if data.ours and _fewest(settings, machine, data) == 1:
        _outputs(training, data, 1, refusals)
    checkpoints, files = Checkpoints(output_folder, f"val_{task.measure}"), CheckpointFiles()
    metrics = MetricsFile(output_folder / "metrics.csv")
    watching = [metrics, checkpoints]
    if console:
        watching.append(ProgressBar(console, task.measure, task.title, checkpoints, data.images[0]))
    with quiet():
        engine = trainer(
            place, settings, machine, output_folder, watching, files, monitor=checkpoints.monitor,
            progress=console is not None, names=options.loggers, ours=data.ours, unused=_unused(training),
        )  # fmt: skip
        training.share = Share(engine.global_rank, engine.world_size, machine.accumulate)
        first = engine.is_global_zero
        left = settings.epochs
        if start is not None:
            files.resumed = checked(content, start, training, engine, steps)
            left = epochs_left(files.resumed, engine, settings)
            check_left(left, files.resumed["epoch"] + 1, start, output_folder, settings)
        with (
            alone(output_folder) if first else contextlib.nullcontext(),
            _faults_reported(data, training.share, refusals),
        ):
            if first:
                prepare_folder(output_folder, start, options.overwrite)
                write_record(output_folder, about, settings, data.normalisation)
            if left:
                refusal = f"{place} has too little memory for a batch of {settings.batch_size}"
                with refusals_told(refusal, SMALLER):
                    training.loaders = _loaders(training, data)
                    engine.fit(training, ckpt_path=start, weights_only=True)
            else:
                checkpoints.load_state_dict(files.resumed["callbacks"][checkpoints.state_key])
            return _ended(network.to(place), task, data, settings, checkpoints, notes, first)


def _loaders(training: Training, data: Data) -> tuple[Any, Any]:
    """The batches to train on and those held out, this process's part of them."""
    settings, share = training.recipe, training.share
    learnt = data.training_batches(
        settings.batch_size, settings.seed, share, settings.augment, settings.balance == "sampling"
    )
    if data.ours and isinstance(learnt.batch_sampler, Batches):
        training.batches = learnt.batch_sampler
    elif not data.ours:
        training.orders = orders(learnt)
    return learnt, data.validation_batches(settings.batch_size, share)


def _check_shares(settings: Settings, machine: Machine, data: Data) -> None:
    """Refuse steps that have too few images for all devices and portions."""
    parts = machine.local * machine.nodes * machine.accumulate
    if data.ours and parts > 1 and not _fewest(settings, machine, data):
        fewest = _fewest(settings, ONE, data)
        message = f"a step of {fewest} images cannot be shared out among {parts} parts"
        hint = "use a larger `--batch-size`, fewer `--devices` or a smaller `--accumulate`"
        raise SpecError([Diagnostic("bad-setting", message, hint=hint)])
    if machine.local * machine.nodes > settings.images[1]:
        message = f"{machine.local * machine.nodes} devices are more than the {settings.images[1]} images held out"
        raise SpecError([Diagnostic("bad-setting", message)])


def _fewest(settings: Settings, machine: Machine, data: Data) -> int:
    """The fewest images that the network is given at once."""
    step = min(settings.batch_size, settings.images[0] // max(1, data.steps(settings.batch_size, 1)))
    return step // (machine.local * machine.nodes * machine.accumulate)


def _prepare(training: Training, data: Data, machine: Machine, start: Path | None) -> None:
    """Apply the recipe to the network and the loss: what is frozen, balance, mixtures; then layout and compilation."""
    recipe, names = training.recipe, [name for name, _ in training.model.named_parameters()]
    wrong = unknown("freeze", recipe.freeze, names) + unknown("layer_lr", recipe.layer_lr, names)
    if wrong and start is not None:
        raise refused(start, [each.message for each in wrong])
    if recipe.mix is not None and isinstance(training.task, Segmentation):
        message = "`mix` is for images with one class each; a mask has no share of a class"
        wrong.append(Diagnostic("bad-setting", message))
    if recipe.border is not None and not isinstance(training.task, Segmentation):
        message = "`border` weighs the pixels of masks; images with one class each have none"
        wrong.append(Diagnostic("bad-setting", message))
    if wrong:
        raise SpecError(wrong)
    training.hold(tuple(spread(recipe.freeze)))
    if not any(parameter.requires_grad for parameter in training.model.parameters()):
        raise SpecError([Diagnostic("nothing-to-train", "`freeze` leaves nothing to train")])
    if recipe.mix is not None:
        training.mixture = mixture(recipe.mix, len(data.classes))
    if recipe.border is not None:
        training.criterion.border = (recipe.border.weight, recipe.border.sigma)
    if recipe.balance == "loss":
        _balance(training, data)
    if machine.channels_last:
        training.channels_last = True
        training.model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    if machine.compile:
        training.through = torch.compile(training.through)


def _balance(training: Training, data: Data) -> None:
    """Weigh each class in the loss by one over how often it occurs; the weights of all that occur are 1 on average."""
    if training.criterion.weights is not None:
        message = "`balance: loss` would take the place of the weights in the spec's loss"
        raise SpecError([Diagnostic("conflicting-options", message, hint="leave one of them out")])
    counts = data.counts()
    if counts is None:
        message = "`balance: loss` needs to count the classes, which a DataLoader of your own does not tell"
        raise SpecError([Diagnostic("bad-setting", message, hint="put `weights` into the spec's loss")])
    there = [1 / count for count in counts if count]
    scale = len(there) / sum(there)
    training.criterion.weights = torch.tensor([scale / count if count else 0.0 for count in counts])


def _unused(training: Training) -> bool:
    """Whether some weights get no gradient: those that only outputs without a weight in the loss need."""
    return any(not weight for weight in training.criterion.outputs.values())


def _trainable(network: nn.Module) -> nn.Module:
    """The network; raises :class:`SpecError` if it has nothing to train."""
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise SpecError([Diagnostic("nothing-to-train", "the network has no parameters")])
    return network


def _ended(
    network: nn.Module, task: Task, data: Data, settings: Settings, checkpoints: Checkpoints,
    notes: tuple[Diagnostic, ...], first: bool,
) -> Result:  # fmt: skip
    """Load the best epoch's weights into the network, review it, and write the final files in the first process."""
    folder = checkpoints.best.parent
    load_weights(network, checkpoints.best)
    written = checkpoints.best, folder / "weights.pt", folder / "metrics.csv"
    if not first:
        return Result(checkpoints.epoch, checkpoints.score, *written, None, notes)
    write_curves(folder / "metrics.csv", folder / "curves.png", task.measure, task.title)
    review = task.review(network, data, settings.batch_size, folder)
    network.to("cpu")
    save(network.state_dict(), folder / "weights.pt")
    mean, std = data.normalisation or (None, None)
    told = {key: value for key, value in settings.plain.items() if key not in ("channels", "size", "images", "network")}
    summary = {
        task.measure: checkpoints.score,
        **({"by_class": review.by_class} if review.by_class else {}),
        "epoch": checkpoints.epoch,
        **told,
        "input": {"channels": settings.channels, "size": settings.size, "mean": mean, "std": std},
        "images": dict(zip(("training", "validation"), settings.images, strict=True)),
    }
    write_json(folder / "result.json", summary)  # written last: if it exists, the others do
    return Result(checkpoints.epoch, checkpoints.score, *written, review, notes)


def _check_outputs(training: Training, data: Data, refusals: Callable[[int], list[Diagnostic]]) -> None:
    """Check the outputs of the network in training mode against the task."""
    outputs = _outputs(training, data, 2, refusals)
    weighed = {name: tuple(output.shape[1:]) for name, output in outputs.items() if training.roles[name].loss_weight}
    found = [fault for name, shape in weighed.items() if (fault := training.task.fault(name, shape))]
    if found:
        raise SpecError(found)


def _outputs(
    training: Training, data: Data, batch: int, refusals: Callable[[int], list[Diagnostic]]
) -> dict[str, Tensor]:
    """The outputs in training mode on so many images; only shapes are computed.

    Raises :class:`SpecError` if torch refuses the run and it is told why.
    """
    shapes = copy.deepcopy(training).to("meta").train()
    try:
        with torch.no_grad():
            return shapes.outputs(torch.empty(batch, data.channels, *data.size, device="meta"))
    except (RuntimeError, ValueError):
        if found := refusals(batch):
            raise SpecError(found) from None
        raise


@contextlib.contextmanager
def _faults_reported(data: Data, share: Share, refusals: Callable[[int], list[Diagnostic]]) -> Iterator[None]:
    """Turn errors during training into :class:`SpecError`; Control-C passes through."""
    try:
        yield
    except UnreadableImage as error:
        said = str(error).rsplit(f"{UnreadableImage.__name__}: ", 1)[-1].strip()  # a worker adds its traceback
        raise SpecError(data.faults() or [Diagnostic("unreadable-image", said)]) from None
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    except ValueError:
        if data.ours or not (found := refusals(1)):  # the last batch of a user's loader may be a single image
            raise
        raise SpecError(found) from None
    except RuntimeError as error:
        if share.world == 1 or not any(each in str(error) for each in GONE):
            raise
        message = f"process {share.rank} of {share.world} has lost another: it was killed, or has failed"
        hint = "`--resume` continues after the last whole epoch"
        raise SpecError([Diagnostic("peer-lost", message, hint=hint)]) from None
    except SystemExit as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning ignores it and exits
        raise KeyboardInterrupt from None
