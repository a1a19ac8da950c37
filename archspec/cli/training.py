"""`archspec train`: the one command that needs torch."""

from __future__ import annotations

import sys
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.commands import as_json, load_spec
from archspec.cli.options import AnswerFormat, Format, Rewrite, Set, Size, Spec
from archspec.cli.terminal import CallError, Terminal, needs
from archspec.diagnostics import Diagnostic, SpecError, printable

if TYPE_CHECKING:
    from archspec.analyses.report import Report
    from archspec.spec import Spec as LoadedSpec
    from archspec.training.fit import Result
    from archspec.training.images import ImageData
    from archspec.training.settings import Options
    from archspec.training.tasks import Task


@app.command(
    cls=Command,
    epilog=examples(
        "archspec train resnet18 --data photographs --set classes=2 --epochs 30",
        "archspec train resnet18 --data photographs --set classes=2 --epochs 60 --resume",
        "archspec train unet_same --data streets --set classes=5 --size H=128 --size W=128",
    ),
)
def train(
    context: typer.Context,
    spec: Spec,
    data: Annotated[
        Path,
        typer.Option(
            exists=True, file_okay=False, metavar="FOLDER", help="A folder for each class, or images/ and masks/."
        ),
    ],
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training data.", show_default="20")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images per step.", show_default="32")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.", show_default="0.001")] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Random seed: initial weights, order, dropout.", show_default="0"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    weights: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Weights to start from.", show_default=False),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue from last.ckpt in the output folder, with its original options."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start again in a folder that has a run; that run is deleted.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Where to write weights and metrics. Default: out/NAME."),
    ] = None,
    format: AnswerFormat = Format.text,
) -> None:
    """Train a network on a folder of images, and keep the weights that do best on the images held out.

    A network that tells images apart learns from a folder for each class; one that tells pixels apart, from a folder
    `images` and a folder `masks` of PNG with the same names, where a pixel's value is its class and 255 is passed over.
    """
    from importlib.metadata import version

    from archspec import pipeline
    from archspec.training.settings import Options

    terminal: Terminal = context.obj
    if resume and overwrite:
        raise CallError("--resume continues a run, --overwrite replaces it", "use only one of them")
    if lr is not None and not 0 < lr < float("inf"):
        raise CallError(f"--lr: {lr} is not a learning rate", "write a number above 0, such as 0.001")
    loaded = load_spec(spec, set, rewrite, elsewhere=bool(size))
    report = pipeline.check(loaded, options.sizes(size, loaded) or None)
    terminal.diagnose(report.diagnostics)
    told = {
        "name": loaded.name,
        "spec": spec,
        "parameters": options.parameters(set),
        "rewrites": rewrite or [],
        "sizes": report.sizes,
        "archspec": version("archspec-nn"),
    }
    asked = Options(epochs, batch_size, lr, seed, device, weights, resume, overwrite)
    result, task = _fit(data, loaded, report, output or Path("out") / loaded.name, asked, told)
    terminal.output = None
    terminal.diagnose(result.notes)
    if terminal.as_json:
        said = as_json((*report.diagnostics, *result.notes))
        terminal.answer_json({"name": loaded.name} | _plain(result, task) | said)
    else:
        terminal.answer(_said(result, task))


def _fit(
    data: Path, loaded: LoadedSpec, report: Report, folder: Path, asked: Options, told: dict[str, Any]
) -> tuple[Result, Task]:
    """Train the spec's network; returns the result and the task."""
    from archspec import pipeline
    from archspec.backends import spec_text

    with needs("train", "training"):
        from rich.console import Console

        from archspec.training.fit import fit
        from archspec.training.losses import build
        from archspec.training.settings import About
        from archspec.training.tasks import OutputRole
    images, task = _data(data, report)
    result = fit(
        lambda: pipeline.compile(loaded),
        images,
        folder,
        asked,
        roles={role.name: OutputRole(role.loss_weight, role.training) for role in loaded.graph.outputs},
        task=task,
        loss=build(loaded.graph),
        about=About(spec_text.expand(loaded.graph), told, tuple(sys.argv)),
        console=Console(stderr=True),
    )
    return result, task


def _data(folder: Path, report: Report) -> tuple[ImageData[Any], Task]:
    """The folder's images for the network's task, and the task."""
    from archspec.training.images import load_images
    from archspec.training.masks import load_masked_images
    from archspec.training.tasks import Classification, Segmentation

    graph = report.graph
    shape = report.shapes_at.get(next(iter(graph.inputs)))
    main = graph.nodes[next(output.node for output in graph.outputs if not output.training)]
    answer = report.shapes_at.get(main.path)
    if shape is None or answer is None:
        raise CallError("the spec has no number for its input size", "for example --size H=64 --size W=64")
    if graph.task != "segmentation":
        found = load_images(folder, shape[1:], shape[0])
        return found, Classification(found.classes)
    if len(answer) != 3:
        message = f"output `{main.path}` is {list(answer)}; for segmentation it must be [classes, height, width]"
        raise SpecError([Diagnostic("output-shape", message, main.span)])
    pooled = tuple(answer[1:]) == (1, 1)
    inside = not pooled and all(part <= whole for part, whole in zip(answer[1:], shape[1:], strict=True))
    if answer[1:] != shape[1:] and not (inside and set(report.receptive_fields[main.path].strides) == {1}):
        message = f"output `{main.path}` is {list(answer)}, its input {list(shape)}: it is not one answer per pixel"
        hint = f"`upsample: {{to: {next(iter(graph.inputs))}}}` makes the output as large as the input"
        if pooled:
            hint = "to classify whole images, add `flatten` at the end"
        raise SpecError([Diagnostic("output-shape", message, main.span, hint)])
    classes = tuple(str(index) for index in range(answer[0]))
    masked = load_masked_images(
        folder, shape[1:], shape[0], Segmentation(classes, (answer[1], answer[2]), graph.loss.ignore)
    )
    return masked, masked.training.task


def _plain(result: Result, task: Task) -> dict[str, Any]:
    """The result as plain data."""
    found = {"epoch": result.epoch, task.measure: result.score if isfinite(result.score) else None}
    written = {"checkpoint": result.checkpoint, "weights": result.weights, "metrics": result.metrics}
    if result.review:
        found["by_class"] = result.review.by_class
        written["predictions"] = result.review.picture
    return found | {name: str(path) for name, path in written.items()}


def _said(result: Result, task: Task) -> str:
    """The result as text."""
    lines = [f"{task.title} {result.score:.2%} on the images held out, in epoch {result.epoch}"]
    if result.review:
        width = max(len(name) for name in result.review.by_class)
        for name, score in result.review.by_class.items():
            lines.append(f"  {printable(name):{width}}  {'not there' if score is None else f'{score:.2%}'}")
    lines += [f"weights: {result.weights}", f"checkpoint: {result.checkpoint}", f"metrics: {result.metrics}"]
    if result.review:
        lines.append(f"predictions: {result.review.picture}")
    return "\n".join(lines)
