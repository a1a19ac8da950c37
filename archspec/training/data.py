"""What training needs of data, whoever reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from archspec.diagnostics import Diagnostic
from archspec.training.batches import ALONE, Share
from archspec.training.settings import Normalisation
from archspec.training.transforms import Transform


class Data(Protocol):
    """Examples to train on and examples held out."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the network's scores."""
        ...

    @property
    def channels(self) -> int:
        """Channels of each image."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of each image."""
        ...

    @property
    def images(self) -> tuple[int, int]:
        """The numbers of training and of held-out examples."""
        ...

    @property
    def normalisation(self) -> Normalisation | None:
        """Mean and standard deviation of each channel, for pixels in [0, 1]; None where a user's own code did that."""
        ...

    @property
    def ours(self) -> bool:
        """Whether the batches are our own, and each process gets only its part of a step."""
        ...

    def steps(self, batch_size: int, portions: int) -> int:
        """The number of steps in an epoch."""
        ...

    def training_batches(
        self,
        batch_size: int,
        seed: int,
        share: Share = ALONE,
        augment: Sequence[Transform] = (),
        balanced: bool = False,
    ) -> Any:
        """A loader of shuffled batches, augmented, each class as often as the others if ``balanced``."""
        ...

    def validation_batches(self, batch_size: int, share: Share = ALONE) -> Any:
        """A loader of the batches held out, in order."""
        ...

    def counts(self) -> list[int] | None:
        """How often each class occurs in training: images, or pixels of masks; None where that is not known."""
        ...

    def shown(self, count: int) -> Iterator[tuple[Any, Any]]:
        """Some of the images held out, spread over them, with their targets."""
        ...

    def faults(self) -> list[Diagnostic]:
        """Why examples cannot be used: all of them are read."""
        ...


def spread(length: int, count: int) -> list[int]:
    """The indices of so many of a data set's examples, spread over it."""
    shown = min(length, count)
    return [round(index * (length - 1) / max(1, shown - 1)) for index in range(shown)]
