"""Image files as they come from users: PNG and JPEG, told by their bytes, and read by no decoder but theirs.

Pillow knows dozens of formats, some of which it hands to programs of the system.  A file's name does not decide which
reader it reaches, and nor does its content, unless the reader is one of these two.

Needs Pillow alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from archspec.diagnostics import Fault, printable
from archspec.source import open_regular

SIGNATURES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff"}
"""The formats that are read, by the names Pillow has for them, and what their files begin with."""

IMAGES = ("PNG", "JPEG")
MASKS = ("PNG",)
"""JPEG changes values, and those of a mask are classes."""


class UnreadableImage(Exception):
    """An image file that cannot be decoded.  One text, so that a data loader's worker can hand it on."""


@contextmanager
def picture(path: Path, formats: tuple[str, ...] = IMAGES) -> Iterator[Image.Image]:
    """A file as Pillow opens it, for as long as the context lasts; ``formats`` are those it may have.

    Raises :class:`UnreadableImage`, naming the file, where it is no regular file, has another format, or cannot be
    decoded, in here or by what is done inside the context.
    """
    shown = printable(str(path))
    try:
        with open_regular(path) as file:
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
        raise UnreadableImage(str(fault)) from None
    except Exception as error:  # whatever the bytes led Pillow's readers to raise
        raise UnreadableImage(f"`{shown}` is not a readable image: {printable(str(error))}") from error
