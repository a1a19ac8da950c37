"""A network in training as a LightningModule: its loss, optimiser and measures.

Imports torch and Lightning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from archspec.training.batches import ALONE, Batches, Share, mixed
from archspec.training.lightning_library import lightning
from archspec.training.losses import Loss
from archspec.training.paths import matching
from archspec.training.recipe import Recipe
from archspec.training.schedules import optimiser, scheduler
from archspec.training.tasks import OutputRole, Task

Mixture = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Training(lightning.LightningModule):
    """A network in training: the loss over its outputs, the recipe's optimiser and schedule.

    ``steps`` is the number of steps in an epoch.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        roles: Mapping[str, OutputRole],
        recipe: Recipe,
        steps: int,
        loss: Loss | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.task = task
        self.roles = dict(roles)
        self.criterion = loss or Loss({name: role.loss_weight for name, role in roles.items()})
        if recipe.label_smoothing is not None:
            self.criterion.label_smoothing = recipe.label_smoothing
        self.recipe = recipe
        self.steps = steps
        self.share: Share = ALONE
        self.batches: Batches | None = None
        """Our own batches, whose parts may differ in size; None for a loader of the user's."""
        self.loaders: tuple[Any, Any] = ((), ())
        """The batches to train on and those held out."""
        self.orders: tuple[torch.Generator, ...] = ()
        """What draws the order of a loader of the user's."""
        self.mixture: Mixture | None = None
        self.channels_last = False
        self.kept: dict[str, Any] = {}
        self.frozen: tuple[str, ...] = ()
        """The paths of steps that are not trained."""
        self.main = next(name for name, role in self.roles.items() if not role.training)
        self.training_metric = task.metric()
        self.validation_metric = task.metric()

    def hold(self, paths: tuple[str, ...]) -> None:
        """Train no parameter under these paths; batch normalisation there keeps its running statistics."""
        self.frozen = paths
        for name, parameter in self.model.named_parameters():
            if matching(name, paths) is not None:
                parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> Training:
        """Training mode, but for what is frozen."""
        super().train(mode)
        for name, module in self.model.named_modules():
            if self.frozen and matching(name, self.frozen) is not None:
                module.eval()
        return self

    def through(self, inputs: Any) -> Any:
        """The network's outputs; this is what ``--compile`` compiles.

        ``Module.compile`` would leave a network that is an ``nn.Sequential`` as it is: dynamo does not look into
        torch's own forwards when they are called first.
        """
        return self.model(inputs)

    def outputs(self, inputs: Tensor) -> dict[str, Tensor]:
        """The network's outputs by name, without those that are None; it returns one tensor or a NamedTuple."""
        if self.channels_last and inputs.ndim == 4:
            inputs = inputs.to(memory_format=torch.channels_last)
        given = self.through(inputs)
        if isinstance(given, Tensor):
            return {self.main: given}
        return {name: output for name, output in zip(self.roles, given, strict=True) if output is not None}

    def loss(self, outputs: Mapping[str, Tensor], target: Tensor) -> Tensor:
        """The spec's loss of these outputs."""
        if len(outputs) == 1:
            return self.criterion(*outputs.values(), target)
        return self.criterion(tuple(outputs.get(name) for name in self.roles), target)

    def train_dataloader(self) -> Any:
        """The batches to train on; Lightning begins the first epoch's, also of a resumed run, as it asks for them."""
        self.on_train_epoch_start()
        return self.loaders[0]

    def val_dataloader(self) -> Any:
        """The batches held out."""
        return self.loaders[1]

    def on_train_start(self) -> None:
        """Training mode: Lightning leaves each module in the mode that it finds."""
        self.train()

    def on_train_epoch_start(self) -> None:
        """Make an epoch's random numbers depend only on seed and epoch, also the order of a loader of the user's."""
        seed = mixed(self.recipe.seed, self.current_epoch)
        torch.manual_seed(seed)
        for generator in self.orders:
            generator.manual_seed(seed)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Make a step's random numbers depend only on seed and step, so that resuming gives the same bits."""
        part = batch_idx % self.share.portions * self.share.world + self.share.rank
        torch.manual_seed(mixed(self.recipe.seed, self.global_step * self.share.parts + part))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        inputs, target = batch
        learnt = target
        if self.mixture is not None:
            inputs, learnt = self.mixture(inputs, target)
        outputs = self.outputs(inputs)
        loss = self.loss(outputs, learnt)
        self.training_metric(outputs[self.main], target)
        shared = self.share.world > 1
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(target), sync_dist=shared)
        self.log(f"train_{self.task.measure}", self.training_metric, on_step=False, on_epoch=True)
        weight = 1.0 if self.batches is None else self.batches.weight(index)
        return loss if weight == 1.0 else loss * weight

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        inputs, target = batch
        output = self.outputs(inputs)[self.main]
        self.validation_metric(output, target)
        loss, shared = self.criterion.one(output, target), self.share.world > 1
        self.log("val_loss", loss, on_epoch=True, batch_size=len(target), sync_dist=shared)
        self.log(f"val_{self.task.measure}", self.validation_metric, on_epoch=True)

    def on_train_epoch_end(self) -> None:
        """Follow the measure, before the epoch's checkpoint: Lightning would do it after, and forget it on resuming."""
        schedule = self.lr_schedulers()
        if isinstance(schedule, ReduceLROnPlateau):
            schedule.step(float(self.trainer.callback_metrics[f"val_{self.task.measure}"]))

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """A step of a schedule; one that follows the measure has taken its own."""
        if not isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the settings of the training in its checkpoint."""
        checkpoint.update(self.kept)

    def configure_optimizers(self) -> Any:
        optimizer = optimiser(self.model, self.recipe)
        return {
            "optimizer": optimizer,
            "lr_scheduler": scheduler(optimizer, self.recipe, self.steps, f"val_{self.task.measure}"),
        }
