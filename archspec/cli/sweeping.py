"""`archspec sweep`: many variants of a spec, measured without torch and compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format
from archspec.cli.terminal import CallError, Terminal, write_together
from archspec.diagnostics import Diagnostic

if TYPE_CHECKING:
    from archspec.sweeping.front import Axis
    from archspec.sweeping.rows import Row
    from archspec.sweeping.space import Space
    from archspec.sweeping.sweep import Progress


@app.command(
    cls=Command,
    epilog=examples(
        "archspec sweep widths.yaml",
        "archspec sweep widths.yaml --trials 20 --epochs 10 --data photographs",
        "archspec sweep widths.yaml --limit macs=300e6 --limit memory=2GB --pareto macs:least,parameters:most",
    ),
)
def sweep(
    context: typer.Context,
    space: Annotated[
        Path,
        typer.Argument(metavar="SPACE.yaml", help="A spec, and the values that are tried.", show_default=False),
    ],
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MEASURE=VALUE",
            help="Keep variants within a limit: macs=300e6, memory=2GB, parameters, inference, weights; "
            "field and score at least; may be repeated.",
            show_default=False,
        ),
    ] = None,
    pareto: Annotated[
        str | None,
        typer.Option(
            metavar="MEASURES",
            help="Compare variants by these measures: macs:least,parameters:most.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000_000, help="Images per batch, for the memory.", show_default="the space's"),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, max=1024, help="Processes.", show_default="all cores")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Measure only what a sweep that ended early lacks.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start again in a folder that has a sweep; its rows are deleted.")
    ] = False,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1, max=100_000, help="Then train so many of the variants, drawn at random.", show_default=False
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes of a trial over the data, at most.")] = 20,
    data: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, metavar="FOLDER", help="Images for the trials.", show_default=False),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Train on this Ray cluster. Default: this machine.", show_default=False),
    ] = None,
    cpus: Annotated[float, typer.Option(min=0.1, help="Cores for each trial.")] = 1,
    gpus: Annotated[float, typer.Option(min=0, help="Graphics cards for each trial; 0.5 shares one.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the trials.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where to write rows and picture. Default: out/sweeps/NAME."
        ),
    ] = None,
    format: AnswerFormat = Format.text,
) -> None:
    """Measure many variants of a spec: parameters, multiply-adds, memory, receptive field, valid sizes.

    No network is built: it takes milliseconds for each.  The table has the variants that no other beats.  All of them
    are in `table.csv`, with the reason where there is no such network, and as dots in `pareto.svg`.  With `--trials`
    some are then trained by Ray Tune, which stops those that do badly early; each is a run's folder under `runs`.
    """
    from archspec.sweeping import front, limits, sweep, tables
    from archspec.sweeping.space import read_space
    from archspec.sweeping.trials import Plan

    terminal: Terminal = context.obj
    if resume and overwrite:
        raise CallError("--resume continues a sweep, --overwrite replaces it", "use only one of them")
    if (trials is None) != (data is None):
        raise CallError(
            "--trials needs --data FOLDER, and the other way round", "for example --trials 20 --data images"
        )
    read = read_space(space)
    if batch is not None:
        read = replace(read, batch=batch)
    asked = (*read.limits, *(limits.written(each) for each in limit or ()))
    by = front.axes(pareto) if pareto is not None else None
    folder = output or Path("out") / "sweeps" / space.stem
    with _progress() as progress:
        plan = None
        if trials is not None and data is not None:
            plan = Plan(data, trials, epochs, seed, address, cpus, gpus)
        rows = sweep.sweep(
            read, folder, jobs=jobs, resume=resume, overwrite=overwrite, progress=progress, plan=plan, limits=asked
        )
    by = by or front.usual_axes(rows)
    kept = [row for row in rows if limits.within(row, asked)]
    best = front.front(kept, by)
    terminal.output = None
    terminal.diagnose(_write(folder, read, rows, kept, best, by))
    if terminal.as_json:
        terminal.answer_json({
            "variants": len(rows),
            "within_limits": [row.number for row in kept],
            "pareto": list(map(str, by)),
            "front": [row.number for row in best],
            "rows": [row.to_json() for row in rows],
        })  # fmt: skip
    else:
        said = tables.said(rows, {row.number for row in kept}, bool(asked), best, by)
        terminal.answer(f"{said}\n\n{tables.text(best, list(read.axes))}\n\nall rows: {folder / TABLE}")


TABLE, PICTURE = "table.csv", "pareto.svg"


def _write(
    folder: Path, space: Space, rows: list[Row], kept: list[Row], best: list[Row], by: Sequence[Axis]
) -> list[Diagnostic]:
    """Write the table, and the picture where matplotlib is installed; a note where it is not."""
    from archspec.sweeping import picture, tables

    numbers = {row.number for row in kept}, {row.number for row in best}
    write_together({folder / TABLE: tables.to_csv(rows, list(space.axes), *numbers).encode()})
    try:
        write_together({folder / PICTURE: picture.drawn(kept, best, by)})
    except ModuleNotFoundError:
        hint = "pip install 'archspec-nn[plot]'"
        return [Diagnostic("no-package", "the picture needs matplotlib", hint=hint, severity="note")]
    return []


@contextmanager
def _progress() -> Iterator[Progress]:
    """How far the sweep is, on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("variants")
        yield lambda done, of: bar.update(task, completed=done, total=of)
