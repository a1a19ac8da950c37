"""Keras's weights: the variables of layers as tensors of steps.

Keras 3 stores a model's variables in groups named by class and order of the layers; the older format uses the names
of layers and variables.  Links to other files and virtual or filtered datasets are refused: reading them would read,
or create, data that is not in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.importers.keras import files
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
        with files.hdf5(path) as file:
            store = _Old(file) if "model_weights" in file or "layer_names" in file.attrs else _New(file, config)
            for filling in fillings:
                try:
                    state[filling.key] = _filled(filling, store, wanted[filling.key])
                except Fault as fault:
                    wrong.append(fault.diagnostic)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:  # h5py's errors for a broken file
        said = f"cannot read weights from `{printable(str(path))}`: it is not a file of Keras weights, or it is damaged"
        raise SpecError([Diagnostic("unreadable-weights", said)]) from error
    if wrong:
        raise SpecError(wrong[:100])
    return Filled.of(state, wanted)


MOST_VARIABLES = 100_000


def variables(path: Path, config: dict[str, Any]) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
    """By layer, the variables of floating-point numbers that a file stores, and their shapes; raises :class:`Fault`."""
    try:
        with files.hdf5(path) as file:
            old = "model_weights" in file or "layer_names" in file.attrs
            return (_Old(file) if old else _New(file, config)).variables()
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:  # h5py's errors for a broken file
        raise Fault("unreadable-weights", f"cannot read weights from `{printable(str(path))}`") from error


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
        around = _member(group, "layers")
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
            own = noted.get(name) or _member(around, f"{word}_{number}" if number else word)
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
        variables = None if group is None else _member(group, "vars")
        if "vars/" in name and group is not None:
            return _numbers(_member(group, name), layer, name, count)
        found = None if variables is None or name not in names else _member(variables, str(names.index(name)))
        return _numbers(found, layer, name, count)

    def variables(self) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
        """By layer, the places of its variables and their shapes; those of the layers within it too."""
        found = {layer: list(_shapes(group, "", 0)) for layer, (group, _) in self.places.items()}
        if sum(map(len, found.values())) > MOST_VARIABLES:
            raise Fault("too-large", f"the file has more than {MOST_VARIABLES:,} variables")
        return found


def _shapes(group: Any, around: str, depth: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The variables of a group and of those within it, by number and name."""
    import h5py

    if depth > DEEPEST or not isinstance(group, h5py.Group):
        return
    for name in sorted(group, key=lambda name: (len(name), name) if around.endswith("vars/") else (0, name)):
        inner = _member(group, name)
        if isinstance(inner, h5py.Dataset) and around.endswith("vars/") and inner.dtype.kind == "f":
            yield f"{around}{name}", tuple(inner.shape)
        else:
            yield from _shapes(inner, f"{around}{name}/", depth + 1)


def _noted(around: Any) -> dict[str, Any]:
    """Groups by the names of layers, if these are recorded."""
    found: dict[str, Any] = {}
    for key in around:
        own = _member(around, key)
        variables = None if own is None else _member(own, "vars")
        name = None if variables is None else variables.attrs.get("name")
        if isinstance(name, str):
            found[name] = own
    return found


class _Old:
    """The groups of the older format: ``conv1/conv1/kernel:0``, those of a nested model under its name."""

    def __init__(self, file: Any) -> None:
        self.root = _member(file, "model_weights") if "model_weights" in file else file
        self._paths: dict[str, dict[tuple[str, str], str]] = {}

    def variable(self, layer: str, name: str, count: int | None) -> Tensor:
        """A variable of a layer; raises :class:`Fault`."""
        outer, _, _ = layer.partition("/")
        group = _member(self.root, layer) or _member(self.root, outer)
        own = layer.rpartition("/")[2]
        names = [] if group is None else [_text(each) for each in group.attrs.get("weight_names", [])]
        by_variable = {tuple(_plain(each).split("/")[-2:]): each for each in names}
        synonyms = {"kernel": ("kernel", "depthwise_kernel"), "gamma": ("gamma", "layer_scale_gamma")}
        for word in synonyms.get(name, (name,)):
            path = by_variable.get((own, word))
            if path is None and "/" not in layer:
                path = next((each for each in names if _plain(each).rpartition("/")[2] == word), None)
            if path is not None:
                return _numbers(_inner(group, path), layer, name, count)
        return _numbers(None, layer, name, count)

    def variables(self) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
        """By layer, the last words of its variables' names and their shapes."""
        import h5py

        found: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
        for layer in self.root:
            group = _member(self.root, layer)
            names = [] if group is None else [_text(each) for each in group.attrs.get("weight_names", [])]
            inner = [(_plain(name).rpartition("/")[2], _inner(group, name)) for name in names[:MOST_VARIABLES]]
            found[layer] = [(word, tuple(one.shape)) for word, one in inner
                            if isinstance(one, h5py.Dataset) and one.dtype.kind == "f"]  # fmt: skip
        return found


def _inner(group: Any, path: str) -> Any:
    for part in path.split("/"):
        group = _member(group, part) if group is not None and hasattr(group, "keys") else None
    return group


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(name: str) -> str:
    return name.partition(":")[0]


def _member(group: Any, name: str) -> Any:
    """A member of a group; None if there is none; raises :class:`Fault` for one that is stored elsewhere."""
    import h5py

    if not isinstance(group, h5py.Group):
        return None
    for part in name.split("/"):
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise Fault("weights-mismatch", f"`{printable(name, 80)}` is an external link")
        group = group[part]
    return group


def _numbers(found: Any, layer: str, name: str, count: int | None) -> Tensor:
    import h5py
    import torch

    shown = f"`{printable(layer, 80)}`"
    if not isinstance(found, h5py.Dataset):
        raise Fault("weights-mismatch", f"the file has no `{name}` for the layer {shown}")
    filters = found.id.get_create_plist().get_nfilters()
    if found.is_virtual or found.external or filters:
        raise Fault("weights-mismatch", f"`{name}` of {shown} is virtual, filtered, or stored in another file")
    if found.dtype.kind != "f" or found.size is None or found.size != (found.size if count is None else count):
        said = f"`{name}` of {shown} is {printable(str(found.dtype), 20)} of shape {list(found.shape)}"
        raise Fault("weights-mismatch", said if count is None else f"{said}, but {count:,} numbers are needed")
    return torch.from_numpy(found[()].astype("float32")).reshape(found.shape)


def _snake(name: str) -> str:
    """The name that Keras gives the group of a class."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
