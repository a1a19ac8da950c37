"""`archspec profile`: latency and throughput of a network, measured."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.memory import Dtype
from archspec.cli.options import AnswerFormat, Format, Output, Rewrite, Set, Size, Spec
from archspec.cli.specs import as_json, load_spec
from archspec.cli.terminal import Terminal


@app.command(
    cls=Command,
    epilog=examples(
        "archspec profile mobilenet_v2",
        "archspec profile resnet50 --batch 1 --batch 64 --device cuda --dtype float16",
    ),
)
def profile(
    context: typer.Context,
    spec: Spec,
    batch: Annotated[
        list[int] | None,
        typer.Option(min=1, max=1_000_000, help="Images per batch; may be repeated.", show_default="1 and 16"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    dtype: Annotated[Dtype, typer.Option(help="Data type of the numbers.")] = Dtype.float32,
    seconds: Annotated[float, typer.Option(min=0.01, max=600, help="Measure each batch for so long.")] = 2.0,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Threads on the CPU.", show_default="torch's")
    ] = None,
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Measure how long a network takes in evaluation: the median by torch's own timer, after a warm-up."""
    from archspec.running import devices, timing

    terminal: Terminal = context.obj
    loaded = load_spec(spec, set, rewrite, elsewhere=bool(size))
    terminal.diagnose(loaded.diagnostics)
    sizes = options.sizes(size, loaded)
    place = devices.find(device)
    found = [timing.measure(loaded, sizes, each, place, dtype.value, seconds, threads) for each in batch or (1, 16)]
    at = {**loaded.graph.sizes, **sizes}
    if terminal.as_json:
        told = {"name": loaded.name, "device": str(place), "dtype": dtype.value, "sizes": at}
        terminal.answer_json(told | {"batches": list(map(asdict, found))} | as_json(loaded.diagnostics))
        return
    where = "".join(f", {name} = {number}" for name, number in at.items())
    lines = [
        f"{loaded.name} on {place} in {dtype.value}{where}",
        "  batch   latency (quartiles)              images/s  G mult-adds/s",
    ]
    for each in found:
        low, middle, high = (f"{1000 * value:,.2f}" for value in (each.lower, each.median, each.upper))
        latency = f"{middle} ms ({low} … {high})"
        lines.append(
            f"  {each.batch:>5}   {latency:<30} {each.images_per_second:>10,.1f} "
            f"{each.multiply_adds_per_second / 1e9:>14,.1f}"
        )
    terminal.answer("\n".join(lines))
