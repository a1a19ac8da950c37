"""Where a run begins: a new one with its settings, or a checkpoint's with those that it had."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.running import devices
from archspec.training.data import Data
from archspec.training.lightning_library import lightning
from archspec.training.run_folder import begin, clear_partial, read_json
from archspec.training.settings import About, Options, Settings, changed, faults
from archspec.training.standing import settings_of


def begins_at(options: Options, folder: Path) -> tuple[torch.device, Path | None]:
    """The device of a run, and the checkpoint it resumes from."""
    if options.weights is not None and options.resume is not False:
        message = "`--weights` starts a training and `--resume` continues one: use only one of them"
        raise SpecError([Diagnostic("conflicting-options", message)])
    place = devices.find(options.device)
    if options.resume is False:
        return place, None
    return place, folder / "last.ckpt" if options.resume is True else Path(options.resume)


def prepare_folder(folder: Path, start: Path | None, overwrite: bool) -> None:
    """Prepare the folder for a new run, or for resuming the run it has."""
    if start is not None and start.parent.resolve() == folder.resolve():
        clear_partial(folder)
    else:
        begin(folder, overwrite)


def settings_of_new(data: Data, about: About, given: Mapping[str, Any]) -> Settings:
    """The settings of a new run."""
    try:
        return Settings(**given, **facts(data), network=about.network)
    except ValidationError as error:
        message = "these training settings are not valid"
        raise SpecError([Diagnostic("bad-setting", message, details=tuple(faults(error)))]) from None


def resumed(data: Data, about: About, given: Mapping[str, Any], content: Mapping[Any, Any], start: Path) -> Settings:
    """The settings of a checkpoint's run, if the call agrees with them; only the number of epochs may differ."""
    begun = settings_of(content, start)
    asked = {**given, **facts(data), "epochs": begun.epochs}
    if about.network and begun.network:
        asked["network"] = about.network
    conflicts = begun.conflicts(asked)
    if conflicts:
        raise SpecError([changed(conflicts, start)])
    return begun.model_copy(update={"epochs": given.get("epochs", begun.epochs)})


def facts(data: Data) -> dict[str, Any]:
    """The settings that follow from the data."""
    return {"classes": data.classes, "channels": data.channels, "size": data.size, "images": data.images}


def epochs_left(content: Mapping[str, Any], engine: lightning.Trainer, settings: Settings) -> int:
    """The number of epochs that a resumed run has before it; none after an early stop."""
    for callback in engine.early_stopping_callbacks:
        counted = content["callbacks"][callback.state_key]["wait_count"]
        if settings.early_stop is not None and counted >= settings.early_stop:
            return 0
    return settings.epochs - content["epoch"] - 1


def check_left(left: int, done: int, start: Path, folder: Path, settings: Settings) -> None:
    """Refuse to resume a run that has ended, unless its last files are still to be written."""
    unfinished = start == folder / "last.ckpt" and not (
        read_json(folder / "result.json").get("epochs") == settings.epochs and (folder / "weights.pt").is_file()
    )
    if left > 0 or (left == 0 and unfinished):
        return
    message = f"`{printable(str(start))}` has already finished {done} of {settings.epochs} epochs"
    raise SpecError([Diagnostic("nothing-to-train", message, hint="to continue, use a larger `--epochs`")])
