"""A network judged on labelled images: top-1 and top-5, each class, the confusion matrix, mean IoU.

The measures are torchmetrics'.  A folder has a subfolder for each class, or `images` and `masks`; of a folder with a
split, the part held out is judged.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archspec.diagnostics import Diagnostic, Diagnostics, Fault, SpecError, did_you_mean, printable
from archspec.records import record
from archspec.running.torchvision_library import torchvision
from archspec.syntax import is_folder
from archspec.trained.network import Network
from archspec.training.images import VALIDATION_NAMES, image_files
from archspec.training.masks import NAMES, MaskedImages, all_pairs, class_names
from archspec.training.pictures import UnreadableImage
from archspec.training.tasks import Segmentation

TOP = 5
"""The true class may be among this many."""


@record
class Evaluation:
    """What a network was found to do on labelled images.

    ``confusion[truth][prediction]`` counts images, or pixels; ``by_class`` is recall, or intersection over union, None
    for classes that do not occur.
    """

    images: int
    measures: dict[str, float]
    classes: tuple[str, ...]
    by_class: dict[str, float | None]
    confusion: list[list[int]]
    unreadable: tuple[Diagnostic, ...]


def evaluate(network: Network, folder: Path, batch_size: int) -> Evaluation:
    """Judge a network on the images of a folder.

    Files that cannot be read are listed, and left out.  Raises :class:`SpecError` if there is no image, or if the
    folder has other classes than the network.
    """
    if not is_folder(folder):
        raise SpecError([Diagnostic("no-data", f"`{printable(str(folder))}` is not a folder")])
    held = next((folder / name for name in VALIDATION_NAMES if is_folder(folder / name)), None)
    part = held if held is not None and is_folder(folder / "train") else folder
    unreadable: list[Diagnostic] = []
    if network.answer is None:
        names, samples = _samples(network, part)
        network = replace(network, classes=names)
        batches = _batches(((path, target) for path, target in samples), network, batch_size, unreadable)
        return _classified(network, batches, unreadable)
    names = class_names(part if (part / NAMES).exists() else folder, network.classes or _numbers(network.count))
    if network.classes and tuple(names) != network.classes:
        raise _other_classes(part, names, network)
    return _segmented(replace(network, classes=tuple(names)), part, batch_size, unreadable)


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


def _samples(network: Network, folder: Path) -> tuple[tuple[str, ...], list[tuple[Path, int]]]:
    """The class names in order, and the images with their classes."""
    there = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not there:
        shown = printable(str(folder))
        hint = f"make a folder for each class: `{shown}/cat/1.png`, …"
        raise SpecError([Diagnostic("no-data", f"`{shown}` has no folders of images", hint=hint)])
    names = network.classes or tuple(there)
    if not set(there) <= set(names) or len(names) != network.count:
        raise _other_classes(folder, there, network)
    samples = [(path, names.index(name)) for name in there for path in image_files((folder / name).rglob("*"))]
    if not samples:
        raise SpecError([Diagnostic("no-data", f"`{printable(str(folder))}` has no images")])
    return names, samples


def _other_classes(folder: Path, there: Any, network: Network) -> SpecError:
    shown = printable(str(folder))
    if not network.classes:
        message = f"`{shown}` has {len(there)} classes, but the network has {network.count}"
        return SpecError([Diagnostic("class-count", message)])
    unknown = [name for name in there if name not in network.classes]
    listed = ", ".join(f"`{printable(name, 30)}`" for name in unknown[:5]) or "another order of classes"
    known = ", ".join(printable(name, 30) for name in network.classes[:8])
    message = f"`{shown}` has {listed}, which the network has not learnt"
    hint = did_you_mean(unknown[0], network.classes) if unknown else None
    return SpecError([Diagnostic("unknown-class", message, hint=hint or f"its classes are {known}")])


def _batches(
    samples: Iterator[tuple[Path, int]], network: Network, size: int, unreadable: list[Diagnostic]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Scores and targets, batch by batch."""
    images: list[Tensor] = []
    targets: list[int] = []
    for path, target in samples:
        try:
            images.append(network.read(path))
            targets.append(target)
        except UnreadableImage as error:
            unreadable.append(error.diagnostic)
        if len(images) == size:
            yield network.scores(torch.stack(images)), torch.tensor(targets)
            images, targets = [], []
    if images:
        yield network.scores(torch.stack(images)), torch.tensor(targets)


def _classified(network: Network, batches: Iterator[tuple[Tensor, Tensor]], unreadable: list[Diagnostic]) -> Evaluation:
    before_torchmetrics()
    from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

    count = network.count
    top = {k: MulticlassAccuracy(count, top_k=k, average="micro", validate_args=False) for k in (1, min(TOP, count))}
    confusion = MulticlassConfusionMatrix(count, validate_args=False)
    seen = 0
    for scores, targets in batches:
        for metric in (*top.values(), confusion):
            metric.update(scores, targets)
        seen += len(targets)
    _need_some(seen, unreadable)
    matrix = confusion.compute()
    recalls = {
        name: float(row[index] / row.sum()) if row.sum() else None
        for index, (name, row) in enumerate(zip(network.classes, matrix, strict=True))
    }
    measures = {f"top{k}": float(metric.compute()) for k, metric in top.items()}
    known = [recall for recall in recalls.values() if recall is not None]
    measures["mean_recall"] = sum(known) / len(known)
    return Evaluation(seen, measures, network.classes, recalls, matrix.tolist(), tuple(unreadable))


def _segmented(network: Network, folder: Path, batch_size: int, unreadable: list[Diagnostic]) -> Evaluation:
    before_torchmetrics()
    from torchmetrics.classification import MulticlassConfusionMatrix

    from archspec.training.iou import MeanIoU

    assert network.answer is not None
    task = Segmentation(network.classes, network.answer, network.graph.loss.ignore)
    diagnostics = Diagnostics()
    try:
        pairs = all_pairs(folder, diagnostics)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    diagnostics.raise_if_errors()
    examples = MaskedImages(pairs, network.size, network.channels, task)
    iou = MeanIoU(network.count, task.ignored)
    confusion = MulticlassConfusionMatrix(network.count, ignore_index=task.ignored, validate_args=False)
    seen = 0
    for start in range(0, len(examples), batch_size):
        read: list[tuple[Tensor, Tensor]] = []
        for index in range(start, min(start + batch_size, len(examples))):
            try:
                pixels, mask = examples.pixels(index)
                read.append((pixels, examples.target(mask)))
            except UnreadableImage as error:
                unreadable.append(error.diagnostic)
        if read:
            scores = network.scores(torch.stack([pixels for pixels, _ in read]))
            targets = torch.stack([target for _, target in read])
            iou.update(scores, targets)
            confusion.update(scores.argmax(1), targets)
            seen += len(read)
    _need_some(seen, unreadable)
    matrix = confusion.compute()
    measures = {"mean_iou": float(iou.compute()), "pixel_accuracy": float(matrix.diagonal().sum() / matrix.sum())}
    by_class = dict(zip(network.classes, iou.by_class(), strict=True))
    return Evaluation(seen, measures, network.classes, by_class, matrix.tolist(), tuple(unreadable))


def before_torchmetrics() -> None:
    """Import torchvision, which torchmetrics imports too: its import fails where it was built for another torch."""
    with contextlib.suppress(ImportError):
        torchvision()


def _need_some(seen: int, unreadable: list[Diagnostic]) -> None:
    if not seen:
        raise SpecError(unreadable)
