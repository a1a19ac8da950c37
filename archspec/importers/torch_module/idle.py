"""Modules that are built but never called: steps that nothing reads, so that their weights keep their keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archspec.importers.network import Frame, Layer
from archspec.importers.torch_module import layers as table
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import told

if TYPE_CHECKING:
    from torch import nn

_INPUTS = ("in_channels", "in_features", "num_features", "num_channels")
"""The names of layers' attributes for their input channels."""
_OUTPUTS = ("out_channels", "out_features")


def with_idle(module: nn.Module, layers: list[Layer], kinds: dict[int, tuple[int, int]]) -> list[Layer]:
    """The layers of a network including those that it never calls, each in the module that holds it.

    An uncalled layer reads a value in its module that has its number of input channels, which may be the output of
    another uncalled layer; if there is none, its parameters become separate steps.  ``kinds`` are the channels and
    the number of spatial axes of each value of the trace.
    """
    called = {layer.path for layer in layers if layer.path}
    owned = {path.rpartition(".")[0] for path in called}
    found = list(layers)
    free = max([*kinds, *(layer.gives for layer in layers)], default=0) + 1
    for path, part in module.named_modules():
        own = [name for name, _ in part.named_parameters(recurse=False)]
        if (
            not own
            or any(around in called for around in _around(path))
            or all(f"{path}.{name}".lstrip(".") in called for name in own)
        ):
            continue
        frame = _frame(path, layers)
        if frame is None:
            continue
        said = _read(part) if path not in owned else None
        place = _place(found, frame, part, kinds) if said is not None else None
        if said is not None and place is not None:
            at, reads = place
            found.insert(at, Layer(*said, [reads], free, frame, path, aside=True))
            kinds = kinds | {free: (_given(part, kinds[reads][0]), kinds[reads][1])}
            free += 1
            continue
        frame = _frame(f"{path}.", layers) or frame
        first = next(at for at, layer in enumerate(found) if _child(layer.frame, frame) is not None)
        for name, tensor in part.named_parameters(recurse=False):
            key = f"{path}.{name}".lstrip(".")
            if key not in called and 1 <= tensor.dim() <= 4:
                found.insert(first, Layer("parameter", {"shape": tuple(tensor.shape)}, [], free, frame, key))
                free, first = free + 1, first + 1
    return found


def _around(path: str) -> Iterator[str]:
    """A path and those around it, from the inside out."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def _given(part: Any, channels: int) -> int:
    """The output channels of a layer, from its input channels."""
    return next((getattr(part, name) for name in _OUTPUTS if hasattr(part, name)), channels)


def _read(part: Any) -> tuple[str, dict[str, Any]] | None:
    """The op of a layer and its arguments; None for a module that is not a layer, or not one of the language."""
    if not table.is_layer(part):
        return None
    try:
        op, given = table.read(part, 2)
    except Unknown:
        return None
    return op, told(op, given)


def _frame(path: str, layers: list[Layer]) -> Frame | None:
    """The first call of the nearest enclosing module of a path that is called."""
    inside: dict[str, Frame] = {}
    for layer in reversed(layers):
        around: Frame | None = layer.frame
        while around is not None:
            inside[around.path] = around
            around = around.parent
    while path:
        path = path.rpartition(".")[0]
        frame = inside.get(path)
        if frame is not None and not frame.chain:
            return frame
    return inside.get("")


def _place(layers: list[Layer], frame: Frame, part: Any, kinds: dict[int, tuple[int, int]]) -> tuple[int, int] | None:
    """A position for a layer within a module, and a value that it can read there."""
    wanted = next((getattr(part, name) for name in _INPUTS if hasattr(part, name)), None)
    name = type(part).__name__
    rank = int(name[-2]) if name[-2:] in ("1d", "2d", "3d") else 0
    for value, at in _values(layers, frame):
        if kinds.get(value) == (wanted, rank):
            return at, value
    return None


def _values(layers: list[Layer], frame: Frame) -> Iterator[tuple[int, int]]:
    """The values that can be read in a module, each with the first position where it can be."""
    inside = [_child(layer.frame, frame) for layer in layers]
    own = [at for at, child in enumerate(inside) if child is not None]
    for value in layers[own[0]].reads:
        yield value, own[0]
    for at in own:
        if (
            inside[at] is frame or at + 1 == len(layers) or inside[at + 1] is not inside[at]
        ):  # a submodule gives its last value
            yield layers[at].gives, at + 1


def _child(within: Frame | None, frame: Frame) -> Frame | None:
    """The child of ``frame`` that contains ``within``, or ``frame`` itself; None if ``within`` lies outside."""
    before = frame
    while within is not None and within is not frame:
        before, within = within, within.parent
    return None if within is None else before
