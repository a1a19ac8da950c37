"""Keras's weights: the variables of layers as tensors of steps.

Keras 3 stores a model's variables in groups named by class and order of the layers; the older format uses the names
of layers and variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.importers.keras import files, hdf5
from archspec.importers.keras.graph import DEEPEST, MODELS, OPERATIONS
from archspec.importers.tensors import Filled
from archspec.records import record

if TYPE_CHECKING:
    from torch import Tensor

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "LayerNormalization": ("gamma", "beta"),
    "Normalization": ("mean", "variance", "count"),
    "PReLU": ("alpha",),
    "LayerScale": ("gamma",),
}
"""The variables of each class in the order stored; other layers have kernels and a bias."""


@record
class Filling:
    """One tensor of a step: a variable of a layer and its layout, or numbers from the layer's settings."""

    key: str
    layer: str
    variable: str
    how: str = "plain"
    values: Any = None


def read(
    path: Path, config: dict[str, Any], fillings: Sequence[Filling], wanted: Mapping[str, tuple[int, ...]]
) -> Filled:
    """The tensors of a file by a spec's own keys.

    Raises :class:`SpecError`: ``unreadable-weights``, or ``weights-mismatch`` with each layer that does not fit.
    """
    state: dict[str, Tensor] = {}
    wrong: list[Diagnostic] = []
    try:
        with files.weights(path) as file:
            store = _store(file, config)
            for filling in fillings:
                try:
                    state[filling.key] = _filled(filling, store, wanted[filling.key])
                except Fault as fault:
                    if fault.diagnostic.code == "unreadable-weights":  # the file is damaged: the rest cannot be trusted
                        raise
                    wrong.append(fault.diagnostic)
    except Fault as fault:
        raise SpecError([_of_file(fault, path)]) from None
    if wrong:
        raise SpecError(wrong[:100])
    return Filled.of(state, wanted)


MOST_VARIABLES = 100_000


def variables(path: Path, config: dict[str, Any]) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
    """By layer, the variables of floating-point numbers that a file stores, and their shapes; raises :class:`Fault`."""
    try:
        with files.weights(path) as file:
            return _store(file, config).variables()
    except Fault as fault:
        found = _of_file(fault, path)
        raise Fault(found.code, found.message, hint=found.hint) from None


def _store(file: Any, config: dict[str, Any]) -> _New | _Old:
    is_old = hdf5.member(file, "model_weights") is not None or bool(hdf5.texts(file, "layer_names"))
    return _Old(file) if is_old else _New(file, config)


def _of_file(fault: Fault, path: Path) -> Diagnostic:
    """The diagnostic of a fault, with the file's name where the file is damaged."""
    found = fault.diagnostic
    if found.code != "unreadable-weights":
        return found
    return replace(found, message=f"cannot read weights from `{printable(str(path))}`: {found.message}")


def _filled(filling: Filling, store: _New | _Old, wanted: tuple[int, ...]) -> Tensor:
    import torch

    shown = f"`{printable(filling.layer, 80)}`"
    if filling.how in ("ones", "zeros"):
        return torch.full(wanted, float(filling.how == "ones"))
    if filling.how == "settings":
        values = torch.tensor(filling.values, dtype=torch.float32)
        return values.expand(wanted[0]).reshape(wanted).clone() if values.dim() == 0 else values.reshape(wanted)
    if filling.how in ("inverse", "offset"):
        variance = store.variable(filling.layer, "variance", None)
        scale = 1 / variance.flatten().sqrt().clamp(min=1e-7)
        if filling.how == "offset":
            scale = -store.variable(filling.layer, "mean", None).flatten() * scale
        if scale.numel() != wanted[0]:
            raise Fault("weights-mismatch", f"{shown} has {scale.numel()} numbers for {wanted[0]} channels")
        return scale.reshape(wanted)
    count = prod(wanted)
    values = store.variable(filling.layer, filling.variable, count)
    found = _laid(values, filling, wanted)
    if found.numel() != count or [size for size in found.shape if size != 1] != [size for size in wanted if size != 1]:
        said = f"{shown} has `{filling.variable}` of shape {list(values.shape)}, which does not make {list(wanted)}"
        raise Fault("weights-mismatch", said)
    return found.reshape(wanted).contiguous()


def _laid(values: Tensor, filling: Filling, wanted: tuple[int, ...]) -> Tensor:
    """A kernel in torch's layout: outputs first, then inputs, then the window."""
    window = tuple(range(values.dim() - 2))
    if filling.how == "kernel" and values.dim() >= 2:
        return values.permute(-1, -2, *window)
    if filling.how == "depthwise" and values.dim() >= 2:
        return values.permute(-2, -1, *window).reshape(-1, 1, *values.shape[:-2])
    if filling.how == "flattened" and values.dim() == 2:
        channels, *sizes = filling.values
        if values.shape[0] == prod(filling.values):
            values = values.reshape(*sizes, channels, -1).movedim(len(sizes), 0).reshape(values.shape)
        return values.T
    return values


