"""Images to train on: a folder of PNG and JPEG files, with a subfolder for each class.

    photographs/cat/1.png         photographs/train/cat/1.png
    photographs/cat/2.jpg         photographs/train/dog/2.png
    photographs/dog/1.png         photographs/val/cat/3.jpg

On the left, a fifth of each class is held out for validation, chosen by the files' names alone: the split depends on
neither the seed nor the machine, and adding a file moves few others.  On the right, the user gives the split.  Images
are converted to grey or colour, resized to the network's input size (their aspect ratio may change) and normalised;
nothing is augmented.

Images with masks, for segmentation, are in :mod:`archspec.training.masks`; training sees both as :class:`ImageData`.

Needs the ``train`` extra (Pillow, NumPy; scikit-learn for :func:`digits` and :func:`scenes`).  Imports torch, so only
modules that train or run a network may import it.
"""

from __future__ import annotations

import hashlib
import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from archspec.diagnostics import Diagnostics, Fault, SpecError, printable
from archspec.source import is_folder
from archspec.training.examples import digits as digits
from archspec.training.examples import scenes as scenes
from archspec.training.pictures import UnreadableImage, picture

SUFFIXES = (".png", ".jpg", ".jpeg")
VALIDATION_NAMES = ("val", "valid", "validation")
HELD_OUT = 0.2
"""The fraction of each class that is held out if the folder has no split of its own."""

PRELOADED_BYTES = 512 * 2**20
"""Data sets smaller than this, decoded and resized, are kept in memory; larger ones are read in every epoch."""

NORMALISATION: dict[int, tuple[tuple[float, ...], tuple[float, ...]]] = {
    1: ((0.5,), (0.5,)),
    3: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Mean and standard deviation by channel count, for pixels in [0, 1]; for three channels those of ImageNet."""

Sample = tuple[Path, int]
"""An image file and the index of its class."""


class Examples(Dataset[tuple[Tensor, Any]]):
    """A data set to train or validate on: item ``i`` is an image, ``[channels, *size]``, and its target."""

    size: tuple[int, int]
    channels: int

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def bytes(self) -> int:
        """The size of all data in bytes, decoded and resized."""

    @property
    @abstractmethod
    def preloaded(self) -> bool:
        """Whether everything is in memory."""

    @abstractmethod
    def preload(self, diagnostics: Diagnostics) -> None:
        """Read everything into memory; each unusable file is an error of its own."""


class Images(Examples):
    """Images and classes: item ``i`` is ``([channels, height, width] of float32, class index)``."""

    def __init__(self, samples: Sequence[Sample], size: tuple[int, int], channels: int) -> None:
        self.samples = tuple(samples)
        self.size = size
        self.channels = channels
        self._pixels: Tensor | None = None
        mean, deviation = NORMALISATION[channels]
        self._mean = torch.tensor(mean).view(-1, 1, 1)
        self._deviation = torch.tensor(deviation).view(-1, 1, 1)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, target = self.samples[index]
        pixels = self.read(path) if self._pixels is None else self._pixels[index]
        return (pixels.float() / 255 - self._mean) / self._deviation, target

    @property
    def bytes(self) -> int:
        """The size of all images in bytes, decoded and resized."""
        return len(self.samples) * self.channels * self.size[0] * self.size[1]

    @property
    def preloaded(self) -> bool:
        """Whether the images are in memory."""
        return self._pixels is not None

    def preload(self, diagnostics: Diagnostics) -> None:
        """Read every image into memory; each one that cannot be read is an error of its own."""
        pixels: list[Tensor] = []
        for path, _ in self.samples:
            try:
                pixels.append(self.read(path))
            except UnreadableImage as error:
                diagnostics.error("unreadable-image", str(error))
        if len(pixels) == len(self.samples):
            self._pixels = torch.stack(pixels)

    def read(self, path: Path) -> Tensor:
        """One image as ``[channels, height, width]`` of uint8.  Raises :class:`UnreadableImage`."""
        height, width = self.size
        with picture(path) as file:
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith("I"):  # 16-bit grey, which Pillow's own conversion would clip
                image = Image.fromarray((numpy.asarray(image, numpy.int32) >> 8).clip(0, 255).astype(numpy.uint8))
            image = image.convert("L" if self.channels == 1 else "RGB")
            values = numpy.array(image.resize((width, height), Image.Resampling.BILINEAR))
        return torch.from_numpy(values).view(height, width, self.channels).permute(2, 0, 1)


class Shuffled(Sampler[int]):
    """A permutation for each epoch; it depends only on the seed and the epoch."""

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; Lightning calls this before each one."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(mixed(self.seed, self.epoch))
        return iter(torch.randperm(self.length, generator=generator).tolist())


Part = TypeVar("Part", bound=Examples)


@dataclass(frozen=True)
class ImageData(Generic[Part]):
    """A labelled data set, split for training and validation."""

    classes: tuple[str, ...]
    training: Part
    validation: Part

    @property
    def workers(self) -> int:
        """The number of worker processes: none if the images are in memory."""
        return 0 if self.training.preloaded else min(4, os.cpu_count() or 1)

    def training_batches(self, batch_size: int, seed: int) -> DataLoader[tuple[Tensor, Any]]:
        """Shuffled batches.  A last batch of one image is dropped: batch normalisation cannot train on it."""
        length = len(self.training)
        lone = length > batch_size > 1 and length % batch_size == 1
        order = Shuffled(length, seed)
        return DataLoader(self.training, batch_size, sampler=order, drop_last=lone, **self._reading())

    def validation_batches(self, batch_size: int) -> DataLoader[tuple[Tensor, Any]]:
        """Batches in order."""
        return DataLoader(self.validation, batch_size, **self._reading())

    def _reading(self) -> dict[str, Any]:
        return {"num_workers": self.workers, "persistent_workers": self.workers > 0}


def load_images(folder: Path | str, size: Sequence[int], channels: int) -> ImageData[Images]:
    """The images under ``folder``, ready for a network whose input is ``[channels, *size]``.

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
    parts = [Images(samples, (size[0], size[1]), channels) for samples in (training, validation)]
    preload_if_small(parts, diagnostics)
    return ImageData(classes, *parts)


def check_input(size: Sequence[int], channels: int) -> None:
    """Raise :class:`Fault` unless images fit the network's input."""
    if len(size) != 2 or channels not in NORMALISATION:
        shape = ", ".join(str(length) for length in (channels, *size))
        raise Fault("not-an-image", f"the network's input is [{shape}], but images need [1, H, W] or [3, H, W]")


def preload_if_small(parts: Sequence[Examples], diagnostics: Diagnostics) -> None:
    """Read a small data set into memory.  Raises :class:`SpecError` with every unusable file."""
    if sum(part.bytes for part in parts) <= PRELOADED_BYTES:
        for part in parts:
            part.preload(diagnostics)
    diagnostics.raise_if_errors()


def mixed(seed: int, number: int) -> int:
    """A seed for one step or epoch, different from those of others."""
    return (seed * 1_000_000_007 + number + 1) % 2**63


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
    training = [(path, order[name]) for name, paths in found.items() for path in paths]
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
