"""Tasks: the measure that is reported, the outputs that can be trained on, and the review at the end.

The loss that is minimised is the spec's: :mod:`archspec.training.losses`.

Imports torch, so only modules that run a network may import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from archspec.diagnostics import Diagnostic, printable
from archspec.records import record
from archspec.training.run_folder import whole

if TYPE_CHECKING:
    from torch import nn
    from torchmetrics import Metric

    from archspec.training.data import Data

UNLABELLED = -100
"""The target of ignored pixels if the loss names no other: torch's cross-entropy ignores it."""


@record
class OutputRole:
    """The role of an output in training: its weight in the loss, and whether it exists in training only."""

    loss_weight: float = 1.0
    training: bool = False


@record
class Review:
    """The review of the best network: a figure for each class, and a picture."""

    by_class: dict[str, float | None]
    """For segmentation.  None for classes that occur in neither the validation data nor the predictions."""
    picture: Path


class Task(Protocol):
    """What a network is trained for.  Training knows the task through this interface only."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the network's scores."""
        ...

    @property
    def measure(self) -> str:
        """The measure's name in files, such as ``accuracy``; higher is better."""
        ...

    @property
    def title(self) -> str:
        """The measure's name in words."""
        ...

    def metric(self) -> Metric:
        """A fresh metric that accumulates outputs and targets into the measure."""
        ...

    def fault(self, name: str, shape: Sequence[int]) -> Diagnostic | None:
        """Why an output of this shape, without the batch, cannot be trained on; None if it can."""
        ...

    def review(self, network: nn.Module, data: Data, batch_size: int, folder: Path) -> Review:
        """Review the best network's predictions on the validation data, and write the files to ``folder``."""
        ...


@record
class Classification:
    """One class for each image: cross-entropy, and the accuracy."""

    classes: tuple[str, ...]
    measure: str = "accuracy"
    title: str = "accuracy"

    def metric(self) -> Metric:
        """The accuracy over all images, not averaged by class."""
        from torchmetrics.classification import (
            MulticlassAccuracy,  # after Lightning: see archspec/training/lightning_library.py
        )

        return MulticlassAccuracy(len(self.classes), average="micro")

    def fault(self, name: str, shape: Sequence[int]) -> Diagnostic | None:
        """Outputs must be ``[classes]``, as many as the data has."""
        count = len(self.classes)
        if len(shape) != 1:
            message = f"output `{name}` is {list(shape)}; for {count} classes it must be [{count}]"
            return Diagnostic(
                "output-shape", message, hint="end the network with `global_avg_pool`, `flatten`, `linear`"
            )
        if shape[0] == count:
            return None
        listed = ", ".join(printable(each, 30) for each in self.classes[:5]) + (", …" if count > 5 else "")
        message = f"output `{name}` has {shape[0]} classes, but the data has {count}: {listed}"
        return Diagnostic(
            "class-count", message, hint=f"`--set classes={count}`, if the spec has a parameter `classes`"
        )

    def review(self, network: nn.Module, data: Data, batch_size: int, folder: Path) -> Review:
        """``predictions.png``."""
        from archspec.training.prediction_picture import draw_classes

        picture = folder / "predictions.png"
        with whole(picture) as file:
            draw_classes(network, data, self.classes).save(file, format="PNG")
        return Review({}, picture)


@record
class Segmentation:
    """One class for each pixel, and the mean over classes of intersection over union."""

    classes: tuple[str, ...]
    size: tuple[int, int]
    """Height and width of the network's outputs."""
    ignore: int | None = None
    """The target that the loss ignores, if the spec names one."""
    measure: str = "mean_iou"
    title: str = "mean IoU"

    @property
    def ignored(self) -> int:
        """The target of ignored pixels."""
        return UNLABELLED if self.ignore is None else self.ignore

    def named(self, classes: Sequence[str]) -> Segmentation:
        """The same task with other names for its classes."""
        return replace(self, classes=tuple(classes))

    def metric(self) -> Metric:
        """Mean IoU over the classes that are present."""
        from archspec.training.iou import MeanIoU  # after Lightning: see archspec/training/lightning_library.py

        return MeanIoU(len(self.classes), self.ignored)

    def fault(self, name: str, shape: Sequence[int]) -> Diagnostic | None:
        """Outputs must be ``[classes, height, width]``."""
        wanted = [len(self.classes), *self.size]
        if list(shape) == wanted:
            return None
        message = f"output `{name}` is {list(shape)}; for segmentation into {wanted[0]} classes it must be {wanted}"
        return Diagnostic(
            "output-shape", message, hint="`upsample: {to: image}` makes the output as large as the input"
        )

    def review(self, network: nn.Module, data: Data, batch_size: int, folder: Path) -> Review:
        """The IoU of each class, and ``predictions.png``."""
        from archspec.training.iou import MeanIoU
        from archspec.training.prediction_picture import draw, predicted

        metric = MeanIoU(len(self.classes), self.ignored)
        for images, target in data.validation_batches(batch_size):
            metric.update(predicted(network, images), target)
        picture = folder / "predictions.png"
        with whole(picture) as file:
            draw(network, data, self.classes, self.ignored, self.size).save(file, format="PNG")
        return Review(dict(zip(self.classes, metric.by_class(), strict=True)), picture)
