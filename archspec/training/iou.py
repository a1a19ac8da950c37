"""Mean intersection over union: torchmetrics', with a figure for each class.

Imports torchmetrics, which must come after Lightning: :mod:`archspec.training.tasks` imports this
when a metric is made.
"""

from __future__ import annotations

from torchmetrics.classification import MulticlassJaccardIndex


class MeanIoU(MulticlassJaccardIndex):
    """The mean over classes of intersection over union, over all pixels seen so far.

    For one class it is the number of pixels where both prediction and truth are the class, over the number where
    either is.  Classes that occur in neither do not count, nor do pixels whose truth is ``ignored``.
    """

    def __init__(self, classes: int, ignored: int) -> None:
        super().__init__(classes, average="macro", ignore_index=ignored, validate_args=False)

    def by_class(self) -> list[float | None]:
        """Intersection over union of each class; None for classes that occur in neither truth nor prediction."""
        intersection = self.confmat.diagonal()
        union = self.confmat.sum(0) + self.confmat.sum(1) - intersection
        pairs = zip(intersection.tolist(), union.tolist(), strict=True)
        return [one / whole if whole else None for one, whole in pairs]
