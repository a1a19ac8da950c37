"""`archspec compile`: a network as PyTorch source."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format, Output, Rewrite, Set, Size, Spec
from archspec.cli.specs import load_spec, text_answer, written_as
from archspec.cli.terminal import CallError, Terminal


class For(StrEnum):
    """What a network can be compiled for, besides everything."""

    inference = "inference"


class Precision(StrEnum):
    """The numbers of a network for inference."""

    f32 = "f32"
    bf16 = "bf16"


class Device(StrEnum):
    """Where a network for inference runs."""

    cpu = "cpu"
    cuda = "cuda"


@app.command(
    cls=Command,
    epilog=examples(
        "archspec compile resnet50 -o resnet50.py",
        "archspec compile resnet50 --set classes=10 | less",
        "archspec compile resnet50 --for inference --weights resnet50.pt -o fast.py",
    ),
)
def compile(
    context: typer.Context,
    spec: Spec,
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    for_: Annotated[
        For | None,
        typer.Option(
            "--for",
            help="inference: the same outputs in fewer and faster calls, without training.",
            show_default=False,
            case_sensitive=False,
        ),
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="Numbers of the form for inference.", case_sensitive=False)
    ] = Precision.f32,
    device: Annotated[
        Device, typer.Option(help="Where the form for inference runs.", case_sensitive=False)
    ] = Device.cpu,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A state_dict of the plain form: it is written for the form for inference, beside the output as .pt.",
            show_default=False,
        ),
    ] = None,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Write the PyTorch source of a network, a file that needs only torch."""
    from functools import partial

    from archspec import pipeline

    terminal: Terminal = context.obj
    written_as(terminal, (".py",), "the output is PyTorch source; `archspec export` writes ONNX")
    if for_ is None and (weights is not None or precision is not Precision.f32 or device is not Device.cpu):
        raise CallError("--precision, --device and --weights belong to --for inference")
    if weights is not None and output is None:
        raise CallError("--weights needs a file to write beside", "give the output: -o fast.py")
    loaded = load_spec(spec, set, rewrite, elsewhere=bool(size))
    optimize = None if for_ is None else for_.value
    backend = partial(pipeline.source, optimize=optimize, precision=precision.value, device=device.value)
    beside: dict[Path, bytes] | None = None
    if weights is not None and output is not None:
        from archspec.running.inference import converted

        content, notes = converted(loaded.graph, weights, precision.value, device.value)
        terminal.diagnose(notes)
        beside = {output.with_suffix(".pt"): content}
    text_answer(terminal, loaded, options.sizes(size, loaded), "source", backend, beside)
