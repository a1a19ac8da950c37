"""Ultralytics' networks: a YAML list of layers, of YOLOv5, YOLOv8 and the like, at one of its scales.

The same file gives different networks in different versions of Ultralytics; the parameter total beside a scale tells
which.  ``config`` reads the file; ``modules``, ``attending`` and ``heads``
translate each module to steps, from the smaller ones of ``builder``; ``network`` assembles them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from archspec.diagnostics import Diagnostic, Diagnostics, Fault, SpecError, printable
from archspec.importers.assembly import Read
from archspec.importers.tensors import Filled
from archspec.importers.ultralytics.config import Config
from archspec.importers.ultralytics.network import Reading
from archspec.syntax import Limits
from archspec.syntax import read as read_text

VERSIONS = ((8, 4), (8, 3))
"""The versions that differ in how they read a file, the newest first."""

LIMITS = Limits(text_bytes=4_000_000, nodes=400_000)


def read(
    path: Path,
    diagnostics: Diagnostics,
    size: Sequence[int] | None = None,
    version: str | None = None,
    scale: str | None = None,
) -> Read:
    """The network of a file at a scale; errors are added to the diagnostics.  Raises :class:`Fault`."""
    config = Config(read_text(path, LIMITS, None), str(path), LIMITS)
    scaling = config.scaling(scale, str(path))
    tried: list[tuple[Reading, Diagnostics]] = []
    for number in [_version(version)] if version is not None else VERSIONS:
        own = Diagnostics()
        reading = Reading(config, scaling, number, f"{path.stem}{_letter(path.stem, scaling.name)}", size)
        reading.run(own)
        tried.append((reading, own))
        if own.errors or scaling.total in (None, reading.parameters()):
            break
    fitting = [pair for pair in tried if pair[1].errors or scaling.total in (None, pair[0].parameters())]
    fitting = fitting if version is None else tried
    if not fitting:
        said = f"the file says {scaling.total or 0:,} parameters; it has {_counts(tried)}"
        raise Fault("version-unknown", said, config.root.span, "give it: --version 8.3")
    reading, own = fitting[0]
    for each in own.all:
        diagnostics.add(each)
    if version is None:
        shown = ".".join(map(str, reading.version))
        why = "no total stands beside the scale" if scaling.total is None else f"{scaling.total:,} parameters"
        diagnostics.note("version-chosen", f"read as Ultralytics {shown} reads it: {why}")

    def fill(weights: Path) -> Filled:
        said = f"`{printable(str(weights))}` is not read: a .pt file holds a program, not weights alone"
        hint = "the compiled network has the keys of Ultralytics' own state_dict: load_state_dict takes that"
        raise SpecError([Diagnostic("unreadable-weights", said, None, hint)])

    return Read(reading.assembly, reading.outputs, fill)


def _letter(stem: str, scale: str) -> str:
    """The scale's letter; empty if the file's name already has it."""
    return "" if re.search(rf"\d{scale}\b", stem) else scale


def _version(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,4})(?:\.\d{1,4})?", text)
    if found is None or int(found[1]) != 8:
        raise Fault("wrong-value", f"`{printable(text, 20)}` is not a known version", None, "such as 8.3 or 8.4")
    return int(found[1]), int(found[2])


def _counts(tried: list[tuple[Reading, Diagnostics]]) -> str:
    return ", ".join(
        f"{reading.parameters():,} as {'.'.join(map(str, reading.version))} reads it" for reading, _ in tried
    )
