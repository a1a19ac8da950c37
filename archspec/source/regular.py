"""Opening what a user names as a file: a regular file, never a pipe or a device, which may have no end."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from archspec.diagnostics import Fault, nearest, printable

YAML = (".yaml", ".yml")


def opened(path: Path, hint: str | None = None) -> BinaryIO:
    """A regular file, or a link to one, open for reading its bytes.

    Raises :class:`Fault`: ``file-not-found``, or ``not-a-file`` (also where it cannot be opened), with ``hint``.
    """
    shown = printable(str(path))
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # asked first: opening a pipe waits for somebody to write
            raise Fault("not-a-file", f"{shown} is not a file", hint=hint)
        return path.open("rb")
    except FileNotFoundError:
        raise Fault("file-not-found", f"there is no file {shown}", hint=_beside(path)) from None
    except (OSError, ValueError) as error:
        raise Fault("not-a-file", f"{shown} cannot be read: {reason(error)}") from None


def files(folder: Path, endings: Sequence[str]) -> dict[str, str]:
    """The first thousand files of a folder with one of some endings, by their names without it; none if unreadable."""
    try:
        found = islice((entry for entry in folder.iterdir() if entry.suffix in endings), 1000)
        return {entry.stem: entry.name for entry in found}
    except (OSError, ValueError):
        return {}


def spec_files(folder: Path) -> dict[str, str]:
    """The same of YAML files."""
    return files(folder, YAML)


def _beside(path: Path) -> str | None:
    """The hint for a file that is missing: the one of its kind beside it whose name is nearly the same."""
    there = files(path.parent, YAML if path.suffix in YAML else (path.suffix,))
    near = nearest(path.stem, there)
    return None if near is None else f"did you mean `{printable(there[near])}`?"


def is_file(path: Path) -> bool:
    """Whether a regular file is there; not where the system takes no such name, one that is too long or has a NUL."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """The same of a folder."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def reason(error: OSError | ValueError) -> str:
    """Why a file could not be read or written, in the system's words, fit for one line."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(said)
