"""`archspec rf` and `archspec erf`: what a step sees, and how much each pixel contributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.completion import complete_step
from archspec.cli.options import AnswerFormat, Format, Output, Set, Size, Spec
from archspec.cli.specs import as_json, load_spec
from archspec.cli.terminal import CallError, Terminal

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURES = (".png", ".svg", ".pdf")
"""How the names of pictures end."""

Of = Annotated[
    str | None,
    typer.Option(
        "--of",
        metavar="STEP",
        help="The step whose field is shown. Default: the map behind each output.",
        autocompletion=complete_step,
        show_default=False,
    ),
]  # fmt: skip


On = Annotated[
    Path | None,
    typer.Option(
        "--on",
        metavar="IMAGE",
        help="Draw it on a photo, a png or jpeg, into the png that -o names.",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]  # fmt: skip


@app.command(
    cls=Command,
    epilog=examples(
        "archspec rf resnet50",
        "archspec rf resnet50 --of layer4 --wrt layer3 --size H=512",
        "archspec rf unet --of up2 --on photo.jpg -o field.png",
        "archspec rf vgg16 --of features.7 -o layers.svg",
    ),
)
def rf(
    context: typer.Context,
    spec: Spec,
    of: Of = None,
    wrt: Annotated[
        str | None,
        typer.Option(
            "--wrt",
            metavar="STEP",
            help="The step that the field is measured on. Default: the input.",
            autocompletion=complete_step,
            show_default=False,
        ),
    ] = None,
    on: On = None,
    set: Set = None,
    size: Size = None,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Show the receptive field of a step: size, stride, phases, holes, interior rows, alignment at merges.

    With `-o` and a name that ends in .svg, .png or .pdf, the maps behind the step are drawn side by side, with the
    places that contribute to one place of it.
    """
    from archspec import pipeline
    from archspec.backends.reports import field as field_report

    terminal: Terminal = context.obj
    if on is not None:
        _png(output)
        if wrt is not None:
            raise CallError("--on draws the field on the input: leave --wrt out")
    loaded = load_spec(spec, set, elsewhere=bool(size))
    report = pipeline.examine(loaded, options.sizes(size, loaded) or None)
    terminal.diagnose(report.diagnostics)
    seen = next(iter(report.graph.inputs.values())) if wrt is None else field_report.find(report, wrt)
    if of is not None:
        seers = {of: field_report.find(report, of)}
    else:
        seers = field_report.default_steps(report)
    if on is not None:
        from archspec.running.field_picture import on_photo

        step = next(iter(seers.values()))
        _drawn(terminal, on, lambda photo: on_photo(report.graph, report.sizes, step, photo))
    elif output is not None and output.suffix.lower() in PICTURES:
        from archspec.running import field_layers

        maps = field_layers.behind(report.graph, report.sizes, next(iter(seers.values())), seen)
        with _written(output, "the picture"):
            field_layers.draw(maps, output)
        terminal.output = None
    if terminal.as_json:
        found = {name: field_report.to_json(report, seer, seen) for name, seer in seers.items()}
        answer = next(iter(found.values())) if len(found) == 1 else {"outputs": found}
        terminal.answer_json(answer | as_json(report.diagnostics))
    else:
        answers = [
            (f"{name}: " if len(seers) > 1 else "") + field_report.text(report, seer, seen)
            for name, seer in seers.items()
        ]
        terminal.answer("\n".join(answers))


@app.command(
    cls=Command,
    epilog=examples(
        "archspec erf resnet18 --of layer3 -o field.png", "archspec erf vgg16 --paths --size H=256 --size W=256"
    ),
)
def erf(
    context: typer.Context,
    spec: Spec,
    of: Of = None,
    paths: Annotated[bool, typer.Option("--paths", help="Count paths in the graph: no weights, no torch.")] = False,
    weights: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Weights. Default: random.", show_default=False),
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="Random images to average over.")] = 32,
    seed: Annotated[int, typer.Option(min=0, help="Random seed for images and weights.")] = 0,
    on: On = None,
    set: Set = None,
    size: Size = None,
    format: AnswerFormat = Format.text,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The heat map: .png, .svg or .pdf.", show_default=False),
    ] = None,
) -> None:
    """Measure the effective receptive field: the pixels that hold 95% of the weight, and a heat map."""
    from archspec import pipeline
    from archspec.backends.reports import field as field_report
    from archspec.running import erf as effective

    terminal: Terminal = context.obj
    if on is not None:
        _png(output)
    if output is not None and output.suffix.lower() not in PICTURES:
        raise CallError(f"`{output}` has no known picture format", "use a name that ends in .png, .svg or .pdf")
    if paths and weights is not None:
        raise CallError("--paths counts paths and uses no weights: leave --weights out")
    loaded = load_spec(spec, set, elsewhere=bool(size))
    report = pipeline.examine(loaded, options.sizes(size, loaded) or None)
    terminal.diagnose(report.diagnostics)
    if of is not None:
        seer = field_report.find(report, of)
    else:
        seer = next(iter(field_report.default_steps(report).values()))
        seer = seer if paths else effective.nearest_module(report.graph, seer)
    if paths:
        found = effective.by_paths(report.graph, report.sizes, seer)
    else:
        found = effective.measured(loaded, report.sizes, seer, weights, images, seed)
    if on is not None:
        from archspec.running.field_picture import weighed

        terminal.output = output
        _drawn(terminal, on, lambda photo: weighed(found, photo))
    elif output is not None:
        with _written(output, "the heat map"):
            effective.heat_map(found, output)
        terminal.output = None  # the file holds the picture; the text goes to the terminal
    terminal.diagnose(found.notes)
    if terminal.as_json:
        terminal.answer_json(found.to_json() | as_json((*report.diagnostics, *found.notes)))
    else:
        terminal.answer(str(found))


@contextmanager
def _written(output: Path, what: str) -> Iterator[None]:
    """What goes wrong while matplotlib writes a picture, as an error of the call."""
    try:
        yield
    except ImportError:
        raise CallError(f"{what} needs matplotlib", "pip install 'archspec-nn[plot]'") from None
    except OSError as error:
        raise CallError(f"cannot write `{output}`: {error.strerror or error}") from None


def _png(output: Path | None) -> None:
    """Raise :class:`CallError` unless a png is named to draw a field on a photo."""
    if output is None or output.suffix.lower() != ".png":
        raise CallError("--on draws a picture", "name it with -o, ending in .png")


def _drawn(terminal: Terminal, on: Path, draw: Callable[[Image], Image]) -> None:
    """Draw on a photo and write the picture; the text then goes to the terminal."""
    try:
        from archspec.training.pictures import UnreadableImage, picture
    except ImportError:
        raise CallError("a photo needs Pillow", "pip install 'archspec-nn[train]'") from None
    content = BytesIO()
    try:
        with picture(on) as opened:
            photo = opened.convert("RGB")
    except UnreadableImage as error:
        raise CallError(f"--on: {error}") from None
    draw(photo).save(content, "PNG")
    terminal.write(content.getvalue())
    terminal.output = None
