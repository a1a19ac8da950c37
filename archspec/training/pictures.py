"""Image files from users: PNG and JPEG, recognised by their bytes and read by these two decoders only.

Pillow knows dozens of formats, some of which it hands to programs of the system.  Neither a file's name nor its
content can reach a reader other than these two.

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
"""The accepted formats by Pillow's names, with the bytes that their files begin with."""

IMAGES = ("PNG", "JPEG")
MASKS = ("PNG",)
"""The accepted formats of masks: JPEG changes values, and those of a mask are classes."""


class UnreadableImage(Exception):
    """An image file that cannot be decoded.  It holds one string, so that a data loader's worker can pickle it."""


@contextmanager
def picture(path: Path, formats: tuple[str, ...] = IMAGES) -> Iterator[Image.Image]:
    """A context manager that opens an image file with Pillow; ``formats`` are the accepted ones.

    Raises :class:`UnreadableImage`, naming the file, if it is not a regular file, has another format, or cannot be
    decoded, be it here or inside the context.
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
    except Exception as error:  # damaged bytes can make Pillow's readers raise anything
        raise UnreadableImage(f"`{shown}` is not a readable image: {printable(str(error))}") from error
