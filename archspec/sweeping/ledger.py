"""The file of a sweep's rows, one JSON value a line: a row is on the disk as soon as it is written, and stays there.

Whoever kills the sweep loses at most the line being written; :func:`read_ledger` leaves such a line out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.sweeping.rows import Row
from archspec.syntax import open_regular

LEDGER = "rows.jsonl"
"""The file's name in a sweep's folder."""

LONGEST_LINE = 1 << 20
"""Maximum number of bytes of a line."""


class Ledger:
    """The file of rows, open for appending."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows; they are on the disk when this returns.  Raises :class:`OSError`."""
        self._file.write(b"".join(_line(row.to_json()) for row in rows))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def begin_ledger(folder: Path, head: Mapping[str, Any], overwrite: bool) -> Ledger:
    """A new file of rows; ``head`` says what decides them.

    Raises :class:`SpecError` ``output-folder`` if the folder has one, unless it is overwritten.
    """
    path = folder / LEDGER
    if path.exists() and not overwrite:
        hint = "continue it with `--resume`, replace it with `--overwrite`, or choose another folder"
        message = f"`{printable(str(folder))}` already has a sweep"
        raise SpecError([Diagnostic("output-folder", message, hint=hint)])
    file = path.open("wb")
    file.write(_line(head))
    file.flush()
    return Ledger(file)


def resume_ledger(folder: Path, head: Mapping[str, Any]) -> tuple[Ledger, list[Row]]:
    """The file of a sweep that ended early, open for appending, and its rows; a new file where there is none.

    Raises :class:`SpecError` ``sweep-differs`` if the file is of another space, spec or version.
    """
    path = folder / LEDGER
    if not path.exists():
        return begin_ledger(folder, head, overwrite=False), []
    before, rows, whole = read_ledger(path)
    differing = [name for name in head if before.get(name) != json.loads(json.dumps(head[name]))]
    if differing:
        message = f"the sweep in `{printable(str(folder))}` differs from this one in {', '.join(differing)}"
        hint = "start anew with `--overwrite`, or choose another folder"
        raise SpecError([Diagnostic("sweep-differs", message, hint=hint)])
    file = path.open("r+b")
    file.truncate(whole)  # the line that was being written when the sweep ended
    file.seek(whole)
    return Ledger(file), rows


def read_ledger(path: Path) -> tuple[dict[str, Any], list[Row], int]:
    """What decides the rows, the rows, and the length of the file's whole lines in bytes.

    A later row replaces one of the same number.  Raises :class:`SpecError`: ``sweep-damaged`` for a file that is none.
    """
    head: dict[str, Any] = {}
    rows: dict[int, Row] = {}
    whole = 0
    try:
        with open_regular(path) as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b"")):
                if not line.endswith(b"\n"):
                    break
                data = json.loads(line)
                if not isinstance(data, dict):
                    raise ValueError("a line is not a mapping")
                if number == 0:
                    head = data
                else:
                    row = Row.from_json(data)
                    rows[row.number] = row
                whole += len(line)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    except (ValueError, RecursionError):  # not UTF-8, not JSON, nested too deep, or not a row
        message = f"`{printable(str(path))}` is damaged, or was not written by `archspec sweep`"
        raise SpecError([Diagnostic("sweep-damaged", message, hint="start anew with `--overwrite`")]) from None
    return head, [rows[number] for number in sorted(rows)], whole


def _line(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"
