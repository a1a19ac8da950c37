"""What training leaves behind and shows as it runs: checkpoints, a row of figures for each epoch, a progress bar."""

from __future__ import annotations

import csv
import math
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer, callbacks
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from archspec.diagnostics import Fault


class MetricsFile(callbacks.Callback):
    """``metrics.csv``: a row for each epoch.  Training that is resumed keeps the rows of the epochs before it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: list[dict[str, Any]] = []
        self._began = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the rows of the epochs that are behind us."""
        self._rows = []
        if trainer.current_epoch and self.path.is_file():
            with self.path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if (row.get("epoch") or "").isdigit()]
            self._rows += [row for row in rows if int(row["epoch"]) <= trainer.current_epoch]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the epoch's clock."""
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file anew with the epoch's row.  Raises :class:`Fault` if the loss is no number any more."""
        figures = epoch_figures(trainer)
        row = {"epoch": trainer.current_epoch + 1, **{name: f"{value:.6g}" for name, value in figures.items()}}
        self._rows.append({**row, "seconds": f"{time.monotonic() - self._began:.2f}"})
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self._rows[-1]), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self._rows)
        if not math.isfinite(figures["train_loss"]):
            message = f"the loss became {figures['train_loss']} in epoch {trainer.current_epoch + 1}"
            raise Fault("diverged", message, hint="a smaller learning rate, `--lr`, may help")


class Checkpoints(callbacks.Checkpoint):
    """``last.ckpt`` after every epoch, ``best.ckpt`` after those that did better than all before.

    Files are replaced whole: a run that is killed leaves the ones before.  The folder may be moved, or another be
    chosen to go on in: the best is then judged anew when the file is not there.
    """

    def __init__(self, folder: Path, monitor: str) -> None:
        self.last = folder / "last.ckpt"
        self.best = folder / "best.ckpt"
        self.monitor = monitor
        self.score = -math.inf
        self.epoch = 0

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of this."""
        return {"score": self.score, "epoch": self.epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint, whose best epoch counts as long as its file is at hand."""
        if self.best.is_file():
            self.score, self.epoch = state_dict["score"], state_dict["epoch"]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the files."""
        score = epoch_figures(trainer)[self.monitor]
        if score > self.score:
            self.score, self.epoch = score, trainer.current_epoch + 1
            self._save(trainer, self.best)
        self._save(trainer, self.last)

    def _save(self, trainer: Trainer, path: Path) -> None:
        partial = path.with_suffix(".partial")
        trainer.save_checkpoint(partial)
        partial.replace(path)


class ProgressBar(callbacks.ProgressBar):
    """One bar over all epochs on a terminal; elsewhere a line for each epoch."""

    def __init__(self, console: Console, measure: str, title: str) -> None:
        super().__init__()
        self._console = console
        self._measure = measure
        self._title = title
        self._bar: Progress | None = None
        self._best = -math.inf

    def disable(self) -> None:
        """Lightning's way to silence all but the first process; there is one."""

    def enable(self) -> None:
        """The counterpart of :meth:`disable`."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the bar, at the step that a resumed training goes on from."""
        if not self._console.is_terminal:
            return
        batches = int(self.total_train_batches)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("steps"))
        self._bar = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=self._console)
        self._bar.add_task("", total=batches * (trainer.max_epochs or 0), completed=batches * trainer.current_epoch)
        self._bar.start()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Name the epoch."""
        if self._bar:
            self._bar.update(
                self._bar.task_ids[0], description=f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Advance by a step."""
        if self._bar:
            self._bar.advance(self._bar.task_ids[0])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the epoch's figures, marking the best so far."""
        figures = epoch_figures(trainer)
        measured = figures[f"val_{self._measure}"]
        mark = " *" if measured > self._best else ""
        self._best = max(self._best, measured)
        width = len(str(trainer.max_epochs))
        self._console.print(
            f"epoch {trainer.current_epoch + 1:{width}}/{trainer.max_epochs}  loss {figures['train_loss']:.4f}  "
            f"held-out loss {figures['val_loss']:.4f}  {self._title} {measured:.2%}{mark}",
            highlight=False,
        )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the terminal as it was."""
        self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave the terminal as it was."""
        self._stop()

    def _stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None


def epoch_figures(trainer: Trainer) -> dict[str, float]:
    """What was logged in this epoch, by name, in order."""
    return {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
