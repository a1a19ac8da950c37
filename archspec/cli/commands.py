"""The commands for any spec: each reads its arguments and calls the pipeline.  None imports torch."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format, Output, Rewrite, Set, Size, Spec
from archspec.cli.specs import as_json, load_spec, text_answer, written_as
from archspec.cli.terminal import Terminal

if TYPE_CHECKING:
    from archspec.spec import Spec as LoadedSpec


@app.command(
    cls=Command,
    epilog=examples(
        "archspec check my_network.yaml",
        "archspec check resnet18 --size H=256 --size W=320",
        "archspec check resnet18 --set 'depths=[3, 4, 6, 3]' --format json",
        "archspec check unet_same --fit 500x333",
    ),
)
def check(
    context: typer.Context,
    spec: Spec,
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    fit: Annotated[
        str | None,
        typer.Option(
            metavar="HxW",
            help="Print the smallest valid sizes that are at least this large: 500x333.",
            show_default=False,
        ),
    ] = None,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Check a spec: its structure, shapes for every input size, and the claims under `expect`."""
    from archspec import pipeline

    terminal: Terminal = context.obj
    if fit is not None:
        _fit(terminal, load_spec(spec, set, rewrite, elsewhere=True), fit)
        return
    loaded = load_spec(spec, set, rewrite, elsewhere=bool(size))
    report = pipeline.check(loaded, options.sizes(size, loaded) or None)
    terminal.diagnose(report.diagnostics)
    if terminal.as_json:
        from archspec.backends.reports import json as json_report

        terminal.answer_json(json_report.report(report))
    else:
        from archspec.backends.reports import text as text_report

        skipped = any(each.code == "expect-skipped" for each in report.diagnostics)
        terminal.answer(text_report.report(report, () if skipped else loaded.variant.expect))


def _fit(terminal: Terminal, loaded: LoadedSpec, text: str) -> None:
    """Print the sizes to which an image must be padded."""
    from archspec.analyses.fit import fit
    from archspec.analyses.shapes import valid_sizes
    from archspec.diagnostics import Diagnostic, SpecError

    solutions = valid_sizes(loaded.graph)
    wanted = options.extents(text, list(solutions))
    found = fit(solutions, wanted)
    if found is None:
        valid = ", ".join(solution.describe() for solution in solutions.values())
        said = " × ".join(map(str, wanted.values()))
        raise SpecError([Diagnostic("no-fit", f"no valid size is at least {said}", hint=f"valid sizes: {valid}")])
    more = {name: size - wanted[name] for name, size in found.items()}
    if terminal.as_json:
        terminal.answer_json({"name": loaded.name, "asked": wanted, "sizes": found, "pad": more})
    else:
        padding = ", ".join(f"{name} by {count}" for name, count in more.items() if count)
        terminal.answer("x".join(map(str, found.values())) + f"\npad {padding or 'nothing'}")


@app.command(
    cls=Command,
    epilog=examples("archspec summary resnet50", "archspec summary densenet121 --depth 3 --size H=64 --size W=64"),
)
def summary(
    context: typer.Context,
    spec: Spec,
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    depth: Annotated[
        int | None,
        typer.Option(min=1, help="Levels of blocks to open. Default: as many as fit.", show_default=False),
    ] = None,
    advice: Annotated[
        bool, typer.Option("--advice", help="Say what the graph implies for speed and memory instead.")
    ] = False,
    gigabytes: Annotated[
        float, typer.Option("--gigabytes", min=0.001, max=1e6, help="The memory that the advice reckons with.")
    ] = 16.0,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Show a network as a table: shapes, parameters, multiply-adds, receptive fields."""
    from archspec import pipeline
    from archspec.backends.reports import advice as advices
    from archspec.backends.reports import summary as rows
    from archspec.backends.reports import summary_table

    terminal: Terminal = context.obj
    loaded = load_spec(spec, set, rewrite, elsewhere=bool(size))
    report = pipeline.examine(loaded, options.sizes(size, loaded) or None)
    terminal.diagnose(report.diagnostics)
    if advice:
        said = advices.advice(report, gigabytes)
        if terminal.as_json:
            terminal.answer_json({"name": loaded.name, "advice": advices.to_json(said)} | as_json(report.diagnostics))
        else:
            terminal.answer(advices.text(said))
        return
    found = rows.summarise(report)
    if terminal.as_json:
        terminal.answer_json(rows.to_json(found, depth) | as_json(report.diagnostics))
    elif output is None:
        terminal.draw(lambda width: summary_table.table(found, depth, width))
    else:
        terminal.answer(summary_table.text(found, depth))


@app.command(
    cls=Command,
    epilog=examples("archspec expand resnet18", "archspec expand mobilenet_v1 --set width=0.5 -o half.yaml"),
)
def expand(
    context: typer.Context,
    spec: Spec,
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    blocks: Annotated[bool, typer.Option(help="Keep blocks, with parameters and loops, as in an import.")] = False,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Write a spec with every block, loop and expression resolved."""
    from archspec.backends import spec_blocks, spec_text

    terminal: Terminal = context.obj
    written_as(terminal, (".yaml", ".yml"), "the output is a spec")
    loaded = load_spec(spec, set, rewrite, elsewhere=bool(size))
    backend = spec_blocks if blocks else spec_text
    text_answer(terminal, loaded, options.sizes(size, loaded), "spec", lambda spec: backend.expand(spec.graph))


class Kind(StrEnum):
    """What can be listed."""

    ops = "ops"
    blocks = "blocks"
    rewrites = "rewrites"
    specs = "specs"


@app.command("list", cls=Command, epilog=examples("archspec list", "archspec list blocks"))
def list_(
    context: typer.Context,
    kind: Annotated[Kind | None, typer.Argument(help="List only this kind.", show_default=False)] = None,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """List the ops, library blocks, rewrites and shipped specs."""
    from archspec.language import catalogue

    terminal: Terminal = context.obj
    found = catalogue.catalogue(catalogue.KINDS if kind is None else (kind.value,))
    if terminal.as_json:
        terminal.answer_json(found)
    elif output is None:
        terminal.draw(lambda width: catalogue.table(found))
    else:
        terminal.answer(catalogue.text(found))


class Described(StrEnum):
    """The files that have a JSON Schema."""

    spec = "spec"
    recipe = "recipe"
    space = "space"


@app.command(
    cls=Command,
    epilog=examples(
        "archspec schema -o archspec.schema.json",
        "archspec schema --of recipe -o recipe.schema.json",
        "archspec schema --of space -o space.schema.json",
    ),
)
def schema(
    context: typer.Context,
    of: Annotated[
        Described, typer.Option(help="What is written: a spec, a recipe (train.yaml), or a space of variants.")
    ] = Described.spec,
    format: AnswerFormat = Format.json,
    output: Output = None,
) -> None:
    """Write the JSON Schema with which an editor completes and checks specs, recipes or spaces.

    A spec that begins with `# yaml-language-server: $schema=archspec.schema.json` is checked against it.
    """
    if of is Described.recipe:
        from archspec.training.recipe_file import schema_text as text
    elif of is Described.space:
        from archspec.sweeping.space_schema import text
    else:
        from archspec.language.json_schema import text
    context.obj.answer(text())
