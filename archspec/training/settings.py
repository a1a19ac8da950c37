"""The settings of a run, which cannot be changed when it is resumed: kept in its checkpoints and in its folder.

Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from archspec.diagnostics import Diagnostic, printable
from archspec.records import record
from archspec.training.machine import ONE, Machine
from archspec.training.recipe import Recipe
from archspec.training.run_folder import Count, read_json, whole, write_json

_COMMENT = re.compile(r"  +#.*$", re.MULTILINE)


@record
class About:
    """What is trained and by which call, for people to read in ``run.json`` and ``spec.yaml``."""

    spec: str = ""
    """The fully expanded spec."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """Plain data: the spec's name, its parameters, rewrites and sizes, the version of archspec."""
    call: tuple[str, ...] = ()
    """The command line's arguments."""

    @property
    def network(self) -> str:
        """The expanded spec without comments, which mention lines of files; it is the same for the same network."""
        return _COMMENT.sub("", self.spec)


@record
class Options:
    """The options of a training.

    ``recipe`` is how to train; ``epochs``, ``batch_size``, ``lr`` and ``seed`` take the place of the recipe's if they
    are given.  ``weights`` is a file loaded before training, or a library's name for weights; a head for another number
    of classes than the data's starts anew.  ``loggers`` also get what ``metrics.csv`` has.

    ``resume`` continues from a checkpoint, or, if True, from ``last.ckpt`` in the output folder, with the settings of
    that run: ``epochs`` may differ, any other difference is refused.  A run that was killed after its last epoch is
    completed.  Without ``resume``, a folder that holds a run is refused unless ``overwrite`` is True.
    """

    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    seed: int | None = None
    device: str = "auto"
    weights: Path | str | None = None
    resume: Path | str | bool = False
    overwrite: bool = False
    recipe: Recipe | None = None
    machine: Machine = ONE
    loggers: tuple[str, ...] = ()

    @property
    def given(self) -> dict[str, Any]:
        """The settings that are given."""
        found = {"epochs": self.epochs, "batch_size": self.batch_size, "lr": self.lr, "seed": self.seed}
        recipe = {} if self.recipe is None else self.recipe.model_dump(exclude=set(TOLD))
        return recipe | {name: value for name, value in found.items() if value is not None}


PLAIN = Options()
"""The options of a training that is given none."""

TOLD = ("recipe", "name", "doc", "source")
"""What a recipe says of itself, which decides nothing."""


class Settings(Recipe):
    """Everything that determines the result of a training: the recipe, the data, the network.

    The number of epochs may be raised later.
    """

    classes: tuple[str, ...]
    channels: Count
    size: tuple[Count, Count]
    images: tuple[Count, Count]
    """The numbers of training and of held-out examples."""
    network: str

    def conflicts(self, given: Mapping[str, Any]) -> tuple[str, ...]:
        """The differences between a call and these settings, in words: the call's value, and ours."""
        found = {name: (value, recorded) for name, value in given.items() if value != (recorded := self.told(name))}
        return tuple(
            "the network is different"
            if name == "network"
            else f"{_TITLES.get(name, f'`{name}` is')} {_said(value)}, was {_said(begun)}"
            for name, (value, begun) in found.items()
        )

    @property
    def plain(self) -> dict[str, Any]:
        """The settings as plain data, without what a recipe says of itself."""
        return self.model_dump(exclude=set(TOLD))

    def told(self, name: str) -> Any:
        """The value of a setting as plain data."""
        return self.plain[name]


_TITLES = {
    "batch_size": "`--batch-size` is",
    "lr": "`--lr` is",
    "seed": "`--seed` is",
    "classes": "the data's classes are",
    "channels": "channels of the input:",
    "size": "height and width of the input:",
    "images": "images for training and validation:",
}


def _said(value: Any) -> str:
    return printable(", ".join(map(str, value)) if isinstance(value, tuple) else str(value), 60)


def faults(error: ValidationError, *before: str) -> list[str]:
    """What is wrong with settings, field by field; ``before`` is the path of keys to them."""
    return [
        f"`{printable('.'.join(map(str, (*before, *each['loc']))))}`: {each['msg'].lower()}" for each in error.errors()
    ]


Normalisation = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel, for pixels in [0, 1]."""


def write_record(folder: Path, about: About, settings: Settings, normalisation: Normalisation | None) -> None:
    """Write ``run.json``, to which each call is appended, and ``spec.yaml`` into the folder."""
    mean, std = normalisation or (None, None)
    calls = read_json(folder / "run.json").get("calls")
    said = {"words": list(about.call), "epochs": settings.epochs}
    told = {
        **about.told,
        **{name: value for name, value in settings.plain.items() if name != "network"},
        "mean": mean,
        "std": std,
        "calls": [*(calls if isinstance(calls, list) else ()), said],
    }
    if about.spec:
        with whole(folder / "spec.yaml") as file:
            file.write(about.spec.encode("utf-8", "backslashreplace"))
    write_json(folder / "run.json", told)


def changed(conflicts: tuple[str, ...], start: Path) -> Diagnostic:
    """The error of a call that would change a run's settings."""
    message = f"`--resume` keeps the settings of `{printable(str(start))}`, and these options would change them"
    hint = "leave the options out to keep the settings; `--weights` starts a new training from these weights"
    return Diagnostic("conflicting-options", message, hint=hint, details=conflicts)
