"""Opening a file that a user names: only a regular file, never a pipe or a device, whose data may never end."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from io import BufferedReader
from itertools import islice
from pathlib import Path

from archspec.diagnostics import Fault, nearest, printable

YAML = (".yaml", ".yml")


def opened(path: Path, hint: str | None = None) -> BufferedReader:
    """A regular file, or a link to one, opened for reading bytes.

    Raises :class:`Fault`: ``file-not-found``, or ``not-a-file`` (also where it cannot be opened), with ``hint``.
    """
    shown = printable(str(path))
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # checked first: opening a pipe blocks until a writer comes
            raise Fault("not-a-file", f"{shown} is not a file", hint=hint)
        return path.open("rb")
    except FileNotFoundError:
        raise Fault("file-not-found", f"there is no file {shown}", hint=_beside(path)) from None
    except (OSError, ValueError) as error:
        raise Fault("not-a-file", f"{shown} cannot be read: {reason(error)}") from None


def files(folder: Path, endings: Sequence[str]) -> dict[str, str]:
    """The first thousand files of a folder that have one of the endings, by name without ending; none if unreadable."""
    try:
        found = islice((entry for entry in folder.iterdir() if entry.suffix in endings), 1000)
        return {entry.stem: entry.name for entry in found}
    except (OSError, ValueError):
        return {}


def spec_files(folder: Path) -> dict[str, str]:
    """:func:`files` for YAML files."""
    return files(folder, YAML)


def _beside(path: Path) -> str | None:
    """The hint for a missing file: a file of the same kind, in the same folder, with a similar name."""
    there = files(path.parent, YAML if path.suffix in YAML else (path.suffix,))
    near = nearest(path.stem, there)
    return None if near is None else f"did you mean `{printable(there[near])}`?"


def is_file(path: Path) -> bool:
    """Whether the path is a regular file; false where the system refuses the name, as too long or with a NUL."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether the path is a folder; false where the system refuses the name."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def reason(error: OSError | ValueError) -> str:
    """Why a file could not be read or written, in the system's words, fit for one line."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(said)
