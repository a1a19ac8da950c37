"""A spec's network in training: its task, its data, its loss, and the run of them all.

Imports torch and Lightning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from archspec.analyses.report import Report
from archspec.backends import spec_text
from archspec.diagnostics import Diagnostic, SpecError
from archspec.running.runtime import compiled
from archspec.spec import Spec
from archspec.training.data import Data
from archspec.training.fit import Result, fit
from archspec.training.given import given_data
from archspec.training.losses import build
from archspec.training.machine import ONE, Machine
from archspec.training.masks import MaskedImages
from archspec.training.recipe import Recipe
from archspec.training.recipe_file import read_recipe, recipe_of
from archspec.training.settings import About, Options
from archspec.training.sources import load_data
from archspec.training.tasks import Classification, OutputRole, Segmentation, Task


def fit_spec(
    spec: Spec,
    report: Report,
    train: Any,
    val: Any,
    folder: Path,
    options: Options,
    *,
    classes: Sequence[str] | None = None,
    workers: int = 0,
    skip_bad: bool = False,
    told: Mapping[str, Any] | None = None,
    call: tuple[str, ...] = (),
    console: Console | None = None,
) -> tuple[Result, Task]:
    """Train a spec's network; ``train`` is the name of a source of images, or a user's own data with ``val``.

    ``told`` and ``call`` are for ``run.json``.  Raises :class:`SpecError`.
    """
    channels, size, answer = shapes(report)
    segmentation = _segmentation(report) if report.graph.task == "segmentation" else None
    if isinstance(train, str | Path):
        if val is not None:
            message = "images that archspec reads have their own split: `train/` and `val/`, or a fifth held out"
            raise SpecError([Diagnostic("conflicting-options", message, hint="leave `val` out")])
        data: Data = load_data(str(train), size, channels, segmentation, skip_bad)
        task: Task = segmentation or Classification(data.classes)
        if isinstance(data.training, MaskedImages):
            task = data.training.task
    else:
        task = segmentation or Classification(_classes(classes, train, answer))
        if segmentation is not None and classes is not None:
            task = segmentation.named(classes)
        data = given_data(train, val, channels, size, task, workers)
    result = fit(
        lambda: compiled(spec.graph),
        data,
        folder,
        options,
        roles={role.name: OutputRole(role.loss_weight, role.training) for role in spec.graph.outputs},
        task=task,
        loss=build(spec.graph),
        about=About(spec_text.expand(spec.graph), {"archspec": version("archspec-nn"), **(told or {})}, call),
        refusals=lambda batch: report.refused(training=True, batch=batch),
        console=console,
    )
    return replace(result, notes=(*getattr(data, "notes", ()), *result.notes)), task


def fit_call(
    spec: Spec, report: Report, train: Any, val: Any, folder: Path | str | None, *,
    recipe: Recipe | Mapping[str, Any] | Path | str | None = None, classes: Sequence[str] | None = None,
    workers: int = 0, skip_bad: bool = False, progress: bool = False, machine: Machine = ONE, **options: Any,
) -> Result:  # fmt: skip
    """:func:`fit_spec` as Python calls it; ``recipe`` is a file, a mapping or a recipe, the rest Options."""
    result, _ = fit_spec(
        spec,
        report,
        train,
        val,
        Path(folder) if folder is not None else Path("out") / spec.name,
        Options(**options, recipe=chosen(recipe), machine=machine),
        classes=classes,
        workers=workers,
        skip_bad=skip_bad,
        told={"name": spec.name, "spec": spec.variant.shown, "sizes": dict(report.sizes)},
        console=Console(stderr=True) if progress else None,
    )
    return result


def chosen(given: Recipe | Mapping[str, Any] | Path | str | None) -> Recipe | None:
    """A recipe from a file, from plain data, or as it is."""
    if given is None or isinstance(given, Recipe):
        return given
    return recipe_of(given) if isinstance(given, Mapping) else read_recipe(Path(given))


def shapes(report: Report) -> tuple[int, tuple[int, int], tuple[int, ...]]:
    """Channels and size of the network's input, and the shape of its main output.

    Raises :class:`SpecError` ``no-size`` if the spec has no numbers for its sizes.
    """
    graph = report.graph
    shape = report.shapes_at.get(next(iter(graph.inputs)))
    answer = report.shapes_at.get(_main(report).path)
    if shape is None or answer is None:
        hint = "for example `--size H=64 --size W=64`, or `sizes: {H: 64, W: 64}` in the spec"
        raise SpecError([Diagnostic("no-size", "the spec has no number for its input size", hint=hint)])
    size = tuple(shape[1:])
    if len(size) != 2:
        listed = ", ".join(map(str, shape))
        raise SpecError([Diagnostic("not-an-image", f"the network's input is [{listed}], but images need [C, H, W]")])
    return shape[0], (size[0], size[1]), tuple(answer)


def _main(report: Report) -> Any:
    graph = report.graph
    return graph.nodes[next(output.node for output in graph.outputs if not output.training)]


def _segmentation(report: Report) -> Segmentation:
    """The task of a network whose answer is a map.  Raises :class:`SpecError` if it has not one for each pixel."""
    channels, size, answer = shapes(report)
    main, shape = _main(report), (channels, *size)
    if len(answer) != 3:
        message = f"output `{main.path}` is {list(answer)}; for segmentation it must be [classes, height, width]"
        raise SpecError([Diagnostic("output-shape", message, main.span)])
    pooled = tuple(answer[1:]) == (1, 1)
    inside = not pooled and all(part <= whole for part, whole in zip(answer[1:], size, strict=True))
    if answer[1:] != size and not (inside and set(report.receptive_fields[main.path].strides) == {1}):
        message = f"output `{main.path}` is {list(answer)}, its input {list(shape)}: it is not one answer per pixel"
        hint = f"`upsample: {{to: {next(iter(report.graph.inputs))}}}` makes the output as large as the input"
        if pooled:
            hint = "to classify whole images, add `flatten` at the end"
        raise SpecError([Diagnostic("output-shape", message, main.span, hint)])
    classes = tuple(str(index) for index in range(answer[0]))
    return Segmentation(classes, (answer[1], answer[2]), report.graph.loss.ignore)


def _classes(given: Sequence[str] | None, train: Any, answer: tuple[int, ...]) -> tuple[str, ...]:
    """The names of the classes: as the call or the data set gives them, else the numbers of the network's scores."""
    named = given if given is not None else getattr(train, "classes", None)
    if isinstance(named, list | tuple) and named:
        return tuple(str(each) for each in named)
    return tuple(str(index) for index in range(answer[0]))
