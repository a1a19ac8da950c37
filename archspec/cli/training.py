"""`archspec train`: the one command that needs torch."""

from __future__ import annotations

import sys
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format, Rewrite, Set, Size, Spec
from archspec.cli.specs import as_json, load_spec
from archspec.cli.terminal import CallError, Terminal, needs
from archspec.diagnostics import Diagnostic, printable

if TYPE_CHECKING:
    from archspec.training.fit import Result
    from archspec.training.recipe import Recipe
    from archspec.training.tasks import Task


class Strategies(StrEnum):
    """How several devices share the work."""

    auto = "auto"
    ddp = "ddp"
    fsdp = "fsdp"


class Precisions(StrEnum):
    """The precision of the computation."""

    full = "32"
    bf16 = "bf16-mixed"
    fp16 = "16-mixed"


def _there(data: str) -> str:
    """The value of ``--data``, if there is such a file or folder."""
    if not Path(data.removeprefix("hf:")).exists():
        raise typer.BadParameter(f"'{printable(data)}' does not exist.")
    return data


@app.command(
    cls=Command,
    epilog=examples(
        "archspec train resnet18 --data photographs --set classes=2 --epochs 30",
        "archspec train resnet18 --data photographs --set classes=2 --epochs 60 --resume",
        "archspec train resnet18 --data photographs --recipe recipes/resnet.yaml --with epochs=90 --devices 4",
        "archspec train resnet50 --data photographs --weights torchvision:ResNet50_Weights.IMAGENET1K_V2",
        "archspec train unet_same --data streets --set classes=5 --size H=128 --size W=128",
    ),
)
def train(
    context: typer.Context,
    spec: Spec,
    data: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            callback=_there,
            help="A folder for each class, or images/ and masks/; FILE.csv of paths and classes; WebDataset's .tar "
            "files; hf:FOLDER of Parquet or Arrow files.",
        ),
    ],
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="How to train. Default: train.yaml beside the spec.", show_default=False),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="KEY=VALUE",
            help="Set a value of the recipe: optimizer.sgd.momentum=0.8; may be repeated.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training data.", show_default="20")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Images per step, over all devices.", show_default="32")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.", show_default="0.001")] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Random seed: initial weights, order, dropout.", show_default="0"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    devices: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Devices of each machine.", show_default="1")
    ] = None,
    num_nodes: Annotated[int, typer.Option(min=1, max=65536, help="Machines.")] = 1,
    strategy: Annotated[Strategies, typer.Option(help="How devices share the work: ddp, or fsdp with CUDA.")] = (
        Strategies.auto
    ),
    precision: Annotated[Precisions, typer.Option(help="Precision of the computation.")] = Precisions.full,
    accumulate: Annotated[
        int, typer.Option(min=1, max=100_000, help="Portions that each step's images are taken in, to save memory.")
    ] = 1,
    compile: Annotated[bool, typer.Option("--compile", help="Compile with torch.compile.")] = False,
    channels_last: Annotated[bool, typer.Option("--channels-last", help="Keep images with channels last.")] = False,
    sync_batch_norm: Annotated[
        bool, typer.Option("--sync-batch-norm", help="Normalise over the images of all CUDA devices.")
    ] = False,
    logger: Annotated[
        list[str] | None,
        typer.Option(help="Also log to tensorboard, wandb or mlflow; may be repeated.", show_default="csv"),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out images that cannot be read, and count them.")
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="WEIGHTS",
            help="Weights to start from: a file, torchvision:ResNet50_Weights.IMAGENET1K_V2, timm:resnet18.a1_in1k.",
            show_default=False,
        ),
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
    """Train a network on images, and keep the weights that do best on the images held out.

    A network that tells images apart learns from a folder for each class; one that tells pixels apart, from a folder
    `images` and a folder `masks` of PNG with the same names, where a pixel's value is its class and 255 is passed over.
    How it is trained is a recipe: `train.yaml` beside the spec, `--recipe FILE`, or `--with KEY=VALUE`.
    """
    from archspec import pipeline
    from archspec.training.machine import Machine
    from archspec.training.settings import Options

    terminal: Terminal = context.obj
    if resume and overwrite:
        raise CallError("--resume continues a run, --overwrite replaces it", "use only one of them")
    if lr is not None and not 0 < lr < float("inf"):
        raise CallError(f"--lr: {lr} is not a learning rate", "write a number above 0, such as 0.001")
    loaded = load_spec(spec, set, rewrite, elsewhere=bool(size))
    report = pipeline.check(loaded, options.sizes(size, loaded) or None)
    chosen, beside = _recipe(spec, recipe, setting or [], resume)
    terminal.diagnose((*report.diagnostics, *beside))
    told = {
        "name": loaded.name,
        "spec": spec,
        "parameters": options.parameters(set),
        "rewrites": rewrite or [],
        "sizes": report.sizes,
    }
    machine = Machine(
        devices, num_nodes, strategy.value, precision.value, accumulate, compile, channels_last, sync_batch_norm
    )
    asked = Options(
        epochs, batch_size, lr, seed, device, weights, resume, overwrite, chosen, machine, tuple(logger or ())
    )
    with needs("train", "training"):
        from rich.console import Console

        from archspec.training.machine import rank
        from archspec.training.of_spec import fit_spec
    result, task = fit_spec(
        loaded,
        report,
        data,
        None,
        output or Path("out") / loaded.name,
        asked,
        skip_bad=skip_bad,
        told=told,
        call=tuple(sys.argv),
        console=Console(stderr=True),
    )
    if rank():
        return  # the first of several processes answers
    terminal.output = None
    terminal.diagnose(result.notes)
    if terminal.as_json:
        said = as_json((*report.diagnostics, *result.notes))
        terminal.answer_json({"name": loaded.name} | _plain(result, task) | said)
    else:
        terminal.answer(_said(result, task))


def _recipe(
    spec: str, file: Path | None, settings: list[str], resume: bool
) -> tuple[Recipe | None, tuple[Diagnostic, ...]]:
    """The recipe of a call, and a note where it comes from a file that the call does not name.

    A run that is resumed keeps its own, so only one that the call names is compared with it.
    """
    from archspec.training.recipe_file import beside, read_recipe

    found = None if file or resume else beside(spec)
    if not (file or found or settings):
        return None, ()
    note = Diagnostic("recipe-found", f"training follows `{found}`", severity="note")
    return read_recipe(file or found, settings), (note,) if found else ()


def _plain(result: Result, task: Task) -> dict[str, Any]:
    """The result as plain data."""
    found = {"epoch": result.epoch, task.measure: result.score if isfinite(result.score) else None}
    written = {"checkpoint": result.checkpoint, "weights": result.weights, "metrics": result.metrics}
    if result.review:
        if result.review.by_class:
            found["by_class"] = result.review.by_class
        written["predictions"] = result.review.picture
    return found | {name: str(path) for name, path in written.items()}


def _said(result: Result, task: Task) -> str:
    """The result as text."""
    lines = [f"{task.title} {result.score:.2%} on the images held out, in epoch {result.epoch}"]
    if result.review and result.review.by_class:
        width = max(len(name) for name in result.review.by_class)
        for name, score in result.review.by_class.items():
            lines.append(f"  {printable(name):{width}}  {'not there' if score is None else f'{score:.2%}'}")
    lines += [f"weights: {result.weights}", f"checkpoint: {result.checkpoint}", f"metrics: {result.metrics}"]
    if result.review:
        lines.append(f"predictions: {result.review.picture}")
    return "\n".join(lines)
