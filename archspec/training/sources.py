"""Where images come from: folders, tables of paths, shards, columns of Arrow and Parquet.

    photographs            a folder for each class, or `images` and `masks`
    photographs.csv        a table with a column of paths and one of classes, or of masks
    shards                 a folder of `.tar` files as WebDataset writes them; or one such file
    hf:photographs         a folder of `.parquet` or `.arrow` files as Hugging Face's `datasets` writes them

However an image is stored, its bytes go through the one door of :mod:`archspec.training.pictures`.  Where the source
gives no split of its own, a fifth is held out by the names alone, as of a folder.

Imports torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from archspec.diagnostics import Diagnostics, Fault, SpecError, printable
from archspec.syntax import is_file, is_folder, read
from archspec.training.columns import read_columns
from archspec.training.entries import Entry, Found
from archspec.training.image_set import Examples, Images
from archspec.training.images import (
    HELD_OUT,
    ImageData,
    check_input,
    load_images,
    ready,
)
from archspec.training.masks import MaskedImages, load_masked_images
from archspec.training.shards import read_shards, shards
from archspec.training.tables import read_table
from archspec.training.tasks import Segmentation

HUB = "hf:"


def load_data(
    what: str, size: Sequence[int], channels: int, task: Segmentation | None = None, skip_bad: bool = False
) -> ImageData[Any]:
    """The images of a source, ready for a network whose input is ``[channels, *size]``; with ``task``, and masks.

    ``skip_bad`` leaves out what cannot be read, and counts it in the result's notes.  Raises :class:`SpecError` with
    everything found wrong.
    """
    reader = _reader(what)
    if reader is None:
        if task is None:
            return load_images(what, size, channels, skip_bad)
        return load_masked_images(what, size, channels, task, skip_bad)
    diagnostics = Diagnostics()
    try:
        check_input(size, channels)
        found = reader(Path(what.removeprefix(HUB)), task is not None, diagnostics)
        diagnostics.raise_if_errors()
        return _assembled(what, found, (size[0], size[1]), channels, task, diagnostics, skip_bad)
    except Fault as fault:
        diagnostics.add(fault.diagnostic)
        raise SpecError(diagnostics.all) from None


def _reader(what: str) -> Callable[[Path, bool, Diagnostics], Found] | None:
    """What reads a source; None for a folder of images."""
    if what.startswith(HUB):
        return read_columns
    path = Path(what)
    if path.suffix.lower() == ".csv":
        return read_table
    if path.suffix.lower() == ".tar" or (is_folder(path) and any(shards(path))):
        return read_shards
    return None


def _assembled(
    what: str, found: Found, size: tuple[int, int], channels: int, task: Segmentation | None,
    diagnostics: Diagnostics, skip_bad: bool,
) -> ImageData[Any]:  # fmt: skip
    """Entries as a data set: classes in order, split, read."""
    shown = printable(what)
    if not found.entries:
        raise Fault("no-data", f"`{shown}` has no images")
    parts: list[Examples]
    if task is not None:
        names = found.classes or named_beside(Path(what.removeprefix(HUB)))
        if names is not None and len(names) != len(task.classes):
            message = f"`{shown}` names {len(names)} classes, but the network has {len(task.classes)}"
            hint = f"`--set classes={len(names)}`, if the spec has a parameter `classes`"
            raise Fault("class-count", message, hint=hint)
        task = task if names is None else task.named(names)
        parts = [
            MaskedImages([(each.image, each.mask) for each in part if each.mask is not None], size, channels, task)
            for part in split(found.entries)
        ]
        return ready(task.classes, parts, diagnostics, skip_bad)
    classes = found.classes or named_beside(Path(what.removeprefix(HUB))) or _classes(found.entries)
    order = {name: index for index, name in enumerate(classes)}

    def index(label: str | int | None) -> int | None:
        return label if isinstance(label, int) and 0 <= label < len(classes) else order.get(str(label))

    for each in found.entries:
        if index(each.label) is None:
            message = (
                f"`{printable(each.name)}` has the class `{printable(str(each.label), 40)}`, of {len(classes)} others"
            )
            diagnostics.error("unknown-class", message)
    diagnostics.raise_if_errors()
    if len(classes) < 2:
        raise Fault("too-few-classes", f"`{shown}` has only one class: at least two are needed")
    parts = [
        Images([(each.image, index(each.label) or 0) for each in part], size, channels, len(classes))
        for part in split(found.entries)
    ]
    return ready(classes, parts, diagnostics, skip_bad)


def _classes(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The classes that occur: whole numbers as 0 to the largest, other names sorted."""
    labels = {each.label for each in entries}
    numbers = [int(str(label)) for label in labels if str(label).isascii() and str(label).isdecimal()]
    if len(numbers) == len(labels) and max(numbers) < 100_000:
        return tuple(str(index) for index in range(max(numbers) + 1))
    return tuple(sorted(str(label) for label in labels))


def named_beside(path: Path) -> tuple[str, ...] | None:
    """The names in ``classes.txt`` in a source's folder, one a line; None where there is no such file."""
    beside = (path if is_folder(path) else path.parent) / "classes.txt"
    if not is_file(beside):
        return None
    return tuple(line.strip() for line in read(beside, hint=None).splitlines() if line.strip())


def split(entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """The entries to train on and those held out: as the source says, or a fifth of each class by name alone."""
    told = [[each for each in entries if each.part == part] for part in ("train", "val")]
    if all(told):
        return told[0], told[1]
    by_class: dict[str, list[Entry]] = {}
    for each in entries:
        by_class.setdefault(str(each.label), []).append(each)
    held: set[str] = set()
    for name, each in by_class.items():
        if len(each) == 1 and each[0].mask is None:
            message = f"class `{printable(name)}` has one image, but needs one for training and one for validation"
            raise Fault("too-few-images", message)
        order = sorted(each, key=lambda entry: hashlib.sha256(entry.name.encode(errors="surrogateescape")).digest())
        held |= {entry.name for entry in order[: max(1, round(HELD_OUT * len(each)))]}
    return [each for each in entries if each.name not in held], [each for each in entries if each.name in held]
