"""The command `render`: a network as a picture, or as a page to explore it in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.completion import complete_block, complete_spec
from archspec.cli.options import AnswerFormat, Format, Rewrite, Set, Size, Spec
from archspec.cli.specs import as_json, load_spec, said_of
from archspec.cli.terminal import CallError, Terminal

if TYPE_CHECKING:
    import graphviz

    from archspec.diagnostics import Diagnostic


class Show(StrEnum):
    """What a box of a picture shows in its second line."""

    normalisation = "normalisation"
    activation = "activation"
    parameters = "parameters"


@app.command(
    cls=Command,
    epilog=examples(
        "archspec render squeezenet1_0 -o squeezenet.svg",
        "archspec render resnet50 -o resnet50.html",
        "archspec render resnet18 -o block.png --focus layer2.0 --theme dark --dpi 192",
        "archspec render vgg11 --beside vgg16 --beside vgg19 -o vgg.svg",
        "archspec render vgg16_bn -o vgg.svg --show normalisation --show parameters",
    ),
)
def render(
    context: typer.Context,
    spec: Spec,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="A picture: .svg, .png, .pdf, .dot; or .html, to explore."),
    ],
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    depth: Annotated[
        int | None,
        typer.Option(min=0, help="Levels of blocks to open. Default: as many as look good.", show_default=False),
    ] = None,
    focus: Annotated[
        str | None,
        typer.Option(
            metavar="BLOCK",
            help="Draw one block, given by its path, label or name.",
            autocompletion=complete_block,
            show_default=False,
        ),
    ] = None,
    show: Annotated[
        list[Show] | None,
        typer.Option(help="What the second line of a box shows; may be repeated.", show_default=False),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC",
            help="Draw another network next to it; may be repeated.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ] = None,
    dpi: Annotated[
        int | None,
        typer.Option(min=24, max=1200, help="Dots per inch of a png. Default: 96.", show_default=False),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(min=0.25, max=12, help="Size of a png; 2 has twice as many pixels each way.", show_default=False),
    ] = None,
    theme: Annotated[
        str | None, typer.Option(help="Colours: light or dark. Default: light; a page follows the system.")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="`dot` for the system's Graphviz. Default: the bundled engine.", show_default=False),
    ] = None,
    format: AnswerFormat = Format.text,
) -> None:
    """Draw a network as in a paper, or write a page to explore it in."""
    from archspec import pipeline
    from archspec.backends.diagram import SHOWN, Shown

    terminal: Terminal = context.obj
    kind = output.suffix[1:].lower()
    if kind not in (*options.PICTURES, "html"):
        hint = "use a name that ends in .svg, .png, .pdf, .dot or .html"
        raise CallError(f"`{output}` has no known picture format", hint)
    if kind == "html":
        _refuse({"--beside": beside, "--show": show, "--engine": engine})
    if dpi is not None and scale is not None:
        raise CallError("--dpi and --scale both give the size of a png: use only one of them")
    if kind != "png" and (dpi is not None or scale is not None):
        option = "--dpi" if scale is None else "--scale"
        raise CallError(f"{option} applies to png only, not to {kind}", "use a name that ends in .png")
    loaded = load_spec(spec, set, rewrite, elsewhere=bool(size))
    sizes = options.sizes(size, loaded)
    diagnostics = said_of(loaded, sizes)
    terminal.diagnose(diagnostics)
    asked = [each.value for each in show or ()]
    said: list[Shown] = [word for word in SHOWN if asked.count(word)]
    if kind == "html":
        page = pipeline.page(loaded, depth=depth, focus=focus, theme=theme, sizes=sizes)
        _written(terminal, page.encode(), loaded.name, diagnostics)
        return
    theme = theme or "light"
    if beside:
        if focus is not None:
            raise CallError("--focus draws one block and --beside whole networks: use only one of them")
        others = [load_spec(other, None) for other in beside]
        figure = pipeline.compare(loaded, *others, depth=depth, show=said, theme=theme, sizes=sizes, engine=engine)
    else:
        figure = pipeline.render(loaded, depth=depth, focus=focus, show=said, theme=theme, sizes=sizes, engine=engine)
    if dpi is not None or scale is not None:
        figure.attr("graph", dpi=str(round(96 * scale) if scale is not None else dpi))
    _written(terminal, picture(figure, kind), loaded.name, diagnostics)


def _written(terminal: Terminal, content: bytes, name: str, diagnostics: Iterable[Diagnostic]) -> None:
    """Write the file and, if JSON is asked for, print what was written where."""
    terminal.write(content)
    if terminal.as_json:
        written, terminal.output = str(terminal.output), None
        terminal.answer_json({"name": name, "written": written} | as_json(diagnostics))


def _refuse(pictures: Mapping[str, Any]) -> None:
    """Raise :class:`CallError`, naming the option, if an option is given that only pictures have."""
    for option, value in pictures.items():
        if value:
            raise CallError(f"{option} applies to pictures, not to a page", "use a name that ends in .svg or .png")


def picture(figure: graphviz.Digraph, kind: str) -> bytes:
    """The bytes of a figure as svg, png, pdf or dot."""
    return figure.source.encode() if kind == "dot" else figure.pipe(format=kind)
