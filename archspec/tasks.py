"""What a network is trained for: the loss that is minimised, the measure that is reported, the outputs that will do.

Imports torch, so only what runs a network may import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from torch import Tensor
from torch.nn import functional

from archspec.diagnostics import Diagnostic, printable

if TYPE_CHECKING:
    from torchmetrics import Metric


@dataclass(frozen=True, slots=True)
class OutputRole:
    """What an output of the network is to training: its weight in the loss, and whether it lives in training only."""

    loss_weight: float = 1.0
    training: bool = False


class Task(Protocol):
    """What is learnt.  One object of this kind is all that training knows of it."""

    @property
    def measure(self) -> str:
        """The measure's name, such as ``accuracy``; higher is better."""
        ...

    def metric(self) -> Metric:
        """A fresh metric that gathers outputs and targets into the measure."""
        ...

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of one output, averaged over the batch."""
        ...

    def fault(self, name: str, shape: Sequence[int]) -> Diagnostic | None:
        """Why an output of this shape, the batch left out, cannot be trained on; None when it can."""
        ...


@dataclass(frozen=True, slots=True)
class Classification:
    """One class for each image: cross-entropy, and the part of the images whose class is found."""

    classes: tuple[str, ...]
    measure: str = "accuracy"

    def metric(self) -> Metric:
        """Accuracy over all images, not averaged by class."""
        from torchmetrics.classification import MulticlassAccuracy  # after Lightning: see archspec/train.py

        return MulticlassAccuracy(len(self.classes), average="micro")

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of ``[batch, classes]`` with class indices."""
        return functional.cross_entropy(output, target)

    def fault(self, name: str, shape: Sequence[int]) -> Diagnostic | None:
        """Outputs are ``[classes]``, as many as the data has."""
        count = len(self.classes)
        if len(shape) != 1:
            message = f"output `{name}` is {list(shape)}; to tell {count} classes apart it must be [{count}]"
            return Diagnostic("output-shape", message, hint="end the network in `global_avg_pool`, `flatten`, `linear`")
        if shape[0] == count:
            return None
        listed = ", ".join(printable(each, 30) for each in self.classes[:5]) + (", …" if count > 5 else "")
        message = f"output `{name}` tells {shape[0]} classes apart, the data has {count}: {listed}"
        return Diagnostic("class-count", message, hint=f"`--set classes={count}`, if that is what the spec calls them")
