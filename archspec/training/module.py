"""A network in training as a LightningModule: its loss, optimiser and measures.

Imports torch and Lightning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from archspec.training.images import mixed
from archspec.training.lightning_library import lightning
from archspec.training.losses import Loss
from archspec.training.tasks import OutputRole, Task

WEIGHT_DECAY = 1e-2
WARM_UP = 0.1
"""The fraction of all steps in which the learning rate rises to its peak; then it falls to zero by half a cosine."""


class Training(lightning.LightningModule):
    """A network in training: the loss over its outputs, AdamW, a warm-up and a cosine schedule."""

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        roles: Mapping[str, OutputRole],
        lr: float,
        steps: int,
        seed: int,
        loss: Loss | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.task = task
        self.roles = dict(roles)
        self.criterion = loss or Loss({name: role.loss_weight for name, role in roles.items()})
        self.lr = lr
        self.steps = steps
        self.seed = seed
        self.kept: dict[str, Any] = {}
        self.main = next(name for name, role in self.roles.items() if not role.training)
        self.training_metric = task.metric()
        self.validation_metric = task.metric()

    def outputs(self, inputs: Tensor) -> dict[str, Tensor]:
        """The network's outputs by name, without those that are None; it returns one tensor or a NamedTuple."""
        given = self.model(inputs)
        if isinstance(given, Tensor):
            return {self.main: given}
        return {name: output for name, output in zip(self.roles, given, strict=True) if output is not None}

    def loss(self, outputs: Mapping[str, Tensor], target: Tensor) -> Tensor:
        """The spec's loss of these outputs."""
        if len(outputs) == 1:
            return self.criterion(*outputs.values(), target)
        return self.criterion(tuple(outputs.get(name) for name in self.roles), target)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Make a step's random numbers depend only on seed and step, so that resuming gives the same bits."""
        torch.manual_seed(mixed(self.seed, self.global_step))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        inputs, target = batch
        outputs = self.outputs(inputs)
        loss = self.loss(outputs, target)
        self.training_metric(outputs[self.main], target)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(target))
        self.log(f"train_{self.task.measure}", self.training_metric, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        inputs, target = batch
        output = self.outputs(inputs)[self.main]
        self.validation_metric(output, target)
        self.log("val_loss", self.criterion.one(output, target), on_epoch=True, batch_size=len(target))
        self.log(f"val_{self.task.measure}", self.validation_metric, on_epoch=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the settings of the training in its checkpoint."""
        checkpoint.update(self.kept)

    def configure_optimizers(self) -> Any:
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        groups = [
            {"params": [each for each in trained if each.ndim > 1], "weight_decay": WEIGHT_DECAY},
            {"params": [each for each in trained if each.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=self.lr)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, self.steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def rate(step: int, steps: int) -> float:
    """The learning rate at ``step`` of ``steps``, as a fraction of its peak."""
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, steps - warm_up))))
