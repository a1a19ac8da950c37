"""`archspec train`: the one command that needs torch."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.commands import diagnostics_of, load_spec
from archspec.cli.options import AnswerFormat, Format, Set, Size, Spec
from archspec.cli.terminal import CallError, Terminal


@app.command(
    cls=Command,
    epilog=examples(
        "archspec train resnet18 --data photographs --set classes=2 --epochs 30",
        "archspec train resnet18 --data photographs --set classes=2 --epochs 60 --resume",
    ),
)
def train(
    context: typer.Context,
    spec: Spec,
    data: Annotated[
        Path,
        typer.Option(exists=True, file_okay=False, metavar="FOLDER", help="A folder for each class, of PNG or JPEG."),
    ],
    set: Set = None,
    size: Size = None,
    epochs: Annotated[int, typer.Option(min=1, help="Times the data is gone through.")] = 20,
    batch_size: Annotated[int, typer.Option(min=1, help="Images in a step.")] = 32,
    lr: Annotated[float, typer.Option(help="Peak of the learning rate.")] = 1e-3,
    seed: Annotated[int, typer.Option(min=0, help="Decides the initial weights and all other chance.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    weights: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Weights to start from.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from last.ckpt in the output folder.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Where weights and metrics go; out/NAME if left out."),
    ] = None,
    format: AnswerFormat = Format.text,
) -> None:
    """Train a network on a folder of images, and keep the weights that do best on those held out."""
    from archspec import pipeline

    terminal: Terminal = context.obj
    if not lr > 0 or lr == float("inf"):
        raise CallError(f"--lr: {lr} is no learning rate", "a number above 0, such as 0.001")
    loaded = load_spec(spec, set)
    report = pipeline.check(loaded, options.sizes(size) or None)
    terminal.diagnose(report.diagnostics)
    try:
        from rich.console import Console

        from archspec.data import load_images
        from archspec.tasks import OutputRole
        from archspec.train import fit
    except ModuleNotFoundError as error:
        raise CallError(f"training needs the package `{error.name}`", "pip install 'archspec-nn[train]'") from None
    shape = report.shapes_at.get(next(iter(loaded.graph.inputs)))
    if shape is None:
        raise CallError("the spec gives no number for its input's size", "for example --size H=64 --size W=64")
    folder = output or Path("out") / loaded.name
    result = fit(
        lambda: pipeline.compile(loaded),
        load_images(data, shape[1:], shape[0]),
        folder,
        roles={role.name: OutputRole(role.loss_weight, role.training) for role in loaded.graph.outputs},
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        device=device,
        weights=weights,
        resume=resume,
        console=Console(stderr=True),
    )
    terminal.output = None
    if terminal.as_json:
        written = {"checkpoint": result.checkpoint, "weights": result.weights, "metrics": result.metrics}
        accuracy = result.accuracy if isfinite(result.accuracy) else None
        terminal.answer_json(
            {"name": loaded.name, "epoch": result.epoch, "accuracy": accuracy}
            | {name: str(path) for name, path in written.items()}
            | diagnostics_of(report)
        )
    else:
        terminal.answer(
            f"accuracy {result.accuracy:.2%} on the images held out, in epoch {result.epoch}\n"
            f"weights: {result.weights}\ncheckpoint: {result.checkpoint}\nmetrics: {result.metrics}"
        )
