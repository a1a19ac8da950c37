"""The command `import`: a network from another tool as a spec, and its weights under the spec's names."""

from __future__ import annotations

from pathlib import Path
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
        "archspec import python:mine.networks:small --input 1x28x28",
        "archspec import deploy.prototxt --weights net.caffemodel -o net.yaml",
        "archspec import yolov3.cfg --input 3x416x416 -o yolov3.yaml",
        "archspec import net.onnx --weights net.onnx -o net.yaml",
        "archspec import yolov8.yaml --scale s --version 8.4",
    ),
)
def import_(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A file of Caffe (.prototxt), Darknet (.cfg), Keras (.keras, .json, .h5), ONNX or Ultralytics "
            "(.yaml), or what torch.export saved (.pt2, with --trust); or a module of a library: torchvision:NAME, "
            "timm:NAME, smp:DECODER/ENCODER, or what a function of yours gives: python:PACKAGE.MODULE:FACTORY.",
            show_default=False,
        ),
    ],
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The file's weights, .caffemodel, .weights or .weights.h5, or the file itself if it holds them; "
            "written beside the spec that -o names, as .safetensors under its names.",
            show_default=False,
        ),
    ] = None,
    input: Annotated[
        str | None,
        typer.Option(metavar="CxHxW", help="Channels and sizes of an image it takes.", show_default=False),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call it.", show_default=False)] = None,
    version: Annotated[
        str | None,
        typer.Option(metavar="X.Y", help="The release of Ultralytics that reads its YAML.", show_default=False),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(metavar="LETTER", help="The scale of an Ultralytics YAML: n, s, m, l, x.", show_default=False),
    ] = None,
    opaque: Annotated[
        bool,
        typer.Option(
            "--opaque",
            help="Keep a module or a layer that the language does not have as a step that can be drawn, listed "
            "and counted, and not compiled.",
        ),
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Read a .pt2 file, though torch's loader can run code that is in it.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Write a network of another tool as a spec that loads its weights and computes the same.

    A module's library is imported, and with `python:` your own code is run.  Nothing in a file is run, except in a
    .pt2 that you trust.
    """
    from archspec import importing
    from archspec.importers.foreign import ENDINGS
    from archspec.running.sources import LIBRARIES

    terminal: Terminal = context.obj
    if not options.is_source(source):
        hint = f"a file that ends in {', '.join(ENDINGS)} or .pt2, or begin with one of {':, '.join(LIBRARIES)}:"
        raise CallError(f"`{source[:60]}` names no network of another tool", hint)
    sizes = None if input is None else options.shape(input)
    beside = _beside(source, weights, output)
    for path in () if force else filter(None, (output, beside)):
        if path.exists():
            raise CallError(f"`{path}` is there already", "--force writes over it")
    contents: dict[Path, bytes] = {}
    if weights is None or beside is None:
        spec = importing.brought(source, sizes, name, version, scale, opaque, trust)
    else:
        from archspec.running.checkpoint_files import safetensors

        spec, state = importing.from_files(
            source, weights, sizes, name=name, version=version, scale=scale, opaque=opaque
        )
        contents[beside] = safetensors(state)
    terminal.diagnose(spec.diagnostics)
    if terminal.as_json:
        terminal.answer_json({"spec": spec.to_yaml()}, contents)
    else:
        terminal.answer(spec.to_yaml().rstrip("\n"), contents)


def _beside(source: str, weights: Path | None, output: Path | None) -> Path | None:
    """The file that weights are written to, None without ``weights``; raises :class:`CallError` if it has no place."""
    if weights is None:
        return None
    if not options.is_file(source):
        raise CallError(f"--weights: `{source[:60]}` has its weights in itself", "its `state_dict` loads as it is")
    if output is None:
        raise CallError("--weights wants -o", "the weights are written beside the spec")
    return output.with_suffix(".safetensors")
