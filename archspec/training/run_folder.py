"""The folder of a run: each file is written whole or not at all, and only one training may use it at a time.

A run that is killed, or whose disk is full, leaves the files as they were before.  :func:`read_run` gives what the
folder says of the network that was trained: all that using it needs, besides the images.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from archspec.characters import json_text
from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.syntax import is_file, open_regular

FILES = (
    "last.ckpt", "best.ckpt", "weights.pt", "metrics.csv", "result.json", "run.json", "spec.yaml", "predictions.png",
    "curves.png",
)  # fmt: skip
"""The files that a run may write, by name."""

TELLING = ("last.ckpt", "result.json")
"""The files that mark a folder as holding a run worth keeping."""

PARTIAL = ".partial"
"""The suffix of a file's name while it is being written."""

RECORD = "run.json"
SPEC = "spec.yaml"
WEIGHTS = ("weights.pt", "best.ckpt")
"""The files with a run's best weights; the first is written at the end."""

RECORD_BYTES = 16 * 2**20
"""``run.json`` may be this large: names for a million classes."""

Count = Annotated[int, Field(ge=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

_held: set[int] = set()
"""The locked folders of this process."""


def _let_go() -> None:
    """Release the locks in a forked child, a data loader's worker: it may outlive a killed training, and must not keep
    its folder locked."""
    while _held:
        os.close(_held.pop())


if fcntl is not None:
    os.register_at_fork(after_in_child=_let_go)


@contextmanager
def alone(folder: Path, what: str = "training") -> Iterator[None]:
    """Create the folder and lock it; the lock is released however the process ends.

    Raises :class:`SpecError` ``output-folder`` if it cannot be created, or another has locked it; ``what`` names it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = None if fcntl is None else os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise SpecError([_unwritable(folder, error)]) from None
    if fcntl is None or handle is None:
        yield
        return
    _held.add(handle)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another {what} is writing to `{printable(str(folder))}`"
            raise SpecError(
                [Diagnostic("output-folder", message, hint=f"choose another folder for this {what}")]
            ) from None
        except OSError:  # the file system has no locks
            pass
        yield
    finally:
        if handle in _held:  # not in a child, where it is already closed
            _held.remove(handle)
            os.close(handle)


def begin(folder: Path, overwrite: bool) -> None:
    """Remove the files of an earlier run.  Raises :class:`SpecError` if there is one to keep."""
    if not overwrite and any((folder / name).exists() for name in TELLING):
        message = f"`{printable(str(folder))}` already has a run"
        hint = "continue it with `--resume`, replace it with `--overwrite`, or choose another folder"
        raise SpecError([Diagnostic("output-folder", message, hint=hint)])
    clear_partial(folder)
    try:
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise SpecError([_unwritable(folder, error)]) from None


def clear_partial(folder: Path) -> None:
    """Remove the partial files of a killed run."""
    for name in FILES:
        (folder / f"{name}{PARTIAL}").unlink(missing_ok=True)


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A context manager for writing a file, which replaces an existing one only when it is wholly on the disk.

    Raises :class:`Fault` ``output-folder`` if it cannot be written, and then leaves no partial file.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        try:
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        found = _unwritable(path.parent, error)
        raise Fault(found.code, found.message) from error


class Run(BaseModel):
    """What ``run.json`` says of a trained network."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    folder: Path
    spec: Path
    """The expanded spec."""
    weights: Path
    """The best epoch's weights."""
    classes: tuple[str, ...] = Field(min_length=1)
    """The names of the classes in the order of the network's scores."""
    channels: Count
    size: tuple[Count, Count]
    """Height and width of the network's input."""
    mean: tuple[Finite, ...] | None
    """The mean that is subtracted from each channel, for pixels in [0, 1]; None if the data's own code did that."""
    std: tuple[Annotated[Finite, Field(gt=0)], ...] | None
    """The standard deviation that each channel is divided by."""


def read_run(folder: Path) -> Run:
    """The record of a run's folder.

    Raises :class:`SpecError` ``not-a-run`` if the folder has none, or one that is damaged, or no spec or weights.
    """
    shown = printable(str(folder))
    missing = [name for name in (RECORD, SPEC) if not is_file(folder / name)]
    missing += [] if any(is_file(folder / name) for name in WEIGHTS) else [WEIGHTS[0]]
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        hint = "a run's folder is what `archspec train` writes"
        raise SpecError(
            [Diagnostic("not-a-run", f"`{shown}` is not the folder of a run: it has no {listed}", hint=hint)]
        )
    weights = next(folder / name for name in WEIGHTS if is_file(folder / name))
    try:
        with open_regular(folder / RECORD) as file:
            told = json.loads(file.read(RECORD_BYTES + 1)[:RECORD_BYTES])
        places = {"folder": folder, "spec": folder / SPEC, "weights": weights}
        run = Run.model_validate({**_tuples(told), **places})
        for name in ("mean", "std"):
            if (values := getattr(run, name)) is not None and len(values) != run.channels:
                raise ValueError(f"`{name}` has {len(values)} values for {run.channels} channels")
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    except (OSError, ValueError, RecursionError) as error:
        details = tuple(_faults(error)) if isinstance(error, ValidationError) else (printable(str(error), 200),)
        message = f"`{printable(str(folder / RECORD))}` is damaged, or was not written by this version of archspec"
        raise SpecError([Diagnostic("not-a-run", message, details=details)]) from None
    return run


def _tuples(told: Any) -> dict[str, Any]:
    """The data of a JSON mapping with tuples for lists; empty for other data."""
    found = told if isinstance(told, dict) else {}
    return {str(name): tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def _faults(error: ValidationError) -> list[str]:
    return [f"`{printable('.'.join(map(str, each['loc'])), 60)}`: {each['msg'].lower()}" for each in error.errors()][:5]


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write plain data as JSON; file names that are not valid text are written with escapes."""
    text = json_text(data) + "\n"
    with whole(path) as file:
        file.write(text.encode())


def read_json(path: Path) -> dict[str, Any]:
    """The data in such a file; empty if there is no file, or it is broken or holds something else."""
    try:
        found = json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _unwritable(folder: Path, error: OSError) -> Diagnostic:
    return Diagnostic("output-folder", f"cannot write to `{printable(str(folder))}`: {error.strerror or error}")