class _New:
    """The groups of Keras 3's format: ``layers/conv2d_1/vars/0``."""

    def __init__(self, file: Any, config: dict[str, Any]) -> None:
        self.places: dict[str, tuple[Any, list[str]]] = {}
        self._model(file, config, "", 0)

    def _model(self, group: Any, given: dict[str, Any], prefix: str, depth: int) -> None:
        config = given.get("config")
        layers = config.get("layers", []) if isinstance(config, dict) else config
        around = hdf5.member(group, "layers")
        if around is None or not isinstance(layers, list) or depth > 20:
            return
        numbers: dict[str, int] = {}
        noted = _noted(around)
        for layer in layers:
            kind, name = str(layer.get("class_name")), str(layer.get("name") or layer.get("config", {}).get("name"))
            if str(layer.get("module")).startswith(OPERATIONS):
                continue
            word = _snake(kind)
            number = numbers.get(word, 0)
            numbers[word] = number + 1
            own = noted.get(name) or hdf5.member(around, f"{word}_{number}" if number else word)
            if own is None:
                continue
            if kind in MODELS:
                self._model(own, layer, f"{prefix}{name}/", depth + 1)
                continue
            names = VARIABLES.get(kind) or (
                ("depthwise_kernel", "pointwise_kernel", "bias") if kind.startswith("Separable") else ("kernel", "bias")
            )
            settings = layer.get("config", {})
            absent = {"gamma": settings.get("scale") is False, "beta": settings.get("center") is False}
            self.places[f"{prefix}{name}"] = (own, [each for each in names if not absent.get(each)])

    def variable(self, layer: str, name: str, count: int | None) -> Tensor:
        """A variable of a layer; raises :class:`Fault`."""
        group, names = self.places.get(layer, (None, []))
        variables = None if group is None else hdf5.member(group, "vars")
        if "vars/" in name and group is not None:
            return _numbers(hdf5.member(group, name), layer, name, count)
        found = None if variables is None or name not in names else hdf5.member(variables, str(names.index(name)))
        return _numbers(found, layer, name, count)

    def variables(self) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
        """By layer, the places of its variables and their shapes; those of the layers within it too."""
        found = {layer: list(_shapes(group, "", 0)) for layer, (group, _) in self.places.items()}
        if sum(map(len, found.values())) > MOST_VARIABLES:
            raise Fault("too-large", f"the file has more than {MOST_VARIABLES:,} variables")
        return found


def _shapes(group: Any, around: str, depth: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The variables of a group and of those within it, by number and name."""
    if depth > DEEPEST:
        return
    are_variables = around.endswith("vars/")
    for name in sorted(hdf5.names(group), key=lambda name: (len(name), name) if are_variables else (0, name)):
        inner = hdf5.member(group, name)
        shape = hdf5.shape_of(inner) if are_variables else None
        if shape is not None:
            yield f"{around}{name}", shape
        else:
            yield from _shapes(inner, f"{around}{name}/", depth + 1)


def _noted(around: Any) -> dict[str, Any]:
    """Groups by the names of layers, if these are recorded."""
    found: dict[str, Any] = {}
    for key in hdf5.names(around):
        own = hdf5.member(around, key)
        variables = hdf5.member(own, "vars")
        name = None if variables is None else hdf5.text(variables, "name")
        if name is not None:
            found[name] = own
    return found


class _Old:
    """The groups of the older format: ``conv1/conv1/kernel:0``, those of a nested model under its name."""

    def __init__(self, file: Any) -> None:
        self.root = hdf5.member(file, "model_weights") or file

    def variable(self, layer: str, name: str, count: int | None) -> Tensor:
        """A variable of a layer; raises :class:`Fault`."""
        outer, _, _ = layer.partition("/")
        group = hdf5.member(self.root, layer) or hdf5.member(self.root, outer)
        own = layer.rpartition("/")[2]
        names = [] if group is None else hdf5.texts(group, "weight_names")
        by_variable = {tuple(_plain(each).split("/")[-2:]): each for each in names}
        synonyms = {"kernel": ("kernel", "depthwise_kernel"), "gamma": ("gamma", "layer_scale_gamma")}
        for word in synonyms.get(name, (name,)):
            path = by_variable.get((own, word))
            if path is None and "/" not in layer:
                path = next((each for each in names if _plain(each).rpartition("/")[2] == word), None)
            if path is not None:
                return _numbers(hdf5.member(group, path), layer, name, count)
        return _numbers(None, layer, name, count)

    def variables(self) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
        """By layer, the last words of its variables' names and their shapes."""
        found: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
        for layer in hdf5.names(self.root):
            group = hdf5.member(self.root, layer)
            names = [] if group is None else hdf5.texts(group, "weight_names")
            inner = [
                (_plain(name).rpartition("/")[2], hdf5.shape_of(hdf5.member(group, name)))
                for name in names[:MOST_VARIABLES]
            ]
            found[layer] = [(word, shape) for word, shape in inner if shape is not None]
        return found


def _plain(name: str) -> str:
    return name.partition(":")[0]


def _numbers(found: Any, layer: str, name: str, count: int | None) -> Tensor:
    shown = f"`{printable(layer, 80)}`"
    if not hdf5.is_dataset(found):
        raise Fault("weights-mismatch", f"the file has no `{name}` for the layer {shown}")
    return hdf5.numbers(found, f"`{name}` of {shown}", count)


def _snake(name: str) -> str:
    """The name that Keras gives the group of a class."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
