"""The loss of a spec as a torch module.

Imports torch, so only modules that run a network may import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from archspec.graph import Graph


class Loss(nn.Module):
    """Cross-entropy between a network's outputs and class indices, each output multiplied by its weight.

    For ``scores`` of shape ``[batch, classes, …]`` and ``target`` of ``[batch, …]`` one output's loss is the mean over
    all positions (pixels, in segmentation) of −log softmax(scores)[target]; positions whose target is ``ignore`` are
    left out of the mean, and class ``weights`` make it the weighted mean.  With several outputs (auxiliary
    classifiers, in training) the result is the sum of each one's loss times its weight.
    """

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
        return functional.cross_entropy(
            scores,
            target,
            weight=weights,
            ignore_index=-100 if self.ignore is None else self.ignore,
            label_smoothing=self.label_smoothing,
        )

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
