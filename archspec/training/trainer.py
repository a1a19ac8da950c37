"""Lightning's trainer for a recipe and a machine: devices, strategy, precision, callbacks, loggers.

Imports torch and Lightning.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.training.lightning_library import LightningEnvironment, callbacks, lightning, loggers
from archspec.training.log import CheckpointFiles
from archspec.training.machine import Machine
from archspec.training.recipe import Recipe

QUIETED = (
    ".*does not have many workers",  # few are meant
    ".*LeafSpec",  # Lightning's own use of what torch deprecates
    ".*sync_dist",  # a figure that is the same in all processes
    ".*log_every_n_steps",  # figures are those of epochs
)
"""Lightning's warnings that tell the user nothing useful."""

PRECISIONS = {"32": "32-true", "bf16-mixed": "bf16-mixed", "16-mixed": "16-mixed"}

LOGGERS: Mapping[str, tuple[str, str]] = {
    "tensorboard": ("TensorBoardLogger", "tensorboard"),
    "wandb": ("WandbLogger", "wandb"),
    "mlflow": ("MLFlowLogger", "mlflow"),
}
"""Lightning's loggers by name, and the package that each needs.  ``csv`` is ``metrics.csv``, which every run has."""


class EarlyStop(callbacks.EarlyStopping):
    """Lightning's, whose state in a checkpoint is only what changes; the rest is the recipe's."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"wait_count": self.wait_count, "best_score": self.best_score.cpu()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self.wait_count, self.best_score = state_dict["wait_count"], state_dict["best_score"]


def trainer(
    place: torch.device,
    recipe: Recipe,
    machine: Machine,
    folder: Path,
    watching: list[callbacks.Callback],
    files: CheckpointFiles,
    *,
    monitor: str,
    progress: bool = False,
    names: tuple[str, ...] = (),
    ours: bool = True,
    unused: bool = False,
) -> lightning.Trainer:
    """A trainer that writes to the folder; ``monitor`` is the figure that tells how good an epoch is.

    ``ours`` says that the batches are ours and already shared out, ``unused`` that some weights get no gradient.
    Raises :class:`SpecError` if this machine cannot do what is asked for.
    """
    check(place, machine)
    extra: list[callbacks.Callback] = []
    if recipe.ema is not None:
        extra.append(callbacks.EMAWeightAveraging(decay=recipe.ema))
    if recipe.early_stop is not None:
        extra.append(EarlyStop(monitor, mode="max", patience=recipe.early_stop, verbose=False, check_finite=False))
    plugins: list[Any] = [files]
    if machine.alone:  # in an allocation of SLURM's too, one device is one process
        plugins.append(LightningEnvironment())
    strategy = machine.strategy
    if strategy == "auto" and not machine.alone:
        strategy = "ddp"
    if strategy == "ddp" and unused:
        strategy = "ddp_find_unused_parameters_true"
    devices: Any = machine.local
    if machine.alone and place.index is not None:
        devices = [place.index]
    return lightning.Trainer(
        accelerator=place.type,
        devices=devices,
        num_nodes=machine.nodes,
        strategy=strategy,
        precision=PRECISIONS[machine.precision],  # pyright: ignore[reportArgumentType]
        accumulate_grad_batches=machine.accumulate,
        sync_batchnorm=machine.sync_batch_norm,
        max_epochs=recipe.epochs,
        callbacks=[*extra, *watching],
        default_root_dir=folder,
        gradient_clip_val=recipe.clip or None,
        logger=made(names, folder),
        enable_progress_bar=progress,
        enable_model_summary=False,
        enable_checkpointing=False if not any(isinstance(each, callbacks.Checkpoint) for each in watching) else None,
        num_sanity_val_steps=0,
        use_distributed_sampler=not ours,
        plugins=plugins,
    )


def check(place: torch.device, machine: Machine) -> None:
    """Raise :class:`SpecError` with everything that this machine cannot do."""
    wrong: list[Diagnostic] = []
    cuda = place.type == "cuda"
    if machine.strategy == "fsdp" and not cuda:
        hint = "`--strategy ddp` shares the images out, each process with all weights"
        wrong.append(
            Diagnostic("no-device", "`--strategy fsdp` needs CUDA devices: Lightning has it for no other", hint=hint)
        )
    if machine.precision == "16-mixed" and not cuda:
        hint = "`--precision bf16-mixed` runs on a CPU too"
        wrong.append(Diagnostic("no-device", "`--precision 16-mixed` needs a CUDA device", hint=hint))
    if machine.sync_batch_norm and not cuda:
        wrong.append(Diagnostic("no-device", "`--sync-batch-norm` needs CUDA devices: torch has it for no other"))
    found = torch.cuda.device_count()
    if cuda and machine.local > found:
        message = f"`--devices {machine.local}`: torch finds {found} CUDA device{'' if found == 1 else 's'}"
        wrong.append(Diagnostic("no-device", message))
    if cuda and place.index and machine.local > 1:
        hint = "CUDA_VISIBLE_DEVICES chooses among several"
        message = f"`--device {place}` names one device and `--devices {machine.local}` asks for several"
        wrong.append(Diagnostic("conflicting-options", message, hint=hint))
    if wrong:
        raise SpecError(wrong)


def made(names: tuple[str, ...], folder: Path) -> Any:
    """Lightning's loggers of these names, or False for none.

    Raises :class:`SpecError` for a name that there is not, or a package that is missing.
    """
    wrong: list[Diagnostic] = []
    found: list[Any] = []
    for name in dict.fromkeys(names):
        if name == "csv":
            continue
        if name not in LOGGERS:
            message = f"`{printable(name, 40)}` is not a logger"
            wrong.append(Diagnostic("bad-setting", message, hint=f"one of csv, {', '.join(LOGGERS)}"))
            continue
        kind, package = LOGGERS[name]
        if not _there(package):
            hint = f"pip install {package}, or pip install 'archspec-nn[loggers]'"
            wrong.append(Diagnostic("no-package", f"`--logger {name}` needs the package {package}", hint=hint))
            continue
        found.append(_logger(name, kind, folder))
    if wrong:
        raise SpecError(wrong)
    return found or False


def _there(package: str) -> bool:
    """Whether a logger's package is installed; TensorBoard's files are also written by tensorboardX."""
    names = ("tensorboard", "tensorboardX") if package == "tensorboard" else (package,)
    return any(importlib.util.find_spec(name) is not None for name in names)


def _logger(name: str, kind: str, folder: Path) -> Any:
    """One of Lightning's loggers, which writes below the run's folder.

    mlflow keeps its records in a database, since it no longer writes folders; its own variable names a server instead.
    """
    place = getattr(loggers, kind)
    if name == "tensorboard":
        return place(save_dir=folder, name=None, version="tensorboard")
    if name == "wandb":
        return place(save_dir=folder, name=folder.resolve().name, project="archspec")
    address = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.resolve() / 'mlflow.db'}"
    return place(experiment_name="archspec", run_name=folder.resolve().name, tracking_uri=address)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress what Lightning logs about hardware, workers and its own products; errors still come through."""
    found = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in found]
    for logger in found:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in QUIETED:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        for logger, level in zip(found, levels, strict=True):
            logger.setLevel(level)
