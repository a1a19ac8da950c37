"""A folder of harmless files that are not what their names say, or no files at all."""

from __future__ import annotations

import io
import os
import pickle
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import nn


class Caller:
    """What a pickle may hold: loading it would call a function, and make a folder that the tests look for."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.mark),)


def image(format: str) -> bytes:
    """A grey square in a format of Pillow's."""
    file = io.BytesIO()
    Image.new("L", (8, 8), 100).save(file, format)
    return file.getvalue()


def huge_png() -> bytes:
    """A png that says it has 2³¹−1 pixels each way, and ends there."""
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))


def checkpoint(content: object) -> bytes:
    """What torch saves."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def contents(mark: Path) -> dict[str, bytes]:
    """Bytes by what they are."""
    weight = torch.zeros(2, 1, 3, 3)
    return {
        "nothing": b"",
        "zeros": bytes(5000),
        "every byte": bytes(range(256)) * 20,
        "utf-16": "archspec: 1\n".encode("utf-16"),
        "a cut png": image("PNG")[:40],
        "a huge png": huge_png(),
        "a gif": image("GIF"),
        "a tiff": image("TIFF"),
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n",
        "a checkpoint": checkpoint({"c.weight": weight}),
        "a cut checkpoint": checkpoint({"c.weight": weight})[:300],
        "a pickle that calls": pickle.dumps({"c.weight": Caller(mark)}),
        "a checkpoint that calls": checkpoint({"c.weight": Caller(mark)}),
        "a whole module": checkpoint(nn.Conv2d(1, 2, 3)),
        "a list": checkpoint([weight]),
        "keys that are no text": checkpoint({1: weight, None: weight, (2, "x"): weight}),
        "keys that a terminal obeys": checkpoint({"\x1b]0;owned\x07\x1b[35m\u202e": weight, "A" * 100_000: weight}),
        "values that are no tensors": checkpoint({"c.weight": "text", "c.bias": [0.0, 0.0]}),
        "sparse": checkpoint({"c.weight": weight.to_sparse(), "c.bias": torch.zeros(2)}),
        "meta": checkpoint({"c.weight": weight.to("meta"), "c.bias": torch.zeros(2)}),
        "complex": checkpoint({"c.weight": weight.to(torch.complex64), "c.bias": torch.zeros(2)}),
        "of another shape": checkpoint({"c.weight": torch.zeros(5), "c.bias": torch.zeros(2, 2)}),
        "a run's, broken": checkpoint({"state_dict": 3, "epoch": "one", "loops": None, "callbacks": []}),
        "yaml that asks for a call": b"archspec: 1\nname: !!python/object/apply:os.system ['true']\nsteps: []\n",
        "yaml that doubles": b"a: &a [x, x]\n" + b"".join(b"k%d: &k%d [*a, *a]\n" % (n, n) for n in range(5)),
    }


def special(folder: Path) -> dict[str, Path]:
    """What stands in a folder and is no regular file."""
    pipe, loop, place, door = (folder / name for name in ("pipe", "loop", "place", "door"))
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    place.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        before = Path.cwd()
        os.chdir(folder)  # the name of a socket is short
        try:
            listening.bind("door")
        finally:
            os.chdir(before)
    gone = folder / "gone"
    gone.symlink_to(folder / "nowhere")
    return {"pipe": pipe, "loop": loop, "folder": place, "socket": door, "gone": gone, "device": Path("/dev/zero")}
