"""The examples that a source holds, before they are split and read."""

from __future__ import annotations

from pathlib import Path

from archspec.records import record
from archspec.training.images import VALIDATION_NAMES
from archspec.training.pictures import Stored

MOST = 10_000_000
"""A source may have so many examples."""


@record
class Entry:
    """One example of a source: where its image is, its class or where its mask is, and the part it belongs to."""

    name: str
    """What it is called: a path or a key, the same on every machine."""
    image: Path | Stored
    label: str | int | None = None
    mask: Path | Stored | None = None
    part: str = ""
    """``train`` or ``val``, where the source says so."""


@record
class Found:
    """What a source holds."""

    entries: list[Entry]
    classes: tuple[str, ...] | None = None
    """The names of the classes in order, where the source gives them."""


def part_of(*names: str) -> str | None:
    """The part that a file's or folder's names tell of: ``train-000.tar``; empty for neither, None for a test set."""
    for name in names:
        word = name.lower().split("-")[0].split("_")[0].split(".")[0]
        if word == "train" or word in VALIDATION_NAMES:
            return "train" if word == "train" else "val"
        if word == "test":
            return None
    return ""
