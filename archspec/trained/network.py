"""A network with weights, and what using it needs: classes in order, input size, mean and standard deviation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from archspec.analyses.report import Report
from archspec.diagnostics import Diagnostic, SpecError
from archspec.graph import Graph
from archspec.loading import opened
from archspec.records import record
from archspec.running.named_weights import load_named
from archspec.running.runtime import compiled
from archspec.running.weights import load_weights
from archspec.sizes import text
from archspec.spec import Spec
from archspec.training.images import NORMALISATION, Images
from archspec.training.run_folder import Run


@record
class Network:
    """A network in evaluation, on a device.

    ``classes`` are the names by index; empty where nobody has named them.
    """

    model: nn.Module
    graph: Graph
    sizes: Mapping[str, int]
    classes: tuple[str, ...]
    channels: int
    size: tuple[int, int]
    count: int
    """Number of scores: of an image, or of a pixel."""
    answer: tuple[int, int] | None
    """Height and width of the map of scores; None for one answer for each image."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    notes: tuple[Diagnostic, ...] = ()

    def scores(self, pixels: Tensor) -> Tensor:
        """The scores of a batch of images, ``[batch, channels, *size]`` of uint8, on the CPU."""
        mean, std = (torch.tensor(each).view(-1, 1, 1) for each in (self.mean, self.std))
        images = (pixels.float() / 255 - mean) / std
        with torch.inference_mode():
            given = self.model(images.to(self.device))
        found = given if isinstance(given, Tensor) else next(each for each in given if each is not None)
        return found.float().cpu()

    def read(self, path: Path) -> Tensor:
        """An image file as the network takes it, ``[channels, *size]`` of uint8.  Raises UnreadableImage."""
        return Images([], self.size, self.channels).read(path)

    def name(self, index: int) -> str:
        """A class's name, or its index where it has none."""
        return self.classes[index] if self.classes else str(index)


def of_run(run: Run, device: torch.device) -> Network:
    """The network of a run's folder, with its best weights.  Raises :class:`SpecError`."""
    spec = opened(run.spec, {})
    sizes = run_sizes(spec, run)
    model = compiled(spec.graph)
    notes = load_weights(model, run.weights)
    network = _network(spec, model, sizes, run.classes, device, notes)
    if (network.channels, network.size, network.count) != (run.channels, run.size, len(run.classes)):
        message = f"`{run.folder}` does not fit together: its spec and `run.json` differ in channels, size or classes"
        raise SpecError([Diagnostic("not-a-run", message)])
    if run.mean is None or run.std is None:
        hint = "prepare images as the training did, or train from a folder"
        message = "the run does not say how its images were normalised: its own code did that"
        raise SpecError([Diagnostic("not-a-run", message, hint=hint)])
    return replace(network, mean=run.mean, std=run.std)


def run_sizes(spec: Spec, run: Run) -> dict[str, int]:
    """The sizes that a run's network was trained at, by symbol."""
    source = spec.graph.nodes[next(iter(spec.graph.inputs.values()))]
    sides = {text(dim): size for dim, size in zip(source.shape.spatial, run.size, strict=False)}
    return {**spec.graph.sizes, **{name: sides[name] for name in spec.symbols if name in sides}}


def of_spec(
    spec: Spec, sizes: Mapping[str, int], weights: str | None, device: torch.device, classes: Sequence[str] = ()
) -> Network:
    """A spec's network, with the weights of a file or of a library's name: ``timm:resnet18.a1_in1k``.

    Classes are as given, or those that the library names.  Raises :class:`SpecError`.
    """
    model = compiled(spec.graph)
    named = load_named(model, weights) if weights is not None else None
    notes = named.notes if named is not None else ()
    network = _network(spec, model, {**spec.graph.sizes, **sizes}, (), device, notes)
    names = tuple(classes) or (named.classes if named is not None else ())
    if names and len(names) != network.count:
        if classes:
            message = f"{len(names)} classes are named, but the network has {network.count}"
            raise SpecError([Diagnostic("class-count", message)])
        names = ()
    known = replace(network, classes=names)
    if named is not None and named.mean is not None and named.std is not None and len(named.mean) == known.channels:
        return replace(known, mean=named.mean, std=named.std)
    return known


def _network(
    spec: Spec,
    model: nn.Module,
    sizes: Mapping[str, int],
    classes: tuple[str, ...],
    device: torch.device,
    notes: tuple[Diagnostic, ...],
) -> Network:
    """A network whose input is an image.  Raises :class:`SpecError` for any other."""
    graph = spec.graph
    report = Report(graph, dict(sizes))
    if refused := report.refused():
        raise SpecError(refused)
    source = graph.nodes[next(iter(graph.inputs.values()))]
    shape = report.shapes_at.get(source.path)
    main = graph.nodes[next(output.node for output in graph.outputs if not output.training)]
    answer = report.shapes_at.get(main.path)
    if shape is None or answer is None:
        raise SpecError([Diagnostic("no-size", "the spec has no number for its input size", hint="--size 224")])
    if len(shape) != 3 or shape[0] not in NORMALISATION or len(graph.inputs) > 1:
        message = f"the network's input is {list(shape)}, but images need [1, H, W] or [3, H, W]"
        raise SpecError([Diagnostic("not-an-image", message, source.span)])
    if len(answer) not in (1, 3):
        message = f"output `{main.path}` is {list(answer)}: neither scores of classes nor a map of them"
        raise SpecError([Diagnostic("output-shape", message, main.span)])
    mean, std = NORMALISATION[shape[0]]
    whole = (answer[1], answer[2]) if len(answer) == 3 else None
    moved = model.to(device).eval()
    size = (shape[1], shape[2])
    return Network(moved, graph, sizes, classes, shape[0], size, answer[0], whole, mean, std, device, notes)
