"""Optimisers and learning-rate schedules: a recipe's words as torch's classes.

A schedule is one formula of the step, run by torch's ``LambdaLR``.  torch's ``CosineAnnealingLR`` and its like compute
a rate from the one before: their rounding adds up, a run that is resumed for more epochs rises again after its first
end, and a saved state holds the old length.  The formulas give the same rates (the tests compare) for any step, and a
resumed run has the same bits.  ``ReduceLROnPlateau``, which has no formula, is torch's.

Imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler

from archspec.training.paths import matching, spread
from archspec.training.recipe import Recipe, Schedule

OPTIMISERS: Mapping[str, Callable[..., Optimizer]] = {
    "adadelta": torch.optim.Adadelta,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}
"""The fixed table of optimisers: a recipe's words, never a path that is imported."""


def optimiser(network: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimiser over the network's trained parameters.

    Groups are by learning rate and by whether weights decay: with ``decay: weights`` only those of two or more axes do.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        decays = recipe.decay == "all" or parameter.ndim > 1
        faster = recipe.bias_lr if name.rsplit(".", 1)[-1] == "bias" else 1.0
        key = (factor(name, recipe.layer_lr) * faster, recipe.weight_decay if decays else 0.0)
        groups.setdefault(key, []).append(parameter)
    order = sorted(groups, key=lambda key: (-key[0], -key[1]))
    parameters = [{"params": groups[key], "lr": recipe.lr * key[0], "weight_decay": key[1]} for key in order]
    return OPTIMISERS[recipe.optimizer.word](parameters, lr=recipe.lr, **recipe.optimizer.options.model_dump())


def factor(name: str, factors: Mapping[str, float]) -> float:
    """The factor of the longest path that a parameter lies under; 1 for none."""
    wide = {part: value for path, value in factors.items() for part in spread([path])}
    found = matching(name, tuple(wide))
    return 1.0 if found is None else wide[found]


def scheduler(optimizer: Optimizer, recipe: Recipe, steps_per_epoch: int, monitor: str) -> dict[str, Any]:
    """The recipe's schedule, as Lightning's ``configure_optimizers`` gives it."""
    plateau = recipe.schedule.plateau
    if plateau is not None:
        schedule = lr_scheduler.ReduceLROnPlateau(
            optimizer, mode="max", factor=plateau.factor, patience=plateau.patience, min_lr=plateau.smallest
        )
        return {"scheduler": schedule, "interval": "epoch", "monitor": monitor}
    follow = rate(recipe.schedule, recipe.warm_up, recipe.epochs, steps_per_epoch)
    return {"scheduler": lr_scheduler.LambdaLR(optimizer, follow), "interval": "step"}


def rate(schedule: Schedule, warm_up: float, epochs: int, steps_per_epoch: int) -> Callable[[int], float]:
    """The learning rate at a step, counted from 0, as a fraction of its peak: a line upwards, then the schedule."""
    steps = epochs * steps_per_epoch
    rising = max(1, round(warm_up * steps)) if warm_up else 0
    falling = _falling(schedule, rising, steps, steps_per_epoch)
    return lambda step: (step + 1) / rising if step < rising else falling(step)


def _falling(schedule: Schedule, rising: int, steps: int, steps_per_epoch: int) -> Callable[[int], float]:
    """The schedule after the warm-up, by the step of the whole training."""

    def done(step: int) -> float:
        return min(1.0, (step - rising) / max(1, steps - rising))

    if (cosine := schedule.cosine) is not None:
        return lambda step: cosine.to + (1 - cosine.to) * 0.5 * (1 + math.cos(math.pi * done(step)))
    if (poly := schedule.poly) is not None:
        return lambda step: (1 - done(step)) ** poly.power
    if (exponential := schedule.exponential) is not None:
        return lambda step: exponential.factor ** (step // steps_per_epoch)
    if (stairs := schedule.step) is not None:
        return lambda step: stairs.factor ** _stairs(step // steps_per_epoch, stairs.epochs, stairs.every)
    return lambda step: 1.0


def _stairs(epoch: int, epochs: Sequence[int] | None, every: int | None) -> int:
    """How many stairs are passed after so many epochs."""
    if every is not None:
        return epoch // every
    return sum(epoch >= each for each in epochs or ())
