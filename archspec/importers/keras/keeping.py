"""Layers without counterpart as opaque steps, where the file says the shape of what they give."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers import opaque
from archspec.importers.keras import weights
from archspec.importers.keras.network import Given, Rule


def keeper(path: Path, config: dict[str, Any], unknown: list[str]) -> Rule:
    """The rule that makes a layer an opaque step; it raises :class:`Fault` where the file says too little.

    Layers are added to ``unknown`` if the file holds no weights.
    """
    holds = path.suffix != ".json"

    @cache
    def stored() -> dict[str, list[tuple[str, tuple[int, ...]]]]:
        return weights.variables(path, config) if holds else {}

    def kept(given: Given) -> int:
        if given.first is not None:
            raise given.settings.refuse("it is called twice")
        shape = _sizes(given)
        variables = stored().get(given.call.name, [])
        names = opaque.tensor_names([name for name, _ in variables])
        tensors = {name: dims for name, (_, dims) in zip(names, variables, strict=True)}
        assembly = given.network.assembly
        value = opaque.keep(
            assembly, given.kind, given.reads, shape, tensors, path=given.path, frame=given.frame
        )  # fmt: skip
        for name, (variable, _) in zip(names, variables, strict=True):
            given.keep(name, variable)
        if not holds:
            unknown.append(given.settings.what)
        return value

    return kept


def _sizes(given: Given) -> list[int | str]:
    """Channels and sizes of what a layer gives, as the layers that read it note them."""
    found = given.network.flat.shapes.get(given.call.gives)
    if not isinstance(found, list) or len(found) < 2:
        raise given.settings.refuse("the file does not say the shape of what it gives")
    sizes = [size for size in found[1:] if type(size) is int and 1 <= size <= 10**9]
    if len(sizes) < len(found) - 1:
        raise Fault("not-importable", "the file leaves a size of what it gives open")
    return [*sizes] if given.network.format == "channels_first" else [sizes[-1], *sizes[:-1]]
