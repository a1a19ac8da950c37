"""Batches for one process or several: the same images in each step, however they are shared out.

A step takes at most ``batch_size`` images in the order of the epoch.  Each of the devices takes its part of them, and
each part may be taken in several portions one after another (``--accumulate``).  No image is left out or taken twice.
The parts of one step differ by at most an image; :meth:`Batches.weight` makes the mean of their losses the step's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from archspec.records import record


@record
class Share:
    """Which part of each step a process takes."""

    rank: int = 0
    world: int = 1
    """The number of processes."""
    portions: int = 1
    """The number of portions that each takes one after another."""

    @property
    def parts(self) -> int:
        """The number of parts of a step."""
        return self.world * self.portions

    def bounds(self, images: int, portion: int) -> tuple[int, int]:
        """Where a portion of this process begins and ends in a step of so many images."""
        number = portion * self.world + self.rank
        return number * images // self.parts, (number + 1) * images // self.parts


ALONE = Share()


def mixed(seed: int, number: int) -> int:
    """A seed for one step, epoch or image, different from those of others."""
    return (seed * 1_000_000_007 + number + 1) % 2**63


class Shuffled(Sampler[int]):
    """A permutation for each epoch; it depends only on the seed and the epoch.

    With ``weights`` the epoch is drawn with replacement, each image with a chance in proportion to its weight.
    """

    def __init__(self, length: int, seed: int, weights: Tensor | None = None) -> None:
        self.length = length
        self.seed = seed
        self.weights = weights
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; Lightning calls this before each one."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(mixed(self.seed, self.epoch))
        if self.weights is not None:
            return iter(torch.multinomial(self.weights, self.length, True, generator=generator).tolist())
        return iter(torch.randperm(self.length, generator=generator).tolist())


class InOrder(Shuffled):
    """The images in order, in every epoch."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.length))


class Batches(Sampler[list[int]]):
    """The batches of one process: lists of indices, or with ``numbered`` of ``epoch · length + index``."""

    def __init__(self, order: Shuffled, batch_size: int, share: Share = ALONE, numbered: bool = False) -> None:
        self.sampler = order  # under this name Lightning tells it the epoch
        self.batch_size = batch_size
        self.share = share
        self.numbered = numbered
        self._ends = ends(len(order), batch_size)

    def __len__(self) -> int:
        return len(self._ends) * self.share.portions

    def __iter__(self) -> Iterator[list[int]]:
        order = list(self.sampler)
        first = self.sampler.epoch * len(order) if self.numbered else 0
        begin = 0
        for end in self._ends:
            for portion in range(self.share.portions):
                low, high = self.share.bounds(end - begin, portion)
                yield [first + index for index in order[begin + low : begin + high]]
            begin = end

    def weight(self, batch: int) -> float:
        """The factor of a batch's mean loss with which the mean over all parts is the mean over the step's images."""
        step, portion = divmod(batch, self.share.portions)
        images = self._ends[step] - (self._ends[step - 1] if step else 0)
        low, high = self.share.bounds(images, portion)
        return (high - low) * self.share.parts / images


def ends(length: int, batch_size: int) -> list[int]:
    """Where each step of an epoch ends: as few steps as there can be, whose sizes differ by at most one image.

    So no step is left with one image, on which batch normalisation cannot train, whatever the number of processes.
    """
    steps = -(-length // batch_size)
    return [(step + 1) * length // steps for step in range(steps)]


class Held(Sampler[list[int]]):
    """The images held out, in order: each process takes every so many-th, and none is taken twice."""

    def __init__(self, length: int, batch_size: int, share: Share = ALONE) -> None:
        self.indices = range(share.rank, length, share.world)
        self.batch_size = max(1, batch_size // share.parts)

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        for begin in range(0, len(self.indices), self.batch_size):
            yield list(self.indices[begin : begin + self.batch_size])


def loader(examples: Dataset[Any], batches: Sampler[list[int]], workers: int) -> DataLoader[Any]:
    """A loader of examples in our own batches; its processes stay from one epoch to the next."""
    return DataLoader(examples, batch_sampler=batches, num_workers=workers, persistent_workers=workers > 0)
