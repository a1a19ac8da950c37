"""Reads Keras's files: the configuration of the network as data, and where its weights are.

No code in a file is run, and no class is looked up by a name from the file.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Fault, printable
from archspec.importers.keras import hdf5
from archspec.importers.tensors import read_bytes
from archspec.records import record
from archspec.syntax import open_regular

if TYPE_CHECKING:
    import h5py

MOST_TEXT = 64_000_000
MOST_WEIGHTS = 8_000_000_000
MOST_MEMBERS = 1000


@record
class Kept:
    """A network as stored in a file."""

    config: dict[str, Any]
    old: bool
    """Whether it was written by Keras 2."""


def network(path: Path) -> Kept:
    """The network of a ``.keras``, ``.json`` or ``.h5``; raises :class:`Fault`."""
    if path.suffix == ".keras":
        with _archive(path) as archive:
            version = _data(_member(archive, "metadata.json", MOST_TEXT, path), path).get("keras_version", "3")
            return Kept(_data(_member(archive, "config.json", MOST_TEXT, path), path), str(version).startswith("2"))
    if path.suffix == ".json":
        config = _data(read_bytes(path, MOST_TEXT), path)
        return Kept(config, str(config.get("keras_version", "3")).startswith("2"))
    with weights(path) as file:
        content, version = hdf5.text(file, "model_config"), hdf5.text(file, "keras_version") or "3"
    if content is None:
        hint = "give the network's file, and this one as --weights"
        raise Fault("unreadable-file", f"`{printable(str(path))}` holds weights but no network", None, hint)
    return Kept(_data(content.encode(), path), version.startswith("2"))


@contextmanager
def weights(path: Path) -> Iterator[h5py.File]:
    """The HDF5 file of weights that a file is or holds; raises :class:`Fault`."""
    shown = printable(str(path))
    source: Path | io.BytesIO = path
    if path.suffix == ".keras":
        with _archive(path) as archive:
            source = io.BytesIO(_member(archive, "model.weights.h5", MOST_WEIGHTS, path))
    else:
        with open_regular(path) as stream:
            if stream.read(8) != b"\x89HDF\r\n\x1a\n":
                raise Fault("unreadable-file", f"`{shown}` is not an HDF5 file")
    with hdf5.opened(source, shown) as file:
        yield file


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    with open_regular(path) as stream:
        try:
            archive = zipfile.ZipFile(stream)
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
            raise Fault("unreadable-file", f"`{printable(str(path))}` is not a .keras file, or is broken") from None
        with archive:
            if len(archive.infolist()) > MOST_MEMBERS:
                raise Fault("too-large", f"`{printable(str(path))}` has more than {MOST_MEMBERS:,} members")
            yield archive


def _member(archive: zipfile.ZipFile, name: str, most: int, path: Path) -> bytes:
    """The bytes of a zip member, at most its declared size and at most the limit."""
    shown = printable(str(path))
    try:
        said = archive.getinfo(name).file_size
    except KeyError:
        raise Fault("unreadable-file", f"`{shown}` has no {name}") from None
    if said > most:
        raise Fault("too-large", f"{name} of `{shown}` is larger than {most:,} bytes")
    try:
        with archive.open(name) as stream:
            content = stream.read(said + 1)
    except (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, NotImplementedError, zlib.error):
        raise Fault("unreadable-file", f"{name} of `{shown}` cannot be read") from None
    if len(content) != said:
        raise Fault("unreadable-file", f"{name} of `{shown}` does not have the size that the file states")
    return content


def _data(content: bytes, path: Path) -> dict[str, Any]:
    shown = printable(str(path))
    try:
        found = json.loads(content, parse_constant=lambda word: None)
    except (ValueError, RecursionError):
        raise Fault("file-syntax", f"the configuration in `{shown}` is not JSON, or is nested too deep") from None
    if not isinstance(found, dict):
        raise Fault("file-syntax", f"the configuration in `{shown}` is not a mapping")
    return found
