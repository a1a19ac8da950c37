"""The commands for any spec: each reads its arguments and calls the pipeline.  None imports torch."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format, Output, Rewrite, Set, Size, Spec
from archspec.cli.terminal import CallError, Terminal

if TYPE_CHECKING:
    from archspec.diagnostics import Diagnostic
    from archspec.spec import Spec as LoadedSpec


def load_spec(
    spec: str, given: list[str] | None, rewrites: list[str] | None = None, *, elsewhere: bool = False
) -> LoadedSpec:
    """The spec of a command, with the command line's rewrites applied.

    ``elsewhere``: it is evaluated at sizes from the command line, so its own sizes need not fit.
    """
    from archspec import loading, pipeline

    parameters = options.parameters(given)
    if options.is_source(spec):
        if parameters:
            raise CallError(
                f"--set: `{spec}` is not a spec, so it has no parameters",
                "`archspec import` writes a spec that you can edit",
            )
        loaded = pipeline.brought(spec)
    elif options.is_revision(spec):
        loaded = loading.opened_revision(spec, parameters, call="--set {}")
    elif spec != "-":
        loaded = loading.opened(spec, parameters, call="--set {}")
    else:
        if not sys.stdin:  # the shell closed it with `<&-`
            raise CallError("standard input is closed", "give the path of a spec")
        some = sys.stdin.buffer.read(loading.BOUNDS.text_bytes + 1)  # one more than the limit
        loaded = loading.opened_text(some, parameters, name="<stdin>", folder=Path.cwd(), call="--set {}")
    if rewrites or not elsewhere:
        loaded = loading.settled(loaded)
    return pipeline.rewrite(loaded, *rewrites) if rewrites else loaded


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
    written_as(terminal, (".py",), "the output is PyTorch source; for ONNX call `torch.onnx.export` on its module")
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
    _text_answer(terminal, loaded, options.sizes(size, loaded), "source", backend, beside)


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
    _text_answer(terminal, loaded, options.sizes(size, loaded), "spec", lambda spec: backend.expand(spec.graph))


def written_as(terminal: Terminal, endings: tuple[str, ...], what: str) -> None:
    """Raise :class:`CallError` if the extension of the output file belongs to another kind of file."""
    output = terminal.output
    if output is not None and not terminal.as_json and output.suffix.lower() not in ("", *endings):
        raise CallError(f"`{output}` has the wrong ending", f"use a name that ends in {endings[0]}: {what}")


def _text_answer(
    terminal: Terminal,
    loaded: LoadedSpec,
    sizes: dict[str, int],
    name: str,
    backend: Any,
    beside: Mapping[Path, bytes] | None = None,
) -> None:
    """Print the text that a backend makes of a spec, and write files beside it."""
    diagnostics = said_of(loaded, sizes)
    terminal.diagnose(diagnostics)
    text = backend(loaded)
    if terminal.as_json:
        terminal.answer_json({"name": loaded.name, name: text} | as_json(diagnostics), beside)
    else:
        terminal.answer(text, beside)


def said_of(loaded: LoadedSpec, sizes: dict[str, int]) -> tuple[Diagnostic, ...]:
    """The diagnostics of a spec that is only written out: failed claims, and whether it runs at the sizes."""
    from archspec import pipeline

    if sizes:
        return pipeline.check(loaded, sizes).diagnostics
    return (*loaded.diagnostics, *pipeline.claims(loaded))


def as_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """Diagnostics as a part of a JSON answer."""
    from archspec.diagnostics import to_json

    return {"diagnostics": [to_json(each) for each in diagnostics]}


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
    found = catalogue.catalogue()
    if kind is not None:
        found = {kind.value: found[kind.value]}
    if terminal.as_json:
        terminal.answer_json(found)
    elif output is None:
        terminal.draw(lambda width: catalogue.table(found))
    else:
        terminal.answer(catalogue.text(found))


@app.command(
    cls=Command,
    epilog=examples(
        "archspec schema -o archspec.schema.json",
        "archspec schema --recipe -o recipe.schema.json",
    ),
)
def schema(
    context: typer.Context,
    recipe: Annotated[bool, typer.Option("--recipe", help="The schema of train.yaml instead.")] = False,
    format: AnswerFormat = Format.json,
    output: Output = None,
) -> None:
    """Write the JSON Schema with which an editor completes and checks specs.

    A spec that begins with `# yaml-language-server: $schema=archspec.schema.json` is checked against it.
    """
    if recipe:
        from archspec.training.recipe_file import schema_text

        context.obj.answer(schema_text())
        return
    from archspec.language import json_schema

    context.obj.answer(json_schema.text())
