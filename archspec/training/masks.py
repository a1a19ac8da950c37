"""Images and masks to train segmentation on: a folder ``images``, and a folder ``masks`` with the same names.

    streets/images/1.jpg          streets/train/images/1.jpg
    streets/masks/1.png           streets/train/masks/1.png
    streets/images/2.png          streets/val/images/2.png
    streets/masks/2.png           streets/val/masks/2.png

A mask is a PNG, of a palette or grey, whose value at a pixel is the index of its class, or the ignored value:
255, or what the spec's loss ignores.  A file ``classes.txt`` may name the classes, one a line.  On the left, a
fifth is held out, chosen by the files' names alone; on the right, the user gives the split.  Images are resized to the
network's input size by bilinear interpolation, masks by nearest neighbour; those of that size stay as they are.

Needs the ``train`` extra.  Imports torch, so only modules that train or run a network may import it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from archspec.diagnostics import Diagnostics, Fault, SpecError, printable
from archspec.syntax import is_folder, read
from archspec.training.image_set import Examples, Images
from archspec.training.images import (
    SUFFIXES,
    VALIDATION_NAMES,
    ImageData,
    check_input,
    held_out,
    image_files,
    ready,
)
from archspec.training.pictures import MASKS, Stored, UnreadableImage, picture
from archspec.training.tasks import Segmentation

PASSED_OVER = 255
"""The mask value of ignored pixels, unless the spec's loss names another."""

NAMES = "classes.txt"

_SCALED = {"L;2": 85, "L;4": 17}
"""The factor by which Pillow scales the values of grey PNG files with few bits."""

Pair = tuple[Path | Stored, Path | Stored]
"""An image and its mask, in files of their own or inside another."""


