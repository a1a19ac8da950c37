"""Images to train on: a folder of PNG and JPEG files, with a subfolder for each class.

    photographs/cat/1.png         photographs/train/cat/1.png
    photographs/cat/2.jpg         photographs/train/dog/2.png
    photographs/dog/1.png         photographs/val/cat/3.jpg

On the left, a fifth of each class is held out for validation, chosen by the files' names alone: the split depends on
neither the seed nor the machine, and adding a file moves few others.  On the right, the user gives the split.  Images
are converted to grey or colour, resized to the network's input size (their aspect ratio may change) and normalised;
a recipe may change them at random in between (:mod:`archspec.training.augmentation`).

Images with masks, for segmentation, are in :mod:`archspec.training.masks`; training sees both as :class:`ImageData`.

Needs the ``train`` extra (Pillow, NumPy; scikit-learn for :func:`digits` and :func:`scenes`).  Imports torch, so only
modules that train or run a network may import it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from archspec.diagnostics import Diagnostic, Diagnostics, Fault, SpecError, printable
from archspec.syntax import is_folder
from archspec.training.augmentation import Augmented
from archspec.training.batches import ALONE, Batches, Held, Share, Shuffled, ends, loader
from archspec.training.data import spread
from archspec.training.examples import digits as digits
from archspec.training.examples import scenes as scenes
from archspec.training.image_set import NORMALISATION, Examples, Images, Sample
from archspec.training.settings import Normalisation
from archspec.training.transforms import Transform

SUFFIXES = (".png", ".jpg", ".jpeg")
VALIDATION_NAMES = ("val", "valid", "validation")
HELD_OUT = 0.2
"""The fraction of each class that is held out if the folder has no split of its own."""

PRELOADED_BYTES = 512 * 2**20
"""Data sets smaller than this, decoded and resized, are kept in memory; larger ones are read in every epoch."""

LISTED = 20
"""So many examples that were left out are named."""

Part = TypeVar("Part", bound=Examples)


@dataclass(frozen=True)
class ImageData(Generic[Part]):
    """A labelled data set, split for training and validation."""

    classes: tuple[str, ...]
    training: Part
    validation: Part
    notes: tuple[Diagnostic, ...] = ()
    """What was left out."""

    @property
    def channels(self) -> int:
        """Channels of each image."""
        return self.training.channels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of each image."""
        return self.training.size

    @property
    def images(self) -> tuple[int, int]:
        """The numbers of training and of held-out examples."""
        return len(self.training), len(self.validation)

    @property
    def normalisation(self) -> Normalisation:
        """Mean and standard deviation of each channel, for pixels in [0, 1]."""
        return NORMALISATION[self.channels]

    @property
    def ours(self) -> bool:
        """The batches are our own."""
        return True

    def steps(self, batch_size: int, portions: int) -> int:
        """The number of steps in an epoch."""
        del portions
        return len(ends(len(self.training), batch_size))

    def counts(self) -> list[int]:
        """How often each class occurs in training."""
        return self.training.counts()

    def shown(self, count: int) -> Iterator[tuple[Tensor, Any]]:
        """Some of the images held out, spread over them, with their targets."""
        return (self.validation[index] for index in spread(len(self.validation), count))

    def faults(self) -> list[Diagnostic]:
        """Why images cannot be used: all of them are read."""
        return [fault for part in (self.training, self.validation) for fault in part.faults().values()]

    @property
    def workers(self) -> int:
        """The number of worker processes: none if the images are in memory."""
        return 0 if self.training.preloaded else min(4, os.cpu_count() or 1)

    def training_batches(
        self,
        batch_size: int,
        seed: int,
        share: Share = ALONE,
        augment: Sequence[Transform] = (),
        balanced: bool = False,
    ) -> DataLoader[tuple[Tensor, Any]]:
        """Shuffled batches of this process's part of each step."""
        order = Shuffled(len(self.training), seed, self._chances() if balanced else None)
        examples = (
            Augmented(self.training, augment, seed, not isinstance(self.training, Images)) if augment else self.training
        )
        return loader(examples, Batches(order, batch_size, share, bool(augment)), self.workers)

    def validation_batches(self, batch_size: int, share: Share = ALONE) -> DataLoader[tuple[Tensor, Any]]:
        """Batches in order, of this process's part of the images."""
        held = Held(len(self.validation), batch_size, share)
        return loader(self.validation, held, self.workers)

    def _chances(self) -> Tensor:
        """The weight of each training image when classes are drawn alike."""
        if not isinstance(self.training, Images):
            message = "`balance: sampling` is for images with one class each; for masks use `balance: loss`"
            raise SpecError([Fault("bad-setting", message).diagnostic])
        counts = self.training.counts()
        return torch.tensor([1 / counts[target] for _, target in self.training.samples], dtype=torch.float64)


def load_images(folder: Path | str, size: Sequence[int], channels: int, skip_bad: bool = False) -> ImageData[Images]:
    """The images under ``folder``, ready for a network whose input is ``[channels, *size]``.

    ``skip_bad`` leaves out files that cannot be read, and counts them in the result's notes.
    Raises :class:`SpecError` with everything found wrong: no folder, no classes, a single class, classes without
    images, files that are not images, an input that images do not fit.
    """
    folder = Path(folder)
    diagnostics = Diagnostics()
    try:
        check_input(size, channels)
        classes, training, validation = _split(folder, diagnostics)
    except Fault as fault:
        diagnostics.add(fault.diagnostic)
        raise SpecError(diagnostics.all) from None
    diagnostics.raise_if_errors()
    whole = (size[0], size[1])
    parts = [Images(samples, whole, channels, len(classes)) for samples in (training, validation)]
    return ready(classes, parts, diagnostics, skip_bad)


