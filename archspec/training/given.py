"""Data that a user's own code brings: a ``Dataset``, a ``DataLoader`` or a ``LightningDataModule``.

An item is an image and its target.  An image is a tensor, ``[channels, height, width]``, which is given to the network
as it is; or, where no transform has made a tensor of it, a Pillow image, which is resized and normalised as an image of
a folder is.  A target is the index of a class, or a mask, ``[height, width]``, of such indices.

Imports torch and Lightning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from typing import Any

import numpy
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from archspec.diagnostics import MAXIMUM_DIAGNOSTICS, Diagnostic, SpecError, printable
from archspec.records import record
from archspec.training.batches import ALONE, Batches, Held, Share, Shuffled, ends, loader
from archspec.training.data import spread
from archspec.training.image_set import NORMALISATION, image_pixels
from archspec.training.lightning_library import lightning
from archspec.training.pictures import UnreadableImage
from archspec.training.settings import Normalisation
from archspec.training.tasks import Segmentation, Task
from archspec.training.transforms import Transform


class Checked(Dataset[tuple[Tensor, Any]]):
    """A user's data set whose items are made tensors of, and checked against the network's input and task."""

    def __init__(self, examples: Any, channels: int, size: tuple[int, int], task: Task) -> None:
        self.examples = examples
        self.channels = channels
        self.size = size
        self.task = task

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Tensor, Any]:
        item = self.examples[index]
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise _wrong(index, f"is {_kind(item)}; it must be a pair of an image and its target")
        image, target = item
        return self._image(index, image), self._target(index, target)

    def _image(self, index: int, image: Any) -> Tensor:
        if isinstance(image, Image.Image):
            mean, std = (torch.tensor(each).view(-1, 1, 1) for each in NORMALISATION[self.channels])
            return (image_pixels(image, self.size, self.channels).float() / 255 - mean) / std
        wanted = (self.channels, *self.size)
        if not isinstance(image, Tensor) or not image.is_floating_point() or tuple(image.shape) != wanted:
            raise _wrong(index, f"has {_kind(image)} for an image; the network takes {list(wanted)} of float32")
        return image.as_subclass(Tensor)

    def _target(self, index: int, target: Any) -> Any:
        count = len(self.task.classes)
        if not isinstance(self.task, Segmentation):
            if isinstance(target, Tensor) and target.ndim == 0:
                target = target.item()
            if not isinstance(target, int | numpy.integer) or not 0 <= target < count:
                raise _wrong(index, f"has {_kind(target)} for a target; it must be a class from 0 to {count - 1}")
            return int(target)
        if isinstance(target, Image.Image):
            resized = target.resize((self.task.size[1], self.task.size[0]), Image.Resampling.NEAREST)
            target = torch.from_numpy(numpy.array(resized, numpy.int64))
        if not isinstance(target, Tensor) or tuple(target.shape) != self.task.size or target.is_floating_point():
            raise _wrong(index, f"has {_kind(target)} for a mask; it must be {list(self.task.size)} of whole numbers")
        mask = target.as_subclass(Tensor).long()
        kept = mask[mask != self.task.ignored]
        if len(kept) and (int(kept.min()) < 0 or int(kept.max()) >= count):
            raise _wrong(index, f"has the class {int(kept.max())}; the network has {count}")
        return mask


def _wrong(index: int, said: str) -> UnreadableImage:
    found = Diagnostic("bad-example", f"example {index} of the data set {said}")
    return UnreadableImage(found.message, found.code)


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor {list(value.shape)} of {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, int | float):
        return f"`{value}`"
    return f"a {printable(type(value).__name__, 40)}"


@record
class DatasetData:
    """Two data sets of the user's, in our own batches: shuffled, shared out, resumed as those of folders are."""

    classes: tuple[str, ...]
    channels: int
    size: tuple[int, int]
    training: Checked
    validation: Checked
    workers: int = 0
    normalisation: Normalisation | None = None
    ours: bool = True

    @property
    def images(self) -> tuple[int, int]:
        """The numbers of training and of held-out examples."""
        return len(self.training), len(self.validation)

    def training_batches(
        self,
        batch_size: int,
        seed: int,
        share: Share = ALONE,
        augment: Sequence[Transform] = (),
        balanced: bool = False,
    ) -> DataLoader[Any]:
        """Shuffled batches of this process's part of each step."""
        _without(augment, balanced)
        order = Shuffled(len(self.training), seed)
        return loader(self.training, Batches(order, batch_size, share), self.workers)

    def validation_batches(self, batch_size: int, share: Share = ALONE) -> DataLoader[Any]:
        """Batches in order, of this process's part of the images."""
        held = Held(len(self.validation), batch_size, share)
        return loader(self.validation, held, self.workers)

    def steps(self, batch_size: int, portions: int) -> int:
        """The number of steps in an epoch."""
        del portions
        return len(ends(len(self.training), batch_size))

    def counts(self) -> list[int] | None:
        """How often each class occurs in training: every example is read for it."""
        found = torch.zeros(len(self.classes), dtype=torch.int64)
        for index in range(len(self.training)):
            target = torch.as_tensor(self.training[index][1]).flatten()
            found += torch.bincount(target[(target >= 0) & (target < len(found))], minlength=len(found))
        return found.tolist()

    def shown(self, count: int) -> Iterator[tuple[Tensor, Any]]:
        """Some of the images held out, with their targets."""
        return (self.validation[index] for index in spread(len(self.validation), count))

    def faults(self) -> list[Diagnostic]:
        """Why examples cannot be used: all of them are read."""
        found: list[Diagnostic] = []
        for part in (self.training, self.validation):
            for index in range(len(part)):
                try:
                    part[index]
                except UnreadableImage as error:
                    found.append(error.diagnostic)
                if len(found) == MAXIMUM_DIAGNOSTICS:
                    return found
        return found


