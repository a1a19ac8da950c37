"""Mean intersection over union, accumulated batch by batch.

Imports torchmetrics, which must come after Lightning: :mod:`archspec.training.tasks` imports this
when a metric is made.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric


class MeanIoU(Metric):
    """The mean over classes of intersection over union, over all pixels seen so far.

    For one class it is the number of pixels where both prediction and truth are the class, over the number where
    either is.  Classes that occur in neither do not count, nor do pixels whose truth is ``ignored``.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    confusion: Tensor

    def __init__(self, classes: int, ignored: int) -> None:
        super().__init__()
        self.classes = classes
        self.ignored = ignored
        self.add_state("confusion", torch.zeros(classes, classes, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, scores: Tensor, target: Tensor) -> None:
        """Count the pixels of ``scores``, ``[batch, classes, …]``, against ``target``, ``[batch, …]``."""
        counted = target != self.ignored
        pairs = target[counted] * self.classes + scores.argmax(1)[counted]
        self.confusion += torch.bincount(pairs, minlength=self.classes**2).view(self.classes, self.classes)

    def by_class(self) -> list[float | None]:
        """Intersection over union of each class; None for classes that occur in neither truth nor prediction."""
        intersection = self.confusion.diagonal()
        union = self.confusion.sum(0) + self.confusion.sum(1) - intersection
        pairs = zip(intersection.tolist(), union.tolist(), strict=True)
        return [one / whole if whole else None for one, whole in pairs]

    def compute(self) -> Tensor:
        """The mean over the classes that occur."""
        found = [each for each in self.by_class() if each is not None]
        return torch.tensor(sum(found) / len(found) if found else 0.0, device=self.confusion.device)
