"""The torch device that a user names."""

from __future__ import annotations

import torch

from archspec.diagnostics import Diagnostic, SpecError, printable


def find(name: str) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``cuda:1``; raises :class:`SpecError` if it does not exist."""
    kind, _, index = name.partition(":")
    if name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    if name == "cpu":
        return torch.device("cpu")
    if kind != "cuda" or (":" in name and not (index.isascii() and index.isdecimal() and len(index) < 5)):
        raise SpecError([Diagnostic("no-device", f"`{printable(name)}` is not `auto`, `cpu`, `cuda` or `cuda:0`")])
    if int(index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        message = f"this machine has no `{name}`: torch finds {found} CUDA device{'' if found == 1 else 's'}"
        raise SpecError([Diagnostic("no-device", message)])
    return torch.device("cuda", int(index or 0))
