"""Checks a training checkpoint, before it is loaded, against what this training would write itself.

Lightning's loops and torch's optimisers trust a checkpoint.  So each field that they read is compared with the one
they would write: the same keys, types and shapes, and numbers that agree with one another.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.running.checkpoint_files import described, not_plain, read_checkpoint
from archspec.running.weights import check_weights, network_weights, shapes
from archspec.training.lightning_library import callbacks, lightning
from archspec.training.module import Training
from archspec.training.settings import Settings, faults

SETTINGS = "archspec"
"""The key of the :class:`Settings` in a checkpoint."""

AVERAGED = {"n_averaged": torch.zeros((), dtype=torch.int64)}
"""What Lightning keeps of an average of weights besides the weights."""

STEPS = "epoch_loop.automatic_optimization.optim_progress"

LISTED = 5


def read_own(path: Path) -> dict[Any, Any]:
    """The contents of a training checkpoint; its fields are not checked yet.

    Raises :class:`SpecError` if it is not a training checkpoint, or cannot be read.
    """
    content = read_checkpoint(path)
    if "epoch" not in content or ("loops" not in content and SETTINGS not in content):
        message = f"`{printable(str(path))}` holds weights, but no training state"
        raise SpecError(
            [Diagnostic("unreadable-weights", message, hint="`--weights` starts a new training from weights")]
        )
    return content


def settings_of(content: Mapping[Any, Any], path: Path) -> Settings:
    """The settings of a checkpoint's training.  Raises :class:`SpecError` that names the wrong fields."""
    if SETTINGS not in content:
        raise refused(path, [f"`{SETTINGS}` is missing"])
    try:
        settings = Settings.model_validate(content[SETTINGS])
    except ValidationError as error:
        raise refused(path, faults(error, SETTINGS)) from None
    wrong = list(_differences(content[SETTINGS], settings.plain, SETTINGS))
    if wrong:  # a default does not stand for what a checkpoint lacks
        raise refused(path, wrong)
    return settings


def checked(
    content: Mapping[Any, Any], path: Path, training: Training, trainer: lightning.Trainer, steps: int
) -> dict[str, Any]:
    """The fields of a checkpoint that are read, all of them checked; ``steps`` is the number of steps in one epoch.

    Raises :class:`SpecError` that names the wrong fields.
    """
    wanted = shapes(training.model)
    if isinstance(content.get("state_dict"), dict):
        check_weights(network_weights(content, wanted, path).state, wanted, path)
    own = _own(training, trainer, content)
    found = {key: content[key] for key in own if key in content}
    wrong = list(_differences({**found, **_chosen(found, own)}, own, ""))
    wrong = wrong or list(_disagreements(found, own, steps))
    if wrong:
        raise refused(path, wrong)
    return {**found, **_chosen(found, own), "pytorch-lightning_version": version("lightning")}