class MaskedImages(Examples):
    """Images and masks: item ``i`` is ``([channels, *size] of float32, class indices [*task.size])``."""

    def __init__(self, pairs: Sequence[Pair], size: tuple[int, int], channels: int, task: Segmentation) -> None:
        self.pairs = tuple(pairs)
        self.size = size
        self.channels = channels
        self.task = task
        self.images = Images([(image, 0) for image, _ in pairs], size, channels)
        self.passed_over = PASSED_OVER if task.ignore is None and len(task.classes) <= PASSED_OVER else task.ignore
        self._masks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.pairs)

    def pixels(self, index: int) -> tuple[Tensor, Tensor]:
        """An image and its mask, ``[*size]``, −1 at ignored pixels.  Raises :class:`UnreadableImage`."""
        if self._masks is not None:
            return self.images.pixels(index)[0], self._masks[index]
        try:
            mask = self.read_mask(index)
        except Fault as fault:
            found = fault.diagnostic
            raise UnreadableImage(found.message, found.code, found.hint) from None
        return self.images.pixels(index)[0], mask

    def target(self, target: Tensor) -> Tensor:
        """A mask as the loss takes it: the part that the network's output covers, with the loss's ignored value."""
        part = self.covered(target)
        return torch.where(part < 0, self.task.ignored, part.long())

    def covered(self, mask: Tensor) -> Tensor:
        """The centre of masks, ``[…, *task.size]``."""
        top, left = ((whole - part) // 2 for whole, part in zip(self.size, self.task.size, strict=True))
        height, width = self.task.size
        return mask[..., top : top + height, left : left + width]

    def without(self, indices: Collection[int]) -> MaskedImages:
        """The same images and masks without some of them."""
        left = [pair for index, pair in enumerate(self.pairs) if index not in indices]
        return MaskedImages(left, self.size, self.channels, self.task)

    def counts(self) -> list[int]:
        """The number of pixels of each class."""
        found = torch.zeros(len(self.task.classes), dtype=torch.int64)
        for index in range(len(self)):
            mask = self.covered(self.read_mask(index) if self._masks is None else self._masks[index])
            found += torch.bincount(mask[mask >= 0], minlength=len(found))
        return found.tolist()

    @property
    def bytes(self) -> int:
        """The size of all images and masks in bytes, decoded and resized."""
        return self.images.bytes + 4 * len(self.pairs) * self.size[0] * self.size[1]

    @property
    def preloaded(self) -> bool:
        """Whether images and masks are in memory."""
        return self.images.preloaded and self._masks is not None

    def preload(self, diagnostics: Diagnostics) -> None:
        """Read every image and mask into memory; each unusable file is an error of its own."""
        self.images.preload(diagnostics)
        masks: list[Tensor] = []
        for index in range(len(self.pairs)):
            try:
                masks.append(self.read_mask(index))
            except Fault as fault:
                diagnostics.add(fault.diagnostic)
        if len(masks) == len(self.pairs):
            self._masks = torch.stack(masks)

    def classes_seen(self) -> set[int]:
        """The classes that occur in the masks in memory."""
        return set() if self._masks is None else set(self.covered(self._masks).unique().tolist()) - {-1}

    def read_mask(self, index: int) -> Tensor:
        """One mask as ``[*size]`` of int32, −1 at ignored pixels.  Raises :class:`Fault`."""
        image, path = self.pairs[index]
        values = self._values(path)
        shape = _shape(image)
        if shape is not None and shape != values.shape:
            theirs, ours = (f"{height}×{width}" for height, width in (shape, values.shape))
            message = f"`{_shown(path)}` is {ours} pixels (height × width), its image `{_shown(image)}` is {theirs}"
            raise Fault("mask-size", message)
        kept = numpy.ones(values.shape, bool) if self.passed_over is None else values != self.passed_over
        count = len(self.task.classes)
        wrong = kept & (values >= count)
        if wrong.any():
            row, column = (int(each) for each in numpy.argwhere(wrong)[0])
            value = int(values[row, column])
            told = f"the network has {count} classes"
            hint = f"`--set classes={value + 1}`, or `loss: {{cross_entropy: {{ignore: {value}}}}}` to ignore it"
            message = f"`{_shown(path)}` has the value {value}, at row {row} and column {column}: {told}"
            raise Fault("unknown-class", message, hint=hint)
        if not kept.any():
            message = f"`{_shown(path)}` has only ignored pixels: all are {self.passed_over}"
            raise Fault("empty-mask", message)
        classes = numpy.where(kept, values, -1).astype(numpy.int32)  # 16 bits cannot hold all values of PNG and −1
        if classes.shape != self.size:
            whole = Image.fromarray(classes)
            classes = numpy.asarray(whole.resize((self.size[1], self.size[0]), Image.Resampling.NEAREST))
        return torch.from_numpy(classes.copy())

    def _values(self, path: Path | Stored) -> NDArray[numpy.int64]:
        """The values of a mask's pixels, as stored in the file."""
        try:
            with picture(path, MASKS) as file:
                mode = file.mode
                raw = next((part[3] for part in getattr(file, "tile", ())), None)
                values = numpy.asarray(file, numpy.int64)
        except UnreadableImage as error:
            raise Fault("unreadable-image", str(error)) from error
        if mode not in ("1", "L", "P") and not mode.startswith("I"):
            hint = "the value of a pixel must be the index of its class"
            raise Fault("mask-kind", f"`{_shown(path)}` is {mode}; a mask must be a palette or grey image", hint=hint)
        return values // _SCALED.get(raw, 1) if isinstance(raw, str) else values


def load_masked_images(
    folder: Path | str, size: Sequence[int], channels: int, task: Segmentation, skip_bad: bool = False
) -> ImageData[MaskedImages]:
    """The images and masks under ``folder``, ready for a network with an input ``[channels, *size]``.

    ``task`` gives the number of classes and the size of the network's output; if that is smaller than the input, masks
    are cropped to their centre.  Raises :class:`SpecError` with everything found wrong.
    """
    folder = Path(folder)
    diagnostics = Diagnostics()
    try:
        check_input(size, channels)
        if not is_folder(folder):
            raise Fault("no-data", f"`{_shown(folder)}` is not a folder")
        task = _named(folder, task)
        training, validation = _split(folder, diagnostics)
    except Fault as fault:
        diagnostics.add(fault.diagnostic)
        raise SpecError(diagnostics.all) from None
    diagnostics.raise_if_errors()
    parts = [MaskedImages(pairs, (size[0], size[1]), channels, task) for pairs in (training, validation)]
    found = ready(task.classes, parts, diagnostics, skip_bad)
    seen = found.training.classes_seen()
    if len(seen) == 1:
        hint = None
        if parts[0].passed_over == PASSED_OVER:
            hint = "255 is ignored: if it marks the object, write 1 instead"
        only = printable(task.classes[seen.pop()])
        message = f"the training masks have only one class, `{only}`: at least two are needed"
        raise SpecError([Fault("too-few-classes", message, hint=hint).diagnostic])
    return found


def _named(folder: Path, task: Segmentation) -> Segmentation:
    """The task with the class names from the folder's ``classes.txt``, if there is one."""
    names = class_names(folder, task.classes)
    path = folder / NAMES
    if len(names) != len(task.classes):
        message = f"`{_shown(path)}` names {len(names)} classes, but the network has {len(task.classes)}"
        hint = f"`--set classes={len(names)}`, if the spec has a parameter `classes`"
        raise Fault("class-count", message, hint=hint)
    return task.named(names)


def class_names(folder: Path, otherwise: Sequence[str]) -> Sequence[str]:
    """The class names of the folder's ``classes.txt``; ``otherwise`` where there is none.  Raises :class:`Fault`."""
    path = folder / NAMES
    if not path.exists():
        return otherwise
    return [line.strip() for line in read(path, hint=None).splitlines() if line.strip()]


def _split(folder: Path, diagnostics: Diagnostics) -> tuple[Sequence[Pair], Sequence[Pair]]:
    """The training pairs and the held-out pairs."""
    named = [folder / name for name in VALIDATION_NAMES if (folder / name).is_dir()]
    if (folder / "train").is_dir() and named:
        return all_pairs(folder / "train", diagnostics), all_pairs(named[0], diagnostics)
    found = dict(all_pairs(folder, diagnostics))
    if len(found) == 1:
        message = f"`{_shown(folder)}` has one image, but needs one for training and one for validation"
        diagnostics.error("too-few-images", message)
    learnt, held = held_out(list(found))
    return [(path, found[path]) for path in learnt], [(path, found[path]) for path in held]


def all_pairs(folder: Path, diagnostics: Diagnostics) -> list[tuple[Path, Path]]:
    """The images of a folder, sorted, each with its mask."""
    missing = [name for name in ("images", "masks") if not (folder / name).is_dir()]
    if missing:
        what = " and ".join(f"`{name}`" for name in missing)
        message = f"`{_shown(folder)}` has no folder{'s' * (len(missing) > 1)} {what}"
        wanted = f"`{_shown(folder / 'images' / '1.jpg')}` and `{_shown(folder / 'masks' / '1.png')}`, …"
        raise Fault("no-data", message, hint=f"segmentation needs images and masks: {wanted}")
    images, masks = (image_files((folder / name).rglob("*")) for name in ("images", "masks"))
    if not images:
        hint = f"images end in {', '.join(SUFFIXES)}"
        raise Fault("no-data", f"`{_shown(folder / 'images')}` has no images", hint=hint)
    by_name = {path.relative_to(folder / "masks").with_suffix(""): path for path in masks if path.suffix == ".png"}
    pairs: dict[Path, tuple[Path, Path]] = {}
    for path in images:
        name = path.relative_to(folder / "images").with_suffix("")
        if name in pairs:
            message = f"`{_shown(path)}` and `{_shown(pairs[name][0])}` would share one mask"
            diagnostics.error("duplicate-image", message)
        elif name in by_name:
            pairs[name] = (path, by_name[name])
        else:
            hint = f"`{_shown(folder / 'masks' / name.parent / f'{name.name}.png')}` is missing"
            diagnostics.error("missing-mask", f"`{_shown(path)}` has no mask", hint=hint)
    return list(pairs.values())


def _shape(path: Path | Stored) -> tuple[int, int] | None:
    """Height and width of an image file as displayed; None if it cannot be read, which is reported elsewhere."""
    try:
        with picture(path) as file:
            turned = file.getexif().get(0x0112, 1) >= 5
            return (file.width, file.height) if turned else (file.height, file.width)
    except UnreadableImage:
        return None


def _shown(path: Path | Stored) -> str:
    return printable(str(path) if isinstance(path, Path) else path.shown)