@record
class LoaderData:
    """Two loaders of the user's, taken as they are; Lightning shares them out among processes.

    A step takes a loader's batch, or so many of them as ``--accumulate`` says.
    """

    classes: tuple[str, ...]
    channels: int
    size: tuple[int, int]
    training: Any
    validation: Any
    normalisation: Normalisation | None = None
    ours: bool = False

    @property
    def images(self) -> tuple[int, int]:
        """The numbers of training and of held-out examples, or of batches where the examples have no number."""
        return _count(self.training), _count(self.validation)

    def training_batches(
        self,
        batch_size: int,
        seed: int,
        share: Share = ALONE,
        augment: Sequence[Transform] = (),
        balanced: bool = False,
    ) -> Any:
        """The user's loader."""
        del batch_size, seed, share
        _without(augment, balanced)
        return self.training

    def validation_batches(self, batch_size: int, share: Share = ALONE) -> Any:
        """The user's loader."""
        del batch_size, share
        return self.validation

    def steps(self, batch_size: int, portions: int) -> int:
        """The number of steps in an epoch."""
        del batch_size
        return -(-len(self.training) // portions)

    def counts(self) -> None:
        """Not known: a loader is read for training alone."""

    def shown(self, count: int) -> Iterator[tuple[Tensor, Any]]:
        """The first of the images held out, with their targets."""
        images, targets = next(iter(self.validation))
        return iter([(images[index], targets[index]) for index in range(min(count, len(images)))])

    def faults(self) -> list[Diagnostic]:
        """None that are ours to find."""
        return []


def given_data(
    training: Any, validation: Any, channels: int, size: tuple[int, int], task: Task, workers: int = 0
) -> DatasetData | LoaderData:
    """A user's data for a network with an input ``[channels, *size]``.

    ``validation`` may be None for a LightningDataModule, which has both.  Raises :class:`SpecError` for other things.
    """
    facts = task.classes, channels, size
    if isinstance(training, lightning.LightningDataModule):
        training.prepare_data()
        training.setup("fit")
        return _loaders(*facts, training.train_dataloader(), training.val_dataloader())
    if validation is None:
        raise SpecError([Diagnostic("no-data", "there is no data to validate on", hint="give `val`, a part held out")])
    if isinstance(training, DataLoader) and isinstance(validation, DataLoader):
        return _loaders(*facts, training, validation)
    for name, each in (("train", training), ("val", validation)):
        fits = hasattr(each, "__getitem__") and isinstance(each, Sized) and not isinstance(each, IterableDataset | str)
        if not fits or isinstance(each, DataLoader):
            message = f"`{name}` is {_kind(each)}, and not a data set with a length and items"
            hint = "give two Datasets, two DataLoaders, a LightningDataModule, or the path of a folder"
            raise SpecError([Diagnostic("no-data", message, hint=hint)])
        if len(each) == 0:
            raise SpecError([Diagnostic("no-data", f"`{name}` has no examples")])
    learnt, held = (Checked(each, channels, size, task) for each in (training, validation))
    pictures = isinstance(_first(training), Image.Image)
    return DatasetData(*facts, learnt, held, workers, NORMALISATION[channels] if pictures else None)


def _loaders(
    classes: tuple[str, ...], channels: int, size: tuple[int, int], training: Any, validation: Any
) -> LoaderData:
    for name, each in (("train", training), ("val", validation)):
        if not isinstance(each, DataLoader) or isinstance(each.dataset, IterableDataset):
            message = f"the loader `{name}` is {_kind(each)}, or has no length"
            raise SpecError([Diagnostic("no-data", message, hint="give a DataLoader over a data set with a length")])
    return LoaderData(classes, channels, size, training, validation)


def orders(loader: Any) -> tuple[torch.Generator, ...]:
    """Generators for a loader and its sampler that have none of their own, so that each epoch's can be seeded.

    Drawn from torch's global generator, an order would depend on what else is drawn before the first batch.
    """
    found: list[torch.Generator] = []
    for each in (loader, getattr(loader, "sampler", None)):
        if each is not None and getattr(each, "generator", loader) is None:
            each.generator = torch.Generator()
            found.append(each.generator)
    return tuple(found)


def _first(examples: Any) -> Any:
    """The first image; None where there is no pair, which is told when it is needed."""
    item = examples[0]
    return item[0] if isinstance(item, tuple | list) and len(item) == 2 else None


def _count(loader: Any) -> int:
    found = getattr(loader, "dataset", None)
    return max(1, len(found) if isinstance(found, Sized) else len(loader))


def _without(augment: Sequence[Transform], balanced: bool) -> None:
    """Data of the user's own is changed by the user's own transforms."""
    if augment or balanced:
        what = "`augment`" if augment else "`balance: sampling`"
        message = f"{what} is for images that archspec reads; these come from a data set of your own"
        raise SpecError([Diagnostic("bad-setting", message, hint="leave it out, and put it into the data set")])
