"""The loss of a spec as a torch module.

Imports torch, so only modules that run a network may import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from archspec.graph import Graph
from archspec.training.border import border_weights


class Loss(nn.Module):
    """Cross-entropy between a network's outputs and class indices, each output multiplied by its weight.

    For ``scores`` of shape ``[batch, classes, …]`` and ``target`` of ``[batch, …]`` one output's loss is the mean over
    all positions (pixels, in segmentation) of −log softmax(scores)[target]; positions whose target is ``ignore`` are
    left out of the mean, and class ``weights`` make it the weighted mean.  With several outputs (auxiliary
    classifiers, in training) the result is the sum of each one's loss times its weight.

    With a ``border``, w₀ and σ of U-Net's equation 2, each pixel is multiplied by its class's weight plus that of the
    border between cells: :func:`border_weights`.  The mean then divides by the number of pixels, not by their weights:
    it is U-Net's equation 1 over that number.
    """

    border: tuple[float, float] | None = None

    def __init__(
        self,
        outputs: Mapping[str, float],
        ignore: int | None = None,
        weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.outputs = dict(outputs)
        self.ignore = ignore
        self.label_smoothing = label_smoothing
        self.register_buffer("weights", None if weights is None else torch.tensor(list(weights)), persistent=False)

    def one(self, scores: Tensor, target: Tensor) -> Tensor:
        """The loss of one output."""
        weights = self.weights
        assert weights is None or isinstance(weights, Tensor)
        if self.border is not None:
            return self._bordered(scores, target, weights, self.border)
        return functional.cross_entropy(
            scores,
            target,
            weight=weights,
            ignore_index=self.ignored,
            label_smoothing=self.label_smoothing,
        )

    @property
    def ignored(self) -> int:
        """The target that is left out; −100 is torch's own."""
        return -100 if self.ignore is None else self.ignore

    def _bordered(self, scores: Tensor, target: Tensor, weights: Tensor | None, border: tuple[float, float]) -> Tensor:
        """The mean over pixels of −log p, each by its class's weight and the weight of the border that it lies in."""
        labelled = target != self.ignored
        masked = torch.where(labelled, target, -1)
        by_class = torch.ones_like(masked, dtype=scores.dtype) if weights is None else weights[masked]
        losses = functional.cross_entropy(
            scores, target, ignore_index=self.ignored, label_smoothing=self.label_smoothing, reduction="none"
        )
        return ((by_class + border_weights(masked, *border)) * losses).sum() / labelled.sum()

    def forward(self, outputs: Tensor | tuple[Tensor | None, ...], target: Tensor) -> Tensor:
        """The loss of a network's result: a tensor, or a named tuple of outputs, of which None are skipped."""
        if isinstance(outputs, Tensor):
            return self.one(outputs, target)
        named = zip(self.outputs.items(), outputs, strict=True)
        losses = [weight * self.one(scores, target) for (_, weight), scores in named if weight and scores is not None]
        return torch.stack(losses).sum() if len(losses) > 1 else losses[0]


def build(graph: Graph) -> Loss:
    """The loss of a network as its spec's ``loss:`` and ``outputs:`` define it."""
    outputs = {output.name: output.loss_weight for output in graph.outputs}
    return Loss(outputs, graph.loss.ignore, graph.loss.weights, graph.loss.label_smoothing)
