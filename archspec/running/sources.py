"""Modules named by library and model: ``torchvision:resnet18``, ``timm:hrnet_w18``.

Making one imports the library; ``python:`` runs the user's own code.  So such a name is accepted only on the command
line or in a call, never in a spec.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Diagnostic, SpecError, did_you_mean, printable
from archspec.records import record

if TYPE_CHECKING:
    from torch import nn

LIBRARIES = ("torchvision", "timm", "smp", "python")
_PACKAGES = {"smp": "segmentation_models_pytorch"}
_USUAL = (3, 224, 224)


@record
class Brought:
    """A module, the image size it is made for (or the sizes of its inputs by their names), and a name for it."""

    module: nn.Module
    size: tuple[int, ...] | Mapping[str, tuple[int, ...]]
    name: str


def is_source(text: str) -> bool:
    """Whether a text names a module of a library rather than a spec."""
    library, colon, rest = text.partition(":")
    return bool(colon and rest) and library in LIBRARIES


def bring(source: str) -> Brought:
    """The module that a source names; raises :class:`SpecError` if there is none."""
    library, _, name = source.partition(":")
    makers: dict[str, Callable[[str], Brought]] = {
        "torchvision": _torchvision,
        "timm": _timm,
        "smp": _smp,
        "python": _python,
    }
    try:
        return makers[library](name)
    except SpecError:
        raise
    except Exception as error:  # the library's own code may raise anything
        said = printable(str(error).strip().split("\n")[0], 200) or type(error).__name__
        raise _refused(f"`{printable(source, 80)}` cannot be made: {said}") from None


def _refused(message: str, hint: str | None = None) -> SpecError:
    return SpecError([Diagnostic("no-such-module", message, None, hint)])


def _library(name: str) -> Any:
    """A library, imported.  torchvision comes first, since the others import it and fail if its import fails."""
    from archspec.running.torchvision_library import torchvision

    package = _PACKAGES.get(name, name)
    try:
        vision = torchvision()
        return vision if name == "torchvision" else importlib.import_module(package)
    except ImportError:
        pip = package.replace("_", "-")
        raise _refused(f"`{name}:` needs the package {pip}, which is not installed", f"pip install {pip}") from None


def _torchvision(name: str) -> Brought:
    library = _library("torchvision")
    every = library.models.list_models()
    if name not in every:
        raise _unknown("torchvision", name, every)
    builder = library.models.get_model_builder(name)
    options: dict[str, Any] = {"weights": None, "weights_backbone": None}
    known = inspect.signature(builder).parameters
    given = {key: value for key, value in options.items() if key in known}
    if name in ("googlenet", "inception_v3"):  # some warn that initialising weights is slow; the weights are not used
        given["init_weights"] = False
    return Brought(builder(**given), _trained_at(library, name, ".video." in builder.__module__), name)


def _trained_at(library: Any, name: str, video: bool) -> tuple[int, ...]:
    """The image size that a model's pretrained weights were trained for."""
    weights = getattr(library.models.get_model_weights(name), "DEFAULT", None)
    crop = getattr(getattr(weights, "transforms", None), "keywords", {}).get("crop_size", _USUAL[1:])
    sides = (crop, crop) if isinstance(crop, int) else tuple(crop)
    return (3, 16, *sides) if video else (3, *sides)


def _timm(name: str) -> Brought:
    library = _library("timm")
    every = library.list_models()
    if name not in every:
        raise _unknown("timm", name, every)
    module = library.create_model(name, pretrained=False)
    size = tuple(getattr(module, "default_cfg", {}).get("input_size", _USUAL))
    return Brought(module, size, name)


def _smp(name: str) -> Brought:
    library = _library("smp")
    decoder, _, encoder = name.partition("/")
    module = library.create_model(decoder, encoder_name=encoder or "resnet34", encoder_weights=None)
    return Brought(module, _USUAL, f"{decoder}_{encoder or 'resnet34'}")


def _python(name: str) -> Brought:
    from torch import nn

    package, _, path = name.partition(":")
    if not path:
        raise _refused(f"`python:{printable(name, 80)}` does not name a factory", "write python:package.module:factory")
    try:
        found: Any = importlib.import_module(package)
    except ImportError as error:
        raise _refused(f"`{printable(package, 80)}` cannot be imported: {printable(str(error), 120)}") from None
    for part in path.split("."):
        if not hasattr(found, part):
            raise _refused(f"`{printable(package, 80)}` has no `{printable(path, 80)}`")
        found = getattr(found, part)
    module = found if isinstance(found, nn.Module) else found()
    if not isinstance(module, nn.Module):
        raise _refused(f"`{printable(name, 80)}` does not return a `torch.nn.Module`")
    return Brought(module, _USUAL, path.rpartition(".")[2])


def _unknown(library: str, name: str, every: list[str]) -> SpecError:
    return _refused(f"{library} has no model `{printable(name, 60)}`", did_you_mean(name, every))
