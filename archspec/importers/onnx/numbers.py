"""The numbers of a tensor: small ones as Python numbers, for sizes and bounds; any one as a torch tensor."""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Fault, printable
from archspec.importers.onnx.messages import Stored, text
from archspec.syntax import open_regular

if TYPE_CHECKING:
    from torch import Tensor

MOST_KNOWN = 4096
"""The most elements of a tensor that takes part in constant folding."""

_FORMATS = {
    1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q", 9: "?", 10: "e", 11: "d", 12: "I", 13: "Q", 16: "H",
}  # fmt: skip
"""The :mod:`struct` format of each ``data_type``; bfloat16 (16) is the upper half of a float."""

_FRACTIONS = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16"}
_EXTERNAL = 1


def known(stored: Stored, folder: Path) -> list[Any]:
    """The numbers of a small tensor; raises :class:`Fault`."""
    content = _content(stored, folder)
    code = _FORMATS[stored.message.data_type]
    values = list(struct.unpack(f"<{prod(stored.dims)}{code}", content))
    if stored.message.data_type == 16:
        values = [struct.unpack("<f", b"\0\0" + struct.pack("<H", value))[0] for value in values]
    return values


def tensor(stored: Stored, folder: Path) -> Tensor:
    """The whole tensor, as 32-bit floats; raises :class:`Fault`."""
    import torch

    kind = _FRACTIONS.get(stored.message.data_type)
    if kind is None:
        raise _unfit(stored, "does not hold floating-point numbers")
    content = _content(stored, folder)
    if not content:
        return torch.zeros(stored.dims)
    return torch.frombuffer(bytearray(content), dtype=getattr(torch, kind)).float().reshape(stored.dims)


def _unfit(stored: Stored, said: str) -> Fault:
    return Fault("weights-mismatch", f"the tensor `{printable(stored.name, 80)}` {said}")


def _content(stored: Stored, folder: Path) -> bytes:
    """The bytes of a tensor, as many as its shape requires."""
    message = stored.message
    code = _FORMATS.get(message.data_type)
    if code is None:
        raise _unfit(stored, "holds numbers of an unknown type")
    wanted = prod(stored.dims) * struct.calcsize(f"<{code}")
    if message.data_location == _EXTERNAL:
        return _external(stored, folder, wanted)
    if message.HasField("raw_data"):
        found = message.raw_data
    elif message.data_type == 1:
        found = b"".join(message.float_data)
    elif message.data_type == 11:
        found = b"".join(message.double_data)
    else:
        values = message.int64_data if message.data_type == 7 else message.int32_data
        mask = (1 << 8 * struct.calcsize(f"<{code}")) - 1
        width = struct.calcsize(f"<{code}")
        found = b"".join((value & mask).to_bytes(width, "little") for value in values)
    if len(found) != wanted:
        raise _unfit(stored, f"has shape {list(stored.dims)} and {len(found):,} bytes, not {wanted:,}")
    return found


def _external(stored: Stored, folder: Path, wanted: int) -> bytes:
    """The bytes of a tensor in another file, which must lie in the model's folder."""
    said = {text(entry.key): text(entry.value) for entry in stored.message.external_data}
    location = said.get("location", "")
    path = folder / location
    try:
        inside = not Path(location).is_absolute() and path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # an invalid file name, a cycle of links
        inside = False
    if not location or not inside:
        raise _unfit(stored, f"is outside the model's folder: `{printable(location, 80)}`")
    start, length = (said.get(key, usual) for key, usual in (("offset", "0"), ("length", str(wanted))))
    if not (start.isdecimal() and length.isdecimal() and len(start) < 16 and int(length[:16]) == wanted):
        raise _unfit(stored, f"has {printable(length, 20)} bytes from offset {printable(start, 20)}, not {wanted:,}")
    shown = printable(location, 80)
    try:
        with open_regular(path) as stream:
            stream.seek(int(start))
            found = stream.read(wanted)
    except (Fault, OSError):  # a missing file, or one that is not regular
        raise _unfit(stored, f"cannot be read from `{shown}`") from None
    if len(found) != wanted:
        raise _unfit(stored, f"ends beyond `{shown}`")
    return found
