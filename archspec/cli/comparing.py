"""The command `diff`: where two networks differ, regardless of names inside."""

from __future__ import annotations

from typing import Annotated

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.completion import complete_spec
from archspec.cli.drawing import picture
from archspec.cli.options import AnswerFormat, Format, Output, Rewrite, Set, Size, Spec
from archspec.cli.specs import as_json, load_spec, written_as
from archspec.cli.terminal import CallError, Terminal


@app.command(
    "diff",
    cls=Command,
    epilog=examples(
        "archspec diff resnet50 resnet50_paper",
        "archspec diff mobilenet_v1 --set width=0.5",
        "archspec diff HEAD~1:specs/mine.yaml specs/mine.yaml",
        "archspec diff torchvision:resnet18 resnet18 --format json",
    ),
)
def diff(
    context: typer.Context,
    first: Spec,
    second: Annotated[
        str | None,
        typer.Argument(
            metavar="[SPEC]",
            help="What it is compared with; the first again, with other settings, if left out.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ] = None,
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    every: Annotated[bool, typer.Option("--all", help="List all differences, however many.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with status 1 where they differ.")] = False,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Compare two networks: numbers side by side, then the steps removed, added and changed.

    Names, blocks and the way of writing do not count, what is computed does.  `--set` and `--rewrite` are about the
    second, `--size` about both.  A FILE that ends in .svg, .png, .pdf or .dot gets a picture of
    both, what differs in red frames.
    """
    from archspec import pipeline
    from archspec.analyses.differences import compare
    from archspec.backends.reports import difference
    from archspec.diagnostics import printable

    terminal: Terminal = context.obj
    endings = (".txt", ".json", *(f".{each}" for each in options.PICTURES))
    written_as(terminal, endings, "it writes text, or a picture: .svg, .png, .pdf or .dot")
    if second is None and not (set or rewrite):
        raise CallError("there is nothing to compare with", "name a second spec, or give --set or --rewrite")
    loaded = [
        load_spec(first, None, elsewhere=bool(size)),
        load_spec(first if second is None else second, set, rewrite, elsewhere=bool(size)),
    ]
    one, other = (pipeline.examine(each, options.sizes(size, each) or None) for each in loaded)
    said = [each for report in (one, other) for each in report.diagnostics if each.code != "expect-skipped"]
    terminal.diagnose(said)
    comparison = compare(loaded[0].graph, loaded[1].graph)
    graphs = [each.graph for each in loaded]
    titles = [each.name for each in graphs]
    if titles[0] == titles[1]:
        titles = [printable(first, 40), printable(", ".join([second or first, *(set or ()), *(rewrite or ())]), 60)]
    kind = "" if output is None else output.suffix[1:].lower()
    if kind in options.PICTURES:
        from archspec.backends import diagram

        figure = diagram.compare(graphs, differing=comparison.differing(*graphs), titles=titles)
        terminal.write(picture(figure, kind))
        terminal.output = None  # the file holds the picture; the text goes to the terminal
    if terminal.as_json:
        terminal.answer_json(difference.to_json(one, other, comparison) | as_json(said))
    else:
        terminal.answer(difference.text(one, other, comparison, titles, None if every else difference.LISTED))
    terminal.failed = terminal.failed or (exit_code and not comparison.equal)
