"""Weights by a library's name: ``torchvision:ResNet50_Weights.IMAGENET1K_V2``, ``timm:resnet18.a1_in1k``; or a file.

The libraries' own loaders find the file, download it where that is allowed, and check its hash; torch's unpickler that
runs no code reads it (``weights_only``).  Without a network, the message names the file and its folder.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import nn

from archspec.diagnostics import Diagnostic, SpecError, did_you_mean, printable
from archspec.records import record
from archspec.running.torchvision_library import torchvision
from archspec.running.weights import load_state, load_weights, shapes

LIBRARIES = ("torchvision", "timm")


@record
class Named:
    """What came with weights: the classes' names, how images are normalised, how the weights were adapted."""

    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    notes: tuple[Diagnostic, ...] = ()


def is_named(text: str) -> bool:
    """Whether a text names weights of a library rather than a file."""
    library, colon, name = text.partition(":")
    return bool(colon and name) and library in LIBRARIES


def load_named(model: nn.Module, weights: str, classes: int | None = None) -> Named:
    """Put weights into a network: those of a library's name, or of a file.

    A head for another number of classes is left as it is, and a note says so.  Raises :class:`SpecError` where the
    weights cannot be had, or are not this network's.
    """
    count = heads(model) if classes is None else classes
    if not is_named(weights):
        return Named(notes=load_weights(model, weights, count))
    library, _, name = weights.partition(":")
    state, told = _torchvision(name) if library == "torchvision" else _timm(name)
    notes = load_state(model, state, weights, count)
    return Named(told.classes, told.mean, told.std, notes)


def heads(model: nn.Module) -> int | None:
    """The number of classes of a network: the rows of its last weight with two axes or more."""
    rows = [shape[0] for key, shape in shapes(model).items() if key.endswith("weight") and len(shape) > 1]
    return rows[-1] if rows else None


def _torchvision(name: str) -> tuple[Mapping[str, Any], Named]:
    """The state of ``ResNet50_Weights.IMAGENET1K_V2``, and what torchvision says of it."""
    try:
        models = torchvision().models
    except ImportError:
        raise _missing("torchvision") from None
    kind, _, member = name.partition(".")
    found: Any = None
    kinds = {enum.__name__: enum for enum in map(models.get_model_weights, models.list_models())}
    if kind in kinds:
        members = kinds[kind].__members__
        if member not in members:
            hint = did_you_mean(member, members) or f"it has {', '.join(members)}"
            raise _unknown(f"`{kind}` has no weights `{printable(member, 60)}`", hint)
        found = kinds[kind][member]
    else:
        raise _unknown(f"torchvision has no weights `{printable(kind, 60)}`", did_you_mean(kind, kinds))
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = Path(urlparse(found.url).path).name
    try:
        with warnings.catch_warnings(action="ignore"):
            state = found.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except Exception as error:
        raise _unavailable(f"torchvision:{name}", found.url, folder / file, error) from error
    transforms = found.transforms()
    mean, std = (_numbers(getattr(transforms, each, None)) for each in ("mean", "std"))
    return state, Named(tuple(map(str, found.meta.get("categories", ()))), mean, std)


def _timm(name: str) -> tuple[Mapping[str, Any], Named]:
    """The state of ``resnet18.a1_in1k``, and what timm says of it."""
    try:
        torchvision()
        library: Any = importlib.import_module("timm")
        load: Any = importlib.import_module("timm.models").load_state_dict_from_hf
        folder = Path(importlib.import_module("huggingface_hub.constants").HF_HUB_CACHE)
    except ImportError:
        raise _missing("timm") from None
    every = library.list_models(pretrained=True)
    config = library.models.get_pretrained_cfg(name)
    if name not in every or config is None:
        raise _unknown(f"timm has no weights `{printable(name, 60)}`", did_you_mean(name, every))
    hub = config.hf_hub_id
    try:
        if hub:
            state = load(f"{hub}{name}" if hub.endswith("/") else hub, weights_only=True)
        else:
            state = torch.hub.load_state_dict_from_url(
                config.url, map_location="cpu", progress=False, check_hash=True, weights_only=True
            )
    except Exception as error:
        place = folder / f"models--{str(hub).rstrip('/').replace('/', '--')}--{name}" if hub else folder
        raise _unavailable(f"timm:{name}", str(hub or config.url), place, error) from error
    return state, Named((), _numbers(config.mean), _numbers(config.std))


def _numbers(values: Any) -> tuple[float, ...] | None:
    return None if values is None else tuple(float(each) for each in values)


def _missing(package: str) -> SpecError:
    message = f"`{package}:` needs the package {package}, which is not installed"
    return SpecError([Diagnostic("no-package", message, hint="pip install 'archspec-nn[hub]'")])


def _unknown(message: str, hint: str | None) -> SpecError:
    return SpecError([Diagnostic("unknown-weights", message, hint=hint)])


def _unavailable(name: str, url: str, place: Path, error: Exception) -> SpecError:
    """Weights that are neither in the cache nor to be had: where they would lie."""
    reason = printable(str(error).strip().split("\n")[0], 200) or type(error).__name__
    message = f"the weights `{printable(name, 80)}` are not here and cannot be fetched: {reason}"
    details = (f"the file is {printable(place.name)}, its folder {printable(str(place.parent))}",)
    hint = f"fetch {printable(url, 200)} on a machine with a network, and put it there"
    return SpecError([Diagnostic("no-weights", message, hint=hint, details=details)])
