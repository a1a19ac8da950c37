"""Parquet and Arrow files as Hugging Face's ``datasets`` writes them: a column of images and one of classes or masks.

A folder of ``.parquet`` files, as a repository of the hub has them, or of ``.arrow`` files, as ``save_to_disk`` writes
them; no script is run and nothing is fetched.  An image is the bytes in its cell, or the path of a file in the folder.

Needs pyarrow, a version that restores no Python types from a file's schema.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from archspec.diagnostics import Diagnostics, Fault, printable
from archspec.records import record
from archspec.syntax import is_file, is_folder, open_regular
from archspec.training.entries import MOST, Entry, Found, part_of
from archspec.training.pictures import LARGEST

ENDINGS = (".parquet", ".arrow")
IMAGES = ("image", "img", "jpg", "png", "pixel_values")
LABELS = ("label", "labels", "class", "target", "cls")
MASKS = ("mask", "annotation", "segmentation", "label", "labels")
OLDEST = 15
"""The first version of pyarrow that is taken: earlier ones could unpickle what a schema holds."""


@record
class Cell:
    """An image in a table's cell."""

    file: Path
    block: int
    row: int
    column: str
    root: Path

    @property
    def shown(self) -> str:
        """The file, the column and the row."""
        return f"{self.file}:{self.column}[{self.block}:{self.row}]"

    def content(self) -> bytes:
        """The image's bytes.  Raises :class:`Fault`."""
        value = _block(self.file, self.block, self.column)[self.row].as_py()
        told = value if isinstance(value, dict) else {"bytes": value}
        found, path = told.get("bytes"), told.get("path")
        if isinstance(found, bytes):
            if len(found) > LARGEST:
                raise Fault("too-large", f"`{printable(self.shown)}` has {len(found):,} bytes")
            return found
        if isinstance(path, str) and path:
            inside = PurePosixPath(path)
            if inside.is_absolute() or ".." in inside.parts or "://" in path:
                raise Fault("bad-path", f"`{printable(self.shown)}` names `{printable(path, 80)}`, outside its folder")
            with open_regular(self.root / inside) as file:
                return file.read(LARGEST)
        raise Fault("unreadable-image", f"`{printable(self.shown)}` holds no image")


def read_columns(path: Path, masks: bool, diagnostics: Diagnostics) -> Found:
    """The examples of a folder's files, or of one file."""
    _pyarrow()
    entries: list[Entry] = []
    classes: tuple[str, ...] | None = None
    files = [path] if is_file(path) else sorted(_files(path))
    if not files:
        hint = "`Dataset.save_to_disk` writes one, and so does `to_parquet`"
        raise Fault("no-data", f"`{printable(str(path))}` has no .parquet or .arrow files", hint=hint)
    for file in files:
        part = part_of(file.stem, file.parent.name if file.parent != path else "")
        if part is None:
            continue
        try:
            classes = _of_file(file, path, masks, part, entries, diagnostics) or classes
        except Fault:
            raise
        except Exception as error:  # pyarrow's readers raise many kinds for a damaged file
            message = f"`{printable(str(file))}` cannot be read: {printable(str(error), 200)}"
            raise Fault("no-data", message) from None
        if len(entries) > MOST:
            raise Fault("too-large", f"`{printable(str(path))}` has more than {MOST:,} examples")
    return Found(entries, classes)


def _files(folder: Path) -> Iterator[Path]:
    if not is_folder(folder):
        raise Fault("no-data", f"`{printable(str(folder))}` is not a folder", hint="a download of the data set")
    for file in folder.rglob("*"):
        if file.suffix in ENDINGS and not file.name.startswith((".", "cache-")) and is_file(file):
            yield file


def _of_file(
    file: Path, root: Path, masks: bool, part: str, entries: list[Entry], diagnostics: Diagnostics
) -> tuple[str, ...] | None:
    """Add a file's examples; returns the names of its classes, where it has them."""
    schema, blocks = _opened(file)
    image = _column(file, schema.names, IMAGES)
    what = _column(file, [name for name in schema.names if name != image], MASKS if masks else LABELS)
    folder = root if is_folder(root) else root.parent
    for block in range(blocks):
        values = _block(file, block, image)
        labels = None if masks else _block(file, block, what)
        for row in range(len(values)):
            cell = Cell(file, block, row, image, folder)
            name = f"{file.relative_to(folder)}:{block}:{row}"
            if labels is None:
                entries.append(Entry(name, cell, None, Cell(file, block, row, what, folder), part))
                continue
            label = labels[row].as_py()
            if isinstance(label, bool) or not isinstance(label, int | str) or label == -1:
                diagnostics.error("no-data", f"`{printable(cell.shown)}` has no class")
            else:
                entries.append(Entry(name, cell, label, None, part))
    return None if masks else _names(schema, what)


def _column(file: Path, names: list[str], wanted: tuple[str, ...]) -> str:
    for each in wanted:
        if each in names:
            return each
    found = ", ".join(f"`{printable(name, 30)}`" for name in names[:8])
    raise Fault("no-data", f"`{printable(str(file))}` has no column `{wanted[0]}`; it has {found}")


def _names(schema: Any, column: str) -> tuple[str, ...] | None:
    """The names of a ClassLabel's classes in the metadata that ``datasets`` writes."""
    try:
        told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        names = told["info"]["features"][column]["names"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    fit = isinstance(names, list) and 1 < len(names) <= 1_000_000 and all(isinstance(name, str) for name in names)
    return tuple(names) if fit else None


def _pyarrow() -> Any:
    try:
        pyarrow = importlib.import_module("pyarrow")
        for part in ("ipc", "parquet"):
            importlib.import_module(f"pyarrow.{part}")
    except ImportError:
        raise Fault("no-package", "`hf:` needs the package pyarrow", hint="pip install pyarrow") from None
    if int(pyarrow.__version__.split(".")[0]) < OLDEST:
        hint = "pip install --upgrade pyarrow"
        raise Fault("no-package", f"`hf:` needs pyarrow {OLDEST} or later, not {pyarrow.__version__}", hint=hint)
    return pyarrow


@lru_cache(maxsize=8)
def _opened(file: Path) -> tuple[Any, int]:
    """A file's schema and the number of its blocks: row groups, or record batches."""
    pyarrow = _pyarrow()
    with open_regular(file):  # a regular file
        pass
    if file.suffix == ".parquet":
        table = pyarrow.parquet.ParquetFile(file)
        return table.schema_arrow, table.metadata.num_row_groups
    return _stream(file).schema, 1


@lru_cache(maxsize=8)
def _stream(file: Path) -> Any:
    """The table of an Arrow file, mapped into memory."""
    pyarrow = _pyarrow()
    mapped = pyarrow.memory_map(str(file))
    try:
        return pyarrow.ipc.open_stream(mapped).read_all()
    except pyarrow.ArrowInvalid:
        return pyarrow.ipc.open_file(mapped).read_all()


@lru_cache(maxsize=8)
def _block(file: Path, block: int, column: str) -> Any:
    """One column of one block; the last few stay in memory."""
    if file.suffix == ".parquet":
        return _pyarrow().parquet.ParquetFile(file).read_row_group(block, columns=[column]).column(column)
    return _stream(file).column(column)
