"""What a run was begun with, and cannot be changed when it is resumed: kept in its checkpoints, and in its folder.

Nothing here imports torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from archspec.diagnostics import Diagnostic, printable
from archspec.records import record
from archspec.training.run_folder import read_json, whole, write_json

Count = Annotated[int, Field(ge=1)]

_COMMENT = re.compile(r"  +#.*$", re.MULTILINE)


@record
class About:
    """What is trained and by which call: told to people, in ``run.json`` and ``spec.yaml``."""

    spec: str = ""
    """The spec expanded, with nothing left to resolve."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """Plain data: the spec's name, its parameters, rewrites and sizes, the version of archspec."""
    call: tuple[str, ...] = ()
    """The words of the command line."""

    @property
    def network(self) -> str:
        """The expanded spec without comments, which tell lines of files: the same for the same network."""
        return _COMMENT.sub("", self.spec)


class Settings(BaseModel):
    """All that decides what a training comes to, but for the number of epochs, which may grow."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    epochs: Count
    batch_size: Count
    lr: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    seed: Annotated[int, Field(ge=0)]
    classes: tuple[str, ...]
    channels: Count
    size: tuple[Count, Count]
    images: tuple[Count, Count]
    """To learn from, and held out."""
    network: str

    def conflicts(self, given: Mapping[str, Any]) -> tuple[str, ...]:
        """What of a call differs from these, in words: a call's value, and ours."""
        found = {name: (value, recorded) for name, value in given.items() if value != (recorded := self.told(name))}
        return tuple(
            "the network is different" if name == "network" else f"{_TITLES[name]} {_said(value)}, was {_said(begun)}"
            for name, (value, begun) in found.items()
        )

    def told(self, name: str) -> Any:
        """A value by its name."""
        return self.model_dump()[name]


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
    """What is wrong with settings, field by field; ``before`` are the keys that they lie under."""
    return [
        f"`{printable('.'.join(map(str, (*before, *each['loc']))))}`: {each['msg'].lower()}" for each in error.errors()
    ]


def write_record(folder: Path, about: About, settings: Settings) -> None:
    """Tell the folder what is trained in it: ``run.json``, to which each call is added, and ``spec.yaml``."""
    calls = read_json(folder / "run.json").get("calls")
    said = {"words": list(about.call), "epochs": settings.epochs}
    told = {
        **about.told,
        **settings.model_dump(exclude={"network"}),
        "calls": [*(calls if isinstance(calls, list) else ()), said],
    }
    if about.spec:
        with whole(folder / "spec.yaml") as file:
            file.write(about.spec.encode("utf-8", "backslashreplace"))
    write_json(folder / "run.json", told)


def changed(conflicts: tuple[str, ...], start: Path) -> Diagnostic:
    """What is said to a call that would change what a run was begun with."""
    message = f"`--resume` keeps the settings of `{printable(str(start))}`, and these options would change them"
    hint = "leave the options out to keep the settings; `--weights` starts a new training from these weights"
    return Diagnostic("conflicting-options", message, hint=hint, details=conflicts)
