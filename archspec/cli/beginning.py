"""`archspec new` and `archspec data`: a spec and images to start with, from the installed package alone."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from archspec.cli.app import Command, app, examples
from archspec.cli.completion import complete_shipped
from archspec.cli.options import AnswerFormat, Format, Output
from archspec.cli.terminal import CallError, Terminal, needs


@app.command(
    cls=Command,
    epilog=examples("archspec new resnet18 -o my_network.yaml", "archspec new unet_digits"),
)
def new(
    context: typer.Context,
    spec: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Name of a shipped spec.", autocompletion=complete_shipped, show_default=False
        ),
    ],
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Write a shipped spec to a file that you can edit; a variant is merged with the spec it extends."""
    from archspec.language.start import start

    terminal: Terminal = context.obj
    text = start(spec)
    if output is None:
        terminal.answer_json({"name": spec, "spec": text}) if terminal.as_json else terminal.answer(text)
        return
    if output.suffix.lower() not in (".yaml", ".yml"):
        raise CallError(f"`{output}` has the wrong ending for a spec", "use a name that ends in .yaml")
    if output.exists():
        raise CallError(f"`{output}` already exists", "choose another name, or delete the file first")
    terminal.write(text.encode())
    terminal.output = None
    if terminal.as_json:
        terminal.answer_json({"name": spec, "written": str(output)})
    else:
        terminal.answer(f"`{spec}` is written to {output}\nnext: archspec check {output}")


class DataSet(StrEnum):
    """The data sets that can be written."""

    digits = "digits"
    scenes = "scenes"
    shapes = "shapes"


_TRAINED_BY = {
    DataSet.digits: "squeezenet_digits",
    DataSet.scenes: "unet_digits",
    DataSet.shapes: "resnet18 --set classes=36 --size H=32 --size W=32",
}
"""A shipped spec that trains on each data set, with what it must be told."""


@app.command(
    cls=Command,
    epilog=examples(
        "archspec data digits my_digits", "archspec data scenes my_scenes", "archspec data shapes my_shapes"
    ),
)
def data(
    context: typer.Context,
    kind: Annotated[
        DataSet,
        typer.Argument(help="digits, shapes: a folder for each class; scenes: images and masks.", show_default=False),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where to write them: a new or empty folder.", show_default=False)
    ],
    format: AnswerFormat = Format.text,
) -> None:
    """Write images to train on, without a download: handwritten digits, scenes of digits with masks, coloured shapes.

    The digits are 1,797 grey images of 8×8 pixels that come with scikit-learn; the 1,000 scenes are 64×64 pixels.  The
    shapes are 5,400 colour images of 32×32 pixels in 36 classes: a shape with a texture and a colour.
    """
    terminal: Terminal = context.obj
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise CallError(f"`{folder}` is not empty, or is not a folder", "choose a new or empty folder")
    with needs("train", "writing images"):
        from archspec.training import examples as written
        from archspec.training.shapes import shapes

        write = {DataSet.digits: written.digits, DataSet.scenes: written.scenes, DataSet.shapes: shapes}[kind]
        write(folder)
    count = sum(1 for path in folder.rglob("*.png") if path.parent.name != "masks")
    if terminal.as_json:
        terminal.answer_json({"name": kind, "written": str(folder), "images": count})
    else:
        terminal.answer(f"{count:,} images in {folder}\nnext: archspec train {_TRAINED_BY[kind]} --data {folder}")
