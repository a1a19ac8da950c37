"""Lightning callbacks: checkpoints, a row of figures for each epoch, a progress bar.

Each does what Lightning's own does not.  Its CSVLogger empties the table of a run that is resumed, and writes into the
file that is read; its ModelCheckpoint keeps absolute paths, and forgets the best epoch of a folder that was moved; its
bars show the time left of an epoch, not of the training.
"""

from __future__ import annotations

import csv
import io
import math
import re
import sys
import time
from pathlib import Path
from typing import Any

try:
    import resource
except ImportError:  # Windows
    resource = None

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from archspec.diagnostics import Fault
from archspec.training.lightning_library import CheckpointIO, callbacks, lightning
from archspec.training.run_folder import whole


class MetricsFile(callbacks.Callback):
    """``metrics.csv``: a row for each epoch.  A resumed training keeps the rows of the earlier epochs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: list[dict[str, Any]] = []
        self._began = 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Keep the rows of the epochs already done."""
        self._rows = []
        if trainer.current_epoch and trainer.is_global_zero:
            self._rows = [row for row in self._read() if int(row["epoch"]) <= trainer.current_epoch]

    def _read(self) -> list[dict[str, Any]]:
        """The rows of an existing file; none if it is not such a table."""
        if not self.path.is_file():
            return []
        try:
            with self.path.open(encoding="utf-8", newline="") as file:
                return [row for row in csv.DictReader(file) if re.fullmatch("[0-9]{1,9}", row.get("epoch") or "")]
        except (csv.Error, UnicodeDecodeError):
            return []

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the epoch's clock."""
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Rewrite the file with the epoch's row.  Raises :class:`Fault` if the loss is not finite."""
        figures = epoch_figures(trainer)
        if trainer.is_global_zero:
            self._write(trainer.current_epoch, figures)
        if not math.isfinite(figures["train_loss"]):
            message = f"the loss became {figures['train_loss']} in epoch {trainer.current_epoch + 1}"
            raise Fault("diverged", message, hint="try a smaller learning rate (`--lr`)")

    def _write(self, epoch: int, figures: dict[str, float]) -> None:
        row = {"epoch": epoch + 1, **{name: f"{value:.6g}" for name, value in figures.items()}}
        self._rows.append({**row, "seconds": f"{time.monotonic() - self._began:.2f}"})
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, list(self._rows[-1]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self._rows)
        with whole(self.path) as file:
            file.write(table.getvalue().encode())


class Checkpoints(callbacks.Checkpoint):
    """Writes ``last.ckpt`` after every epoch, ``best.ckpt`` after each epoch that beats all before.

    Files are replaced whole: a run that is killed leaves the previous ones.  The folder may be moved, and a run may be
    resumed into another folder: if ``best.ckpt`` is not there, the best epoch is determined anew.
    """

    def __init__(self, folder: Path, monitor: str) -> None:
        self.last = folder / "last.ckpt"
        self.best = folder / "best.ckpt"
        self.monitor = monitor
        self.score = -math.inf
        self.epoch = 0

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback."""
        return {"score": self.score, "epoch": self.epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Resume from a checkpoint; its best epoch counts if ``best.ckpt`` exists."""
        if self.best.is_file():
            self.score, self.epoch = state_dict["score"], state_dict["epoch"]

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write the files."""
        score = epoch_figures(trainer)[self.monitor]
        if score > self.score:
            self.score, self.epoch = score, trainer.current_epoch + 1
            trainer.save_checkpoint(self.best)
        trainer.save_checkpoint(self.last)


class CheckpointFiles(CheckpointIO):
    """Lightning's reading and writing of checkpoints: each is written whole or not at all."""

    def __init__(self) -> None:
        self.resumed: dict[str, Any] = {}
        """The checkpoint to load: it is already checked, and not read a second time."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a file."""
        save(checkpoint, Path(path))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """The checked checkpoint."""
        return self.resumed

    def remove_checkpoint(self, path: str | Path) -> None:
        """Lightning's hook to delete a checkpoint; nothing here uses it."""


def save(content: Any, path: Path) -> None:
    """Write a file in torch's format.  It is made in memory first: on a full disk torch's own error is misleading."""
    made = io.BytesIO()
    torch.save(content, made)
    with whole(path) as file:
        file.write(made.getbuffer())


class ProgressBar(callbacks.ProgressBar):
    """One bar over all epochs on a terminal; elsewhere a line for each epoch.

    Both show images per second, of training alone, and the largest memory: the device's, or the process's on a CPU.
    """

    def __init__(self, console: Console, measure: str, title: str, checkpoints: Checkpoints, images: int) -> None:
        super().__init__()
        self._console = console
        self._measure = measure
        self._title = title
        self._checkpoints = checkpoints
        self._images = images
        self._speaks = True
        self._bar: Progress | None = None
        self._spent = 0.0
        self._batches = 0
        self._began = 0.0

    def disable(self) -> None:
        """Lightning's hook to silence all processes but the first."""
        self._speaks = False

    def enable(self) -> None:
        """The counterpart of :meth:`disable`."""
        self._speaks = True

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Show the bar; a resumed training starts at its step."""
        if not self._console.is_terminal or not self._speaks:
            return
        batches = int(self.total_train_batches)
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("steps"),
            TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[speed]}"),
        )  # fmt: skip
        self._bar = Progress(*columns, console=self._console)
        total, done = batches * (trainer.max_epochs or 0), batches * trainer.current_epoch
        self._bar.add_task("", total=total, completed=done, speed="")
        self._bar.start()

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Name the epoch."""
        self._spent, self._batches = 0.0, 0
        self._began = time.monotonic()
        if self._bar:
            described = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            self._bar.update(self._bar.task_ids[0], description=described)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Advance by a step."""
        self._spent, self._batches = time.monotonic() - self._began, self._batches + 1
        if self._bar:
            self._bar.update(self._bar.task_ids[0], advance=1, speed=self._speed(pl_module.device))

    def _speed(self, device: torch.device) -> str:
        """Images per second and the largest memory so far, in words."""
        share = self._batches / max(1, int(self.total_train_batches))
        return f"{self._images * share / max(self._spent, 1e-9):,.0f} images/s  {used(device) / 1e9:.1f} GB"

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Print the epoch's figures, marking the best so far."""
        figures = epoch_figures(trainer)
        if not self._speaks:
            return
        measured = figures[f"val_{self._measure}"]
        mark = " *" if measured > self._checkpoints.score else ""  # checkpoints are updated last
        width = len(str(trainer.max_epochs))
        self._console.print(
            f"epoch {trainer.current_epoch + 1:{width}}/{trainer.max_epochs}  loss {figures['train_loss']:.4f}  "
            f"held-out loss {figures['val_loss']:.4f}  {self._title} {measured:.2%}  {self._speed(pl_module.device)}"
            f"{mark}",
            highlight=False,
            soft_wrap=True,
        )

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Leave the terminal as it was."""
        self._stop()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Leave the terminal as it was."""
        self._stop()

    def _stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None


def used(device: torch.device) -> int:
    """The most memory in bytes that has been in use: of a CUDA device by torch, else of the whole process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if resource is None:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def epoch_figures(trainer: lightning.Trainer) -> dict[str, float]:
    """What was logged in this epoch, by name, in order."""
    return {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
