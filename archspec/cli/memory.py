"""`archspec memory`: the memory of a network, for any batch and dtype; on request, what torch's allocator hands out."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format, Output, Rewrite, Set, Size, Spec
from archspec.cli.specs import as_json, load_spec
from archspec.cli.terminal import Terminal


class Dtype(StrEnum):
    """The dtype that a network computes in."""

    float32 = "float32"
    float64 = "float64"
    bfloat16 = "bfloat16"
    float16 = "float16"


@app.command(
    cls=Command,
    epilog=examples(
        "archspec memory resnet50 --batch 32 --dtype bfloat16",
        "archspec memory unet --size H=572 --size W=572 --measure cpu",
    ),
)
def memory(
    context: typer.Context,
    spec: Spec,
    batch: Annotated[int, typer.Option(min=1, max=1_000_000_000, help="Images per batch.")] = 1,
    dtype: Annotated[Dtype, typer.Option(help="Data type of the numbers.")] = Dtype.float32,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE",
            help="Also run the network on cpu, cuda or cuda:1, and print what torch's allocator allocated.",
            show_default=False,
        ),
    ] = None,
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Show the memory of a network: weights, activations, the peaks and the tensors alive at each."""
    from archspec import pipeline
    from archspec.backends.reports import memory as memory_report

    terminal: Terminal = context.obj
    loaded = load_spec(spec, set, rewrite, elsewhere=bool(size))
    report = pipeline.examine(loaded, options.sizes(size, loaded) or None)
    terminal.diagnose(report.diagnostics)
    memory_report.need_sizes(report)
    found = None
    if measure is not None:
        from archspec.running import allocator

        found = allocator.measure(loaded, report.sizes, batch, dtype.value, measure)
    if terminal.as_json:
        answer = memory_report.to_json(report, batch, dtype.value) | as_json(report.diagnostics)
        terminal.answer_json(answer | {"allocator": asdict(found)} if found is not None else answer)
        return
    said = memory_report.text(report, batch, dtype.value)
    if found is not None:
        peaks = [memory_report.megabytes(peak) for peak in (found.inference, found.training)]
        said += f"\n  torch's allocator on {found.device} allocated {peaks[0]} in inference, {peaks[1]} in training"
    terminal.answer(said)
