"""Reading weight files: torch's, by its unpickler that runs no code, and safetensors; and the check for plain tensors.

Imports torch, so only modules that run a network may import it.
"""

from __future__ import annotations

import importlib
import os
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.running.safetensors_files import BrokenFile, read_tensors
from archspec.syntax import open_regular

SAFETENSORS = ".safetensors"
"""The file extension of the safetensors format."""

_ASKED_FOR = re.compile(r"GLOBAL ([\w.]+)")
"""How torch's unpickler names the function that a file tries to call."""


def read_checkpoint(path: Path | str) -> dict[Any, Any]:
    """The dict that a file holds, on the CPU.  Its keys and values are unchecked.

    No tensor stays in the file: it can change later.  Raises :class:`SpecError`: ``file-not-found``, ``not-a-file`` or
    ``unreadable-weights``.
    """
    if Path(path).suffix == SAFETENSORS:
        return _read_safetensors(Path(path))
    try:
        with open_regular(Path(path)) as file, warnings.catch_warnings(action="ignore"):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    except Exception as error:  # damaged bytes can make the unpickler raise anything
        raise unreadable(path, _reason(error)) from error
    if not isinstance(content, dict):
        raise unreadable(path, f"it holds {described(content)}, not a state_dict")
    return content


def _read_safetensors(path: Path) -> dict[Any, Any]:
    try:
        with open_regular(path) as file:
            return dict(read_tensors(file, os.fstat(file.fileno()).st_size))
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    except (BrokenFile, OSError) as error:
        raise unreadable(path, "it is not a safetensors file, or it is damaged") from error


def safetensors(state: Mapping[str, Tensor]) -> bytes:
    """A ``state_dict`` as the bytes of a safetensors file.  Raises :class:`SpecError` ``no-package``."""
    return _safetensors().save({key: value.contiguous() for key, value in state.items()})


def _safetensors() -> Any:
    try:
        return importlib.import_module("safetensors.torch")
    except ImportError:
        message = "a .safetensors file needs the package safetensors, which is not here"
        raise SpecError([Diagnostic("no-package", message, hint="pip install safetensors")]) from None


def unreadable(path: Path | str, reason: str, hint: str | None = None) -> SpecError:
    """The error for a file that cannot be used."""
    message = f"cannot read weights from `{printable(str(path))}`: {reason}"
    return SpecError([Diagnostic("unreadable-weights", message, hint=hint)])


def not_plain(value: object) -> str | None:
    """Why a value is not a plain tensor of real numbers in memory; None if it is one."""
    if not isinstance(value, Tensor):
        return described(value)
    if value.is_nested:
        return "nested"
    if value.is_quantized:
        return "quantized"
    if value.layout is not torch.strided:
        return "sparse"
    if value.device.type != "cpu":
        return f"without values, on the device `{value.device.type}`"
    return "complex" if value.is_complex() else None


def described(value: object) -> str:
    """The type of a value in a file, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, Tensor):
        return not_plain(value) or f"a tensor {list(value.shape)}"
    words = {str: "text", bool: "true or false", int: "a whole number", float: "a number", dict: "a mapping"}
    named = {list: "a list", tuple: "a tuple", set: "a set", bytes: "bytes"}
    return next((word for kind, word in (words | named).items() if isinstance(value, kind)), type(value).__name__)


def _reason(error: Exception) -> str:
    """Why a file cannot be read, in our words: torch's message advises to retry without `weights_only`."""
    if isinstance(error, OSError):
        return printable(error.strerror or str(error))
    found = _ASKED_FOR.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
    if found is not None:
        return f"it asks for `{printable(found.group(1))}`, which weights do not need; code in a file is never run"
    return "it is not a checkpoint written by torch, or it is damaged"
