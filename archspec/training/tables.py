"""A CSV table of images: a column of paths and one of classes, or one of masks; a column ``split`` if you like.

    path,label,split              image,mask
    cats/1.jpg,cat,train          streets/1.jpg,masks/1.png
    dogs/7.png,dog,val            streets/2.jpg,masks/2.png

Paths are those from the table's own folder, and do not leave it.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path, PurePosixPath

from archspec.diagnostics import Diagnostics, Fault, printable
from archspec.syntax import decode, open_regular
from archspec.training.entries import Entry, Found, part_of

LARGEST = 1 << 30
"""A table has at most so many bytes."""

PATHS = ("path", "image", "file", "filename", "filepath")
LABELS = ("label", "class", "target", "category")
MASKS = ("mask", "segmentation", "annotation")


def read_table(path: Path, masks: bool, diagnostics: Diagnostics) -> Found:
    """The rows of a table.  Raises :class:`Fault` where it is not a table; what is wrong with rows is collected."""
    shown = printable(str(path))
    with open_regular(path) as file:
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise Fault("too-large", f"`{shown}` has more than {LARGEST // 2**20:,} MiB")
    reader = csv.DictReader(io.StringIO(decode(raw, shown).removeprefix("\ufeff"), newline=""), strict=True)
    try:
        names = {name.strip().lower(): name for name in reader.fieldnames or () if name}
        where = _column(shown, names, PATHS)
        what = _column(shown, names, MASKS if masks else LABELS)
        part = names.get("split")
        entries: list[Entry] = []
        for row in reader:
            try:
                entries.append(_entry(path, row, where, what, part, masks, f"{shown}:{reader.line_num}"))
            except Fault as fault:
                diagnostics.add(fault.diagnostic)
    except csv.Error as error:
        raise Fault("no-data", f"`{shown}`, line {reader.line_num}: {error}") from None
    return Found([each for each in entries if each.part != "test"])


def _column(shown: str, names: dict[str, str], wanted: tuple[str, ...]) -> str:
    for each in wanted:
        if each in names:
            return names[each]
    found = ", ".join(f"`{printable(name, 30)}`" for name in list(names)[:8]) or "none"
    hint = "the first line names the columns: path,label for classes, image,mask for masks"
    raise Fault("no-data", f"`{shown}` has no column `{wanted[0]}`; it has {found}", hint=hint)


def _entry(
    table: Path, row: dict[str | None, str], where: str, what: str, part: str | None, masks: bool, place: str
) -> Entry:
    image, told = (row.get(where) or "").strip(), (row.get(what) or "").strip()
    if not image or not told or None in row:
        raise Fault("no-data", f"{place}: the row has not one value for each column")
    split = part_of((row.get(part) or "").strip()) if part else ""
    split = "test" if split is None else split
    inside = _inside(table, image, place)
    if masks:
        return Entry(image, inside, None, _inside(table, told, place), split)
    return Entry(image, inside, told, None, split)


def _inside(table: Path, name: str, place: str) -> Path:
    """A path of the table's, in its folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        hint = "write paths from the table's own folder, without `..`"
        raise Fault("bad-path", f"{place}: `{printable(name, 80)}` leaves the folder of the table", hint=hint)
    return table.parent / path
