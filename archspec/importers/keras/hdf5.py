"""Reading HDF5 files: each call of h5py that a broken file can make fail is here.

Links to other files and virtual or filtered datasets are refused: reading them would read, or create, data that is not
in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from archspec.diagnostics import Fault, printable
from archspec.importers.tensors import missing_package

if TYPE_CHECKING:
    from pathlib import Path

    import h5py
    from torch import Tensor


@contextmanager
def _reading() -> Iterator[None]:
    """Turn the errors of a call of h5py into :class:`Fault` ``unreadable-weights``.

    HDF5's errors have no class of their own in h5py: each becomes the one of Python's that fits best.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise Fault("unreadable-weights", "it is not a file of Keras weights, or it is damaged") from error


@contextmanager
def opened(source: Path | BinaryIO, shown: str) -> Iterator[h5py.File]:
    """An HDF5 file, open for reading; raises :class:`Fault`."""
    try:
        import h5py
    except ImportError:
        raise missing_package("a Keras weights file", "h5py") from None
    try:
        file = h5py.File(source, "r")
    except (OSError, ValueError, RuntimeError):  # as in :func:`_reading`
        raise Fault("unreadable-file", f"`{shown}` is not an HDF5 file, or is broken") from None
    with file:
        yield file


def names(group: Any) -> list[str]:
    """The names of a group's members; none for what is not a group."""
    import h5py

    with _reading():
        return list(group) if isinstance(group, h5py.Group) else []


def member(group: Any, path: str) -> h5py.Group | h5py.Dataset | None:
    """A member of a group; None if there is none; raises :class:`Fault` for one that is stored elsewhere."""
    import h5py

    found: Any = group
    for part in path.split("/"):
        if not isinstance(found, h5py.Group):
            return None
        with _reading():
            link = found.get(part, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise Fault("weights-mismatch", f"`{printable(path, 80)}` is an external link")
        with _reading():
            found = found[part]
    return found if isinstance(found, h5py.Group | h5py.Dataset) else None


def text(owner: h5py.Group | h5py.Dataset, attribute: str) -> str | None:
    """An attribute that is a text; None if there is none."""
    with _reading():
        value = owner.attrs.get(attribute)
    return _text(value) if isinstance(value, str | bytes) else None


def texts(owner: h5py.Group | h5py.Dataset, attribute: str) -> list[str]:
    """The entries of an attribute that is a list of texts; none if there is no such attribute."""
    with _reading():
        return [_text(each) for each in owner.attrs.get(attribute, ())]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def is_dataset(found: Any) -> bool:
    """Whether a member is an array."""
    import h5py

    return isinstance(found, h5py.Dataset)


def shape_of(found: Any) -> tuple[int, ...] | None:
    """The shape of a dataset of floating-point numbers; None for anything else."""
    import h5py

    with _reading():
        return tuple(found.shape) if isinstance(found, h5py.Dataset) and found.dtype.kind == "f" else None


def numbers(found: h5py.Dataset, what: str, count: int | None) -> Tensor:
    """The numbers of a dataset in float32; raises :class:`Fault` unless there are ``count`` of them, if that is given.

    ``what`` is its name in a message.
    """
    import torch

    with _reading():
        kind, size, shape = found.dtype, found.size, found.shape
        elsewhere = found.is_virtual or found.external or found.id.get_create_plist().get_nfilters()
    if elsewhere:
        raise Fault("weights-mismatch", f"{what} is virtual, filtered, or stored in another file")
    if kind.kind != "f" or size is None or size != (size if count is None else count):
        said = f"{what} is {printable(str(kind), 20)} of shape {list(shape or ())}"
        raise Fault("weights-mismatch", said if count is None else f"{said}, but {count:,} numbers are needed")
    with _reading():
        values = found[()]
    return torch.from_numpy(values.astype("float32")).reshape(shape)