def check_input(size: Sequence[int], channels: int) -> None:
    """Raise :class:`Fault` unless images fit the network's input."""
    if len(size) != 2 or channels not in NORMALISATION:
        shape = ", ".join(str(length) for length in (channels, *size))
        raise Fault("not-an-image", f"the network's input is [{shape}], but images need [1, H, W] or [3, H, W]")


def ready(classes: tuple[str, ...], parts: Sequence[Part], diagnostics: Diagnostics, skip_bad: bool) -> ImageData[Part]:
    """The parts to train on and held out as a data set, in memory if they are small.

    Raises :class:`SpecError` with every unusable example; ``skip_bad`` leaves them out instead.
    """
    if not skip_bad:
        preload_if_small(parts, diagnostics)
        return ImageData(classes, parts[0], parts[1])
    kept, bad = [], []
    for part in parts:
        faults = part.faults()
        kept.append(part.without(faults) if faults else part)
        bad += faults.values()
        if not len(kept[-1]):
            diagnostics.add(bad[-1])
    diagnostics.raise_if_errors()
    preload_if_small(kept, diagnostics)
    notes = []
    if bad:
        message = f"{len(bad):,} of {sum(map(len, parts)):,} images cannot be used and were left out"
        listed = tuple(fault.message for fault in bad[:LISTED])
        more = (f"and {len(bad) - LISTED:,} more",) if len(bad) > LISTED else ()
        notes.append(Diagnostic("skipped", message, details=(*listed, *more), severity="warning"))
    return ImageData(classes, kept[0], kept[1], tuple(notes))


def preload_if_small(parts: Sequence[Examples], diagnostics: Diagnostics) -> None:
    """Read a small data set into memory.  Raises :class:`SpecError` with every unusable file."""
    if sum(part.bytes for part in parts) <= PRELOADED_BYTES:
        for part in parts:
            part.preload(diagnostics)
    diagnostics.raise_if_errors()


def _split(folder: Path, diagnostics: Diagnostics) -> tuple[tuple[str, ...], list[Sample], list[Sample]]:
    """Class names in order, training samples, validation samples."""
    if not is_folder(folder):
        raise Fault("no-data", f"`{printable(str(folder))}` is not a folder")
    train = folder / "train"
    named = [folder / name for name in VALIDATION_NAMES if (folder / name).is_dir()]
    if train.is_dir() and named:
        return _given_split(train, named[0], diagnostics)
    found = _images_by_class(folder, diagnostics)
    training: list[Sample] = []
    validation: list[Sample] = []
    for index, (name, paths) in enumerate(found.items()):
        if len(paths) == 1:
            message = f"class `{printable(name)}` has one image, but needs one for training and one for validation"
            diagnostics.error("too-few-images", message)
        learnt, held = held_out(paths)
        validation += ((path, index) for path in held)
        training += ((path, index) for path in learnt)
    return tuple(found), training, validation


def held_out(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Training files and held-out files, decided by their names alone."""
    order = sorted(paths, key=lambda path: hashlib.sha256(path.name.encode(errors="surrogateescape")).digest())
    held = max(1, round(HELD_OUT * len(paths)))
    return sorted(order[held:]), sorted(order[:held])


def _given_split(
    train: Path, held_out: Path, diagnostics: Diagnostics
) -> tuple[tuple[str, ...], list[Sample], list[Sample]]:
    """The split given by two subfolders; the classes are those of the training folder."""
    found = _images_by_class(train, diagnostics)
    judged = _images_by_class(held_out, diagnostics, least=1)
    order = {name: index for index, name in enumerate(found)}
    unknown = [printable(name) for name in judged if name not in order]
    if unknown:
        listed = ", ".join(f"`{name}`" for name in unknown[:5])
        message = f"`{printable(str(held_out))}` has classes that `{printable(str(train))}` lacks: {listed}"
        diagnostics.error("unknown-class", message)
    training: list[Sample] = [(path, order[name]) for name, paths in found.items() for path in paths]
    return (
        tuple(found),
        training,
        [(path, order[name]) for name, paths in judged.items() if name in order for path in paths],
    )


def _images_by_class(folder: Path, diagnostics: Diagnostics, least: int = 2) -> dict[str, list[Path]]:
    """The image files of each class, names and files sorted."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    shown = printable(str(folder))
    if not names:
        hint = f"make a folder for each class: `{shown}/cat/1.png`, `{shown}/dog/1.png`, …"
        found = "images, but no folders of classes" if image_files(folder.iterdir()) else "no folders of images"
        raise Fault("no-data", f"`{shown}` has {found}", hint=hint)
    if len(names) < least:
        raise Fault(
            "too-few-classes", f"`{shown}` has only one class, `{printable(names[0])}`: at least two are needed"
        )
    classes = {name: image_files((folder / name).rglob("*")) for name in names}
    for name, paths in classes.items():
        if not paths:
            hint = f"images end in {', '.join(SUFFIXES)}"
            diagnostics.error("empty-class", f"`{shown}/{printable(name)}` has no images", hint=hint)
    return classes


def image_files(paths: Iterable[Path]) -> list[Path]:
    """The paths whose names are those of image files."""
    return sorted(path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
