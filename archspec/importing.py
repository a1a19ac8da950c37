"""Specs of what others wrote: a torch module, another tool's file, a module of a library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.diagnostics import SpecError
from archspec.loading import Bounds, loads
from archspec.spec import Spec

if TYPE_CHECKING:
    from torch import Tensor, nn


def from_torch(
    module: nn.Module, /, sizes: Sequence[int] | Mapping[str, Sequence[int]] = (3, 224, 224), *,
    name: str | None = None, opaque: bool = False,
) -> Spec:  # fmt: skip
    """Import a torch module as a spec that compiles to the same outputs and gradients, and loads its ``state_dict``.

    ``sizes`` are the channels and sizes of an image that it takes; of a module with several inputs they are a mapping
    by the names of its forward: ``{"image": (3, 224, 224), "depth": (1, 224, 224)}``.  The spec has symbols for sizes
    that can vary, and numbers where it is right at these alone.  The module is not changed.  Raises
    :class:`SpecError` with every operation that the language does not have; with ``opaque`` the module around such an
    operation becomes a step of which only the class, the shape and the tensors are known.
    """
    from archspec.importers.torch_module.importing import ways

    said: SpecError | None = None
    for way in ways(module, sizes, name, opaque):
        try:
            found = way()
            spec = loads(found.text, name=f"{found.name}.yaml")
            found.hold(spec.graph)
            return spec
        except SpecError as error:
            said = error  # of the last way, that of one size: what no choice of sizes mends
    assert said is not None
    raise said


def from_file(
    file: str | Path,
    /,
    sizes: Sequence[int] | None = None,
    *,
    name: str | None = None,
    version: str | None = None,
    scale: str | None = None,
    opaque: bool = False,
) -> Spec:
    """The spec of another tool's file: Caffe, Darknet, Keras, ONNX, Ultralytics; raises :class:`SpecError`.

    ``sizes`` are channels and sizes instead of the file's own.  ``version`` is the release of Ultralytics that reads
    its YAML, such as ``8.3``, and ``scale`` the letter of one of the YAML's scales.  With ``opaque`` a layer that the
    language does not have becomes a step of which only the class, the shape and the tensors are known, where the file
    says them.
    """
    return from_files(file, None, sizes, name=name, version=version, scale=scale, opaque=opaque)[0]


def from_files(
    file: str | Path,
    weights: str | Path | None,
    /,
    sizes: Sequence[int] | None = None,
    *,
    name: str | None = None,
    version: str | None = None,
    scale: str | None = None,
    opaque: bool = False,
) -> tuple[Spec, Mapping[str, Tensor]]:
    """A spec as :func:`from_file` gives it, and the weights of a file as its ``state_dict``.

    ``weights`` is a ``.caffemodel``, ``.weights`` or ``.weights.h5``; of a file that holds both it is the file itself.
    """
    from archspec.importers.files import imported

    found = imported(Path(file), sizes, name, version, scale, opaque)
    spec = loads(found.text, name=f"{found.name}.yaml", bounds=Bounds(*found.bounds))
    filled = found.weights(spec.graph, None if weights is None else Path(weights))
    return replace(spec, diagnostics=(*found.notes, *spec.diagnostics, *filled.notes)), filled.state


def brought(
    source: str, sizes: Sequence[int] | None = None, name: str | None = None, version: str | None = None,
    scale: str | None = None, opaque: bool = False, trust: bool = False,
) -> Spec:  # fmt: skip
    """Import another tool's file, or a module of a library, as a spec: ``timm:hrnet_w18``.  Raises SpecError.

    ``trust`` says that a ``.pt2`` file may be loaded, though torch's loader can run code in it.
    """
    from archspec.importers.foreign import is_foreign
    from archspec.running.exported import exported
    from archspec.running.sources import bring

    if is_foreign(source):
        return from_file(source, sizes, name=name, version=version, scale=scale, opaque=opaque)
    found = exported(Path(source), trust) if source.endswith(".pt2") else bring(source)
    return from_torch(found.module, sizes or found.size, name=name or found.name, opaque=opaque)
