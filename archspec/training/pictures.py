"""Image files from users: PNG and JPEG, recognised by their bytes and read by these two decoders only.

Pillow knows dozens of formats, some of which it hands to programs of the system.  Neither a file's name nor its
content can reach a reader other than these two.

Needs Pillow alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from PIL import Image

from archspec.diagnostics import Diagnostic, Fault, printable
from archspec.syntax import open_regular

SIGNATURES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff"}
"""The accepted formats by Pillow's names, with the bytes that their files begin with."""

IMAGES = ("PNG", "JPEG")
MASKS = ("PNG",)
"""The accepted formats of masks: JPEG changes values, and those of a mask are classes."""


LARGEST = 256 * 2**20
"""An image inside another file has at most so many bytes."""


class UnreadableImage(Exception):
    """An image that cannot be used.  It holds texts alone, so that a data loader's worker can pickle it."""

    def __init__(self, message: str, code: str = "unreadable-image", hint: str | None = None) -> None:
        super().__init__(message, code, hint)

    def __str__(self) -> str:
        return self.args[0]

    @property
    def diagnostic(self) -> Diagnostic:
        """Why, for the user."""
        return Diagnostic(self.args[1], self.args[0], hint=self.args[2])


class Stored(Protocol):
    """An image inside another file: in a shard, or in a table."""

    @property
    def shown(self) -> str:
        """The file and the key."""
        ...

    def content(self) -> bytes:
        """The image's bytes, :data:`LARGEST` at most.  Raises :class:`Fault`."""
        ...


@contextmanager
def _bytes(place: Path | Stored) -> Iterator[BinaryIO]:
    """The bytes of an image."""
    if isinstance(place, Path):
        with open_regular(place) as file:
            yield file
    else:
        yield io.BytesIO(place.content())


@contextmanager
def picture(path: Path | Stored, formats: tuple[str, ...] = IMAGES) -> Iterator[Image.Image]:
    """A context manager that opens an image file with Pillow; ``formats`` are the accepted ones.

    Raises :class:`UnreadableImage`, naming the file, if it is not a regular file, has another format, or cannot be
    decoded, be it here or inside the context.
    """
    shown = printable(str(path) if isinstance(path, Path) else path.shown)
    try:
        with _bytes(path) as file:
            start = file.read(max(map(len, SIGNATURES.values())))
            file.seek(0)
            found = [each for each in formats if start.startswith(SIGNATURES[each])]
            if not found:
                wanted = " or ".join(formats)
                raise UnreadableImage(f"`{shown}` is not a readable image: its content is not {wanted}")
            with Image.open(file, formats=found) as image:
                yield image
    except UnreadableImage:
        raise
    except Fault as fault:
        raise UnreadableImage(fault.diagnostic.message) from None
    except Exception as error:  # damaged bytes can make Pillow's readers raise anything
        raise UnreadableImage(f"`{shown}` is not a readable image: {printable(str(error))}") from error