def _chosen(found: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Our part of mappings that others write to as well."""
    return {
        name: {key: found[name][key] for key in own[name] if key in found[name]}
        for name in ("loops", "callbacks")
        if isinstance(found.get(name), dict)
    }


def _own(training: Training, trainer: lightning.Trainer, content: Mapping[Any, Any]) -> dict[str, Any]:
    """What this training would write: types and shapes, without data."""
    shadow = copy.deepcopy(training).to("meta")
    configured = shadow.configure_optimizers()
    optimizer, schedule = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    for parameter in shadow.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    state = optimizer.state_dict()
    learnt = _at(content, "optimizer_states", 0, "state")  # a parameter without a gradient so far has no state
    if isinstance(learnt, dict):
        state["state"] = {index: each for index, each in state["state"].items() if index in learnt}
    watching: list[callbacks.Callback] = trainer.callbacks  # pyright: ignore[reportAttributeAccessIssue]
    scaler = trainer.precision_plugin.state_dict()
    averaged = any(isinstance(each, callbacks.WeightAveraging) for each in watching)
    return {
        "epoch": 0,
        "global_step": 0,
        "state_dict": shadow.state_dict(),
        "loops": {"fit_loop": trainer.fit_loop.state_dict()},
        "callbacks": {each.state_key: kept for each in watching if (kept := each.state_dict())},
        "optimizer_states": [state],
        "lr_schedulers": [schedule.state_dict()],
        **({type(trainer.precision_plugin).__qualname__: scaler} if scaler else {}),
        **({"current_model_state": shadow.state_dict(), "averaging_state": AVERAGED} if averaged else {}),
    }


def _differences(found: Any, own: Any, where: str) -> Iterator[str]:
    """The fields whose type or shape is not what we would write."""
    if isinstance(own, Mapping) and isinstance(found, dict):
        for key in own:
            name = f"{where}.{key}" if where else str(key)
            if key in found:
                yield from _differences(found[key], own[key], name)
            else:
                yield f"`{name}` is missing"
        yield from (f"`{where}.{printable(str(key), 60)}` is unknown" for key in found if key not in own)
    elif isinstance(own, list | tuple) and isinstance(found, list | tuple):
        if len(found) != len(own):
            yield f"`{where}` has {len(found)} entries, not {len(own)}"
            return
        for index, (one, other) in enumerate(zip(found, own, strict=True)):
            yield from _differences(one, other, f"{where}.{index}")
    elif isinstance(own, Tensor):
        kinds = [described(each) for each in (found, torch.empty(own.shape))]
        if not_plain(found) or kinds[0] != kinds[1]:
            yield f"`{where}` is {kinds[0]}, not {kinds[1]}"
        elif found.dtype != own.dtype:
            yield f"`{where}` is of {found.dtype}, not {own.dtype}"
    elif type(found) is not type(own) and not (type(own) is float and type(found) is int):
        yield f"`{where}` is {described(found)}, not {described(own)}"
    elif type(own) is int and found < 0:
        yield f"`{where}` is {found}, below 0"


def _disagreements(found: Mapping[str, Any], own: Mapping[str, Any], steps: int) -> Iterator[str]:
    """The numbers in a checkpoint that contradict one another; their types are right already."""
    epochs, loop = found["epoch"] + 1, found["loops"]["fit_loop"]
    done, before = f"{epochs} epochs of {steps} steps", f"`epoch` {epochs - 1}"
    told = {
        "global_step": (found["global_step"], epochs * steps, done),
        f"loops.fit_loop.{STEPS}": (loop[STEPS]["optimizer"]["step"]["total"]["completed"], epochs * steps, done),
        "loops.fit_loop.epoch_progress": (loop["epoch_progress"]["current"]["processed"], epochs, before),
    }
    schedule, begun = found["lr_schedulers"][0], own["lr_schedulers"][0]
    if "base_lrs" in begun:
        told["lr_schedulers.0.last_epoch"] = (schedule["last_epoch"], epochs * steps, done)
        told["lr_schedulers.0.base_lrs"] = (schedule["base_lrs"], begun["base_lrs"], f"`{SETTINGS}.lr`")
    else:  # of a plateau
        told["lr_schedulers.0.last_epoch"] = (schedule["last_epoch"], epochs, before)
    for name, (has, should, said) in told.items():
        if has != should:
            yield f"`{name}` does not agree with {said}"


def _at(value: Any, *keys: Any) -> Any:
    """The value at a path in nested data; None if there is none."""
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list | tuple) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def refused(path: Path, wrong: list[str]) -> SpecError:
    """The error of a checkpoint that training cannot continue from."""
    message = f"`{printable(str(path))}` is not a checkpoint that this training can continue from"
    details = (*wrong[:LISTED], *([f"and {len(wrong) - LISTED} more"] if len(wrong) > LISTED else []))
    hint = "`--weights` starts a new training from its weights"
    return SpecError([Diagnostic("bad-checkpoint", message, hint=hint, details=details)])
