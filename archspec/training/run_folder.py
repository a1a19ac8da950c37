"""The folder of a run: files that are there whole or not at all, and one training at a time.

A run that is killed, or that finds its disk full, leaves the files as they were before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from archspec.characters import json_text
from archspec.diagnostics import Diagnostic, Fault, SpecError, printable

FILES = (
    "last.ckpt", "best.ckpt", "weights.pt", "metrics.csv", "result.json", "run.json", "spec.yaml", "predictions.png",
)  # fmt: skip
"""What a run may leave, by name."""

TELLING = ("last.ckpt", "result.json")
"""Those of them by which a folder is known to have a run that is worth keeping."""

PARTIAL = ".partial"
"""What the name of a file ends in while it is written."""

_held: set[int] = set()
"""Open folders that this process has to itself."""


def _let_go() -> None:
    """In a forked child, a data loader's worker: it may live longer than a training that is killed, and must not hold
    its folder."""
    while _held:
        os.close(_held.pop())


if fcntl is not None:
    os.register_at_fork(after_in_child=_let_go)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make the folder, and have it to oneself; a process that ends in whatever way lets go of it.

    Raises :class:`SpecError` ``output-folder`` where it cannot be made, or another training has it.
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
            message = f"another training is writing to `{printable(str(folder))}`"
            raise SpecError(
                [Diagnostic("output-folder", message, hint="choose another folder for this training")]
            ) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        if handle in _held:  # not in a child, where it is closed
            _held.remove(handle)
            os.close(handle)


def begin(folder: Path, overwrite: bool) -> None:
    """Make room for a new run: nothing of one before is left.  Raises :class:`SpecError` where there is one to keep."""
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
    """Remove what a killed run had begun to write."""
    for name in FILES:
        (folder / f"{name}{PARTIAL}").unlink(missing_ok=True)


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write: it takes its place when all of it is on the disk, and until then another keeps it.

    Raises :class:`Fault` ``output-folder``, and leaves nothing beside it, where it cannot be written.
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


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write plain data; a name that is no text, as files may have, is written as an escape."""
    text = json_text(data) + "\n"
    with whole(path) as file:
        file.write(text.encode())


def read_json(path: Path) -> dict[str, Any]:
    """What such a file holds; nothing where there is none, or one that is broken or something else."""
    try:
        found = json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _unwritable(folder: Path, error: OSError) -> Diagnostic:
    return Diagnostic("output-folder", f"cannot write to `{printable(str(folder))}`: {error.strerror or error}")
