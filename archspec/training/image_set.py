"""Decoded images as a data set: read, resized, normalised.

Imports torch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset

from archspec.diagnostics import Diagnostic, Diagnostics
from archspec.training.pictures import Stored, UnreadableImage, picture
from archspec.training.settings import Normalisation

NORMALISATION: dict[int, Normalisation] = {
    1: ((0.5,), (0.5,)),
    3: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Mean and standard deviation by channel count, for pixels in [0, 1]; for three channels those of ImageNet."""

Sample = tuple[Path | Stored, int]
"""An image, in a file of its own or inside another, and the index of its class."""


class Examples(Dataset[tuple[Tensor, Any]]):
    """A data set to train or validate on: item ``i`` is an image, ``[channels, *size]``, and its target.

    :meth:`pixels` and :meth:`normalised` are its two halves: augmentation changes the pixels between them.
    """

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

    @abstractmethod
    def pixels(self, index: int) -> tuple[Tensor, Any]:
        """An image, ``[channels, *size]`` of uint8, and its target.  Raises :class:`UnreadableImage`."""

    @abstractmethod
    def without(self, indices: Collection[int]) -> Examples:
        """The same examples without some of them."""

    @abstractmethod
    def counts(self) -> list[int]:
        """How often each class occurs: images, or pixels of masks."""

    def normalised(self, pixels: Tensor) -> Tensor:
        """An image as the network is given it: float32, mean and deviation of each channel about 0 and 1."""
        mean, std = (torch.tensor(each).view(-1, 1, 1) for each in NORMALISATION[self.channels])
        return (pixels.float() / 255 - mean) / std

    def target(self, target: Any) -> Any:
        """A target as the loss is given it."""
        return target

    def __getitem__(self, index: int) -> tuple[Tensor, Any]:
        pixels, target = self.pixels(index)
        return self.normalised(pixels), self.target(target)

    def name(self, index: int) -> str:
        """What an example is called in messages."""
        return str(index)

    def faults(self) -> dict[int, Diagnostic]:
        """Why examples cannot be used, by index: all of them are read."""
        found: dict[int, Diagnostic] = {}
        for index in range(len(self)):
            try:
                self.pixels(index)
            except UnreadableImage as error:
                found[index] = error.diagnostic
        return found


class Images(Examples):
    """Images and classes: item ``i`` is ``([channels, height, width] of float32, class index)``."""

    def __init__(self, samples: Sequence[Sample], size: tuple[int, int], channels: int, classes: int = 0) -> None:
        self.samples = tuple(samples)
        self.size = size
        self.channels = channels
        self.classes = classes
        self._pixels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def pixels(self, index: int) -> tuple[Tensor, int]:
        file, target = self.samples[index]
        return self.read(file) if self._pixels is None else self._pixels[index], target

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
                diagnostics.add(error.diagnostic)
        if len(pixels) == len(self.samples):
            self._pixels = torch.stack(pixels)

    def without(self, indices: Collection[int]) -> Images:
        """The same images without some of them."""
        left = [sample for index, sample in enumerate(self.samples) if index not in indices]
        return Images(left, self.size, self.channels, self.classes)

    def counts(self) -> list[int]:
        """The number of images of each class."""
        found = [0] * max(self.classes, 1 + max((target for _, target in self.samples), default=-1))
        for _, target in self.samples:
            found[target] += 1
        return found

    def read(self, path: Path | Stored) -> Tensor:
        """One image as ``[channels, height, width]`` of uint8.  Raises :class:`UnreadableImage`."""
        with picture(path) as file:
            return image_pixels(ImageOps.exif_transpose(file), self.size, self.channels)


def image_pixels(image: Image.Image, size: tuple[int, int], channels: int) -> Tensor:
    """A decoded image, grey or in colour and resized: ``[channels, *size]`` of uint8."""
    height, width = size
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow's own conversion would clip
        image = Image.fromarray((numpy.asarray(image, numpy.int32) >> 8).clip(0, 255).astype(numpy.uint8))
    image = image.convert("L" if channels == 1 else "RGB")
    values = numpy.array(image.resize((width, height), Image.Resampling.BILINEAR))
    return torch.from_numpy(values).view(height, width, channels).permute(2, 0, 1)
