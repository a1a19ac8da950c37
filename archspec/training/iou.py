"""Mean intersection over union, from torchmetrics' confusion matrix.

torchmetrics' own Jaccard index leaves an ignored class out of the mean, even where the network predicts it at pixels
that count.

Imports torchmetrics, which must come after Lightning: :mod:`archspec.training.tasks` imports this
when a metric is made.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix


class MeanIoU(MulticlassConfusionMatrix):
    """The mean over classes of intersection over union, over all pixels seen so far.

    For one class it is the number of pixels where both prediction and truth are the class, over the number where
    either is.  Classes that occur in neither do not count, nor do pixels whose truth is ``ignored``.
    """

    higher_is_better = True

    def __init__(self, classes: int, ignored: int) -> None:
        super().__init__(classes, ignore_index=ignored, validate_args=False)

    def by_class(self) -> list[float | None]:
        """Intersection over union of each class; None for classes that occur in neither truth nor prediction."""
        intersection = self.confmat.diagonal()
        union = self.confmat.sum(0) + self.confmat.sum(1) - intersection
        pairs = zip(intersection.tolist(), union.tolist(), strict=True)
        return [one / whole if whole else None for one, whole in pairs]

    def compute(self) -> Tensor:
        """The mean over the classes that occur."""
        found = [each for each in self.by_class() if each is not None]
        return torch.tensor(sum(found) / len(found) if found else 0.0, device=self.confmat.device)
