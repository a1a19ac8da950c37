"""Weights in files: read safely, and checked against a network before they are put into it.

Imports torch, so only what runs a network may import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.source import open_regular

LISTED = 5
"""Keys named in one diagnostic; the rest are counted."""

MODEL_PREFIX = "model."
"""Where a checkpoint of :mod:`archspec.training.fit` keeps the network's own weights."""


def load_weights(model: nn.Module, path: Path | str) -> None:
    """Put the weights of a file into ``model``: a ``state_dict``, or a checkpoint that ``archspec train`` wrote.

    Raises :class:`SpecError` if the file cannot be read, or if its keys and shapes are not the network's.
    """
    state = network_state(read_checkpoint(path))
    check_weights(model, state, path)
    model.load_state_dict(state)


def read_checkpoint(path: Path | str) -> dict[str, Any]:
    """What a file of weights holds, read by torch's unpickler that runs no code.  Raises :class:`SpecError`."""
    try:
        with open_regular(Path(path)) as file:
            content = torch.load(file, map_location="cpu", weights_only=True)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    except Exception as error:  # whatever the bytes led the unpickler to raise
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise _unreadable(path, printable(reason)) from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise _unreadable(path, "it holds no state_dict")
    return content


def network_state(content: Mapping[str, Any]) -> dict[str, Any]:
    """The network's own ``state_dict`` in what a file holds."""
    inner = content.get("state_dict")
    if not isinstance(inner, dict):
        return dict(content)
    if all(key.startswith(MODEL_PREFIX) for key in inner):
        return {key.removeprefix(MODEL_PREFIX): value for key, value in inner.items()}
    return inner


def check_weights(model: nn.Module, state: Mapping[str, Any], path: Path | str) -> None:
    """Raise :class:`SpecError`, naming the keys, unless ``state`` has exactly the network's keys and shapes."""
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    found = {key: tuple(value.shape) if isinstance(value, Tensor) else () for key, value in state.items()}
    differing = [
        f"`{key}` is {list(found[key])} in the file, {list(shape)} in the network"
        for key, shape in wanted.items()
        if key in found and found[key] != shape
    ]
    details = (
        *_listed("missing in the file", [f"`{key}`" for key in wanted if key not in found]),
        *_listed("unknown to the network", [f"`{printable(key)}`" for key in found if key not in wanted]),
        *_listed("of another shape", differing),
    )
    if details:
        message = f"the weights in `{printable(str(path))}` are not this network's"
        raise SpecError([Diagnostic("weights-mismatch", message, details=details)])


def _listed(what: str, items: list[str]) -> list[str]:
    """One line that counts and names some of the items; none when there are none."""
    if not items:
        return []
    more = ", …" if len(items) > LISTED else ""
    return [f"{len(items)} {what}: {', '.join(items[:LISTED])}{more}"]


def _unreadable(path: Path | str, reason: str) -> SpecError:
    return SpecError([Diagnostic("unreadable-weights", f"cannot read weights from `{printable(str(path))}`: {reason}")])
