"""The command `import`: a network that others wrote, as a spec."""

from __future__ import annotations

from typing import Annotated

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format, Output
from archspec.cli.terminal import CallError, Terminal


@app.command(
    "import",
    cls=Command,
    epilog=examples(
        "archspec import torchvision:resnet18 -o resnet18.yaml",
        "archspec import timm:hrnet_w18 -o hrnet.yaml",
        "archspec import python:mine.networks:small --input 1x28x28",
    ),
)
def import_(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A module of a library: torchvision:NAME, timm:NAME, smp:DECODER/ENCODER, or what a function of yours "
            "gives: python:PACKAGE.MODULE:FACTORY.",
            show_default=False,
        ),
    ],
    input: Annotated[
        str | None,
        typer.Option(metavar="CxHxW", help="Channels and sizes of an image it takes.", show_default=False),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call it.", show_default=False)] = None,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Write a torch module as a spec that loads its weights and computes the same, bit for bit.

    The library is imported, and with `python:` your own code is run.
    """
    from archspec import pipeline
    from archspec.running.sources import LIBRARIES

    terminal: Terminal = context.obj
    if not options.is_source(source):
        raise CallError(f"`{source[:60]}` names no module", f"begin with one of {':, '.join(LIBRARIES)}:")
    spec = pipeline.brought(source, None if input is None else options.shape(input), name)
    if terminal.as_json:
        terminal.answer_json({"spec": spec.to_yaml()})
    else:
        terminal.answer(spec.to_yaml().rstrip("\n"))
