"""Shards as WebDataset writes them: `.tar` files in which the members of one example share a key.

    0001.jpg 0001.cls      0001.jpg 0001.json {"label": 3}      0001.jpg 0001.png (a mask)

A shard is read by its index: the places of its members, so that images are drawn at random from all shards.  Only
images, classes and JSON are read; any other member is refused, and nothing is unpacked or unpickled.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from archspec.diagnostics import Diagnostics, Fault, printable
from archspec.records import record
from archspec.syntax import is_file, is_folder, open_regular
from archspec.training.entries import MOST, Entry, Found, part_of
from archspec.training.pictures import LARGEST

IMAGES = ("jpg", "jpeg", "png")
MASKS = ("mask.png", "seg.png", "png")
LABELS = ("cls", "json")
LONGEST = 1 << 20
"""A class or a JSON member has at most so many bytes."""


@record
class Member:
    """A member of a shard, and where its bytes are."""

    shard: Path
    name: str
    offset: int
    size: int

    @property
    def shown(self) -> str:
        """The shard and the member."""
        return f"{self.shard}:{self.name}"

    def content(self, largest: int = LARGEST) -> bytes:
        """The member's bytes.  Raises :class:`Fault`."""
        if self.size > largest:
            raise Fault("too-large", f"`{printable(self.shown)}` has {self.size:,} bytes")
        with open_regular(self.shard) as file:
            file.seek(self.offset)
            return file.read(self.size)


def shards(folder: Path) -> Iterator[Path]:
    """The `.tar` files of a folder, in order."""
    yield from sorted(path for path in folder.iterdir() if path.suffix == ".tar" and is_file(path))


def read_shards(path: Path, masks: bool, diagnostics: Diagnostics) -> Found:
    """The examples of one shard, or of all in a folder.  What is wrong with members is collected."""
    entries: list[Entry] = []
    for shard in shards(path) if is_folder(path) else (path,):
        part = part_of(shard.stem)
        if part is None:
            continue
        for key, members in _examples(shard, diagnostics).items():
            try:
                entries.append(_entry(shard, key, members, masks, part))
            except Fault as fault:
                diagnostics.add(fault.diagnostic)
        if len(entries) > MOST:
            raise Fault("too-large", f"`{printable(str(path))}` has more than {MOST:,} examples")
    return Found(entries)


def _examples(shard: Path, diagnostics: Diagnostics) -> dict[str, dict[str, Member]]:
    """The members of each key, by what follows the first dot of the name."""
    found: dict[str, dict[str, Member]] = {}
    shown = printable(str(shard))
    try:
        with open_regular(shard) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                if member.isdir():
                    continue
                path = PurePosixPath(member.name)
                stem, _, ending = path.name.partition(".")
                what = f"`{shown}:{printable(member.name, 80)}`"
                if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                    diagnostics.error("no-data", f"{what} is a link or a device, not a file")
                elif ending.lower() not in (*IMAGES, *MASKS, *LABELS):
                    hint = "only jpg, png, cls and json are read"
                    diagnostics.error("no-data", f"{what} is none of what shards may hold", hint=hint)
                else:
                    members = found.setdefault(str(path.with_name(stem)), {})
                    members[ending.lower()] = Member(shard, member.name, member.offset_data, member.size)
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        hint = "shards are not compressed: `gunzip` them first" if ".gz" in shard.suffixes else None
        raise Fault(
            "no-data", f"`{shown}` is not a readable .tar file: {printable(str(error), 100)}", hint=hint
        ) from None
    return found


def _entry(shard: Path, key: str, members: dict[str, Member], masks: bool, part: str) -> Entry:
    name = f"{shard.name}:{key}"
    shown = f"`{printable(str(shard))}:{printable(key, 80)}`"
    if masks:
        mask = next((members[each] for each in MASKS if each in members), None)
        image = next((members[each] for each in IMAGES if each in members and members[each] is not mask), None)
        if image is None or mask is None:
            raise Fault("missing-mask", f"{shown} has not both an image and a mask", hint="KEY.jpg and KEY.mask.png")
        return Entry(name, image, None, mask, part)
    image = next((members[each] for each in IMAGES if each in members), None)
    if image is None:
        raise Fault("no-data", f"{shown} has no image", hint="KEY.jpg or KEY.png")
    return Entry(name, image, _label(shown, members), None, part)


def _label(shown: str, members: dict[str, Member]) -> str | int:
    """The class of an example: the text of ``cls``, or ``label`` or ``cls`` in ``json``."""
    value: Any = None
    if "cls" in members:
        value = members["cls"].content(LONGEST).decode("utf-8", "replace").strip()
    elif "json" in members:
        try:
            told = json.loads(members["json"].content(LONGEST))
        except (ValueError, RecursionError):
            raise Fault("no-data", f"{shown}: its JSON cannot be read") from None
        value = told.get("label", told.get("cls")) if isinstance(told, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 7:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "" or len(str(value)) > 200:
        raise Fault("no-data", f"{shown} has no class", hint='KEY.cls holds it, or KEY.json: {"label": 3}')
    return value
