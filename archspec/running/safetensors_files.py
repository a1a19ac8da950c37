"""Files of safetensors, read into memory of their own: each tensor's bytes go from the file to where they stay.

The package maps a file or copies its content twice; a mapped file that changes later would change the network.  The
format (https://github.com/huggingface/safetensors): the length of the header in 8 bytes, the header in JSON, which
gives type, shape and offsets of each tensor, and the tensors one behind another.

Imports torch, so only modules that run a network may import it.
"""

from __future__ import annotations

import ctypes
import json
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from io import BufferedReader

LONGEST_HEADER = 100_000_000
"""The longest header in bytes; the package has the same limit."""

MOST_AXES = 64
"""The most axes of a tensor that torch has."""

_TYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16", "I32": "int32", "U32": "uint32",
    "I64": "int64", "U64": "uint64", "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "C64": "complex64",
}  # fmt: skip
"""torch's names of the format's types."""


class BrokenFile(Exception):
    """A file is not in the format."""


def read_tensors(file: BufferedReader, size: int) -> dict[str, Tensor]:
    """The tensors of an open file of ``size`` bytes.  Raises :class:`BrokenFile`."""
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(size - 8, LONGEST_HEADER):
        raise BrokenFile("the header is longer than the file")
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or nested too deep
        raise BrokenFile("the header is not JSON") from error
    if not isinstance(header, dict):
        raise BrokenFile("the header is not a mapping")
    header.pop("__metadata__", None)
    places = {str(key): _place(entry) for key, entry in header.items()}
    end = 0
    for key in sorted(places, key=lambda key: places[key][2:]):
        _, _, start, stop = places[key]
        if start != end:
            raise BrokenFile("there are gaps between the tensors, or they overlap")
        end = stop
    if end != size - 8 - length:
        raise BrokenFile("the tensors are longer or shorter than the file")
    found = {key: _filled(file, *places[key][:2]) for key in sorted(places, key=lambda key: places[key][2:])}
    return {key: found[key] for key in places}


def _place(entry: Any) -> tuple[torch.dtype, list[int], int, int]:
    """Type, shape, start and end of a tensor from its entry in the header."""
    if not isinstance(entry, dict):
        raise BrokenFile("an entry of the header is not a mapping")
    name, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    dtype = getattr(torch, _TYPES[name], None) if isinstance(name, str) and name in _TYPES else None
    if dtype is None:  # not one of the format, or one that this torch does not have
        raise BrokenFile("a tensor is of no known type")
    if not isinstance(offsets, list) or len(offsets) != 2:
        raise BrokenFile("a tensor does not have two offsets")
    start, stop = offsets
    if not isinstance(shape, list) or len(shape) > MOST_AXES:
        raise BrokenFile("a shape is not a list, or is too long")
    if not all(type(number) is int and 0 <= number < 2**63 for number in (*shape, start, stop)):
        raise BrokenFile("a size or an offset is not a number")
    if prod(shape) * dtype.itemsize != stop - start:
        raise BrokenFile("the length of a tensor is not that of its shape")
    return dtype, shape, start, stop


def _filled(file: BufferedReader, dtype: torch.dtype, shape: list[int]) -> Tensor:
    """A tensor with the next bytes of a file."""
    tensor = torch.empty(shape, dtype=dtype)
    view = memoryview((ctypes.c_char * tensor.nbytes).from_address(tensor.data_ptr())) if tensor.nbytes else b""
    done = 0
    while done < tensor.nbytes:
        count = file.readinto(view[done:])
        if not count:
            raise BrokenFile("the file ends before its last tensor")
        done += count
    return tensor
