"""`archspec export`: a network as a file for other programs, run and compared before it is called done."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format, Rewrite, Set, Size
from archspec.cli.specs import as_json, load_spec
from archspec.cli.terminal import CallError, Terminal, needs, write_together
from archspec.cli.trained import Source, Weights


class To(StrEnum):
    """The kinds of file."""

    onnx = "onnx"
    pt2 = "pt2"
    safetensors = "safetensors"


@app.command(
    cls=Command,
    epilog=examples(
        "archspec export out/ResNet18 --to onnx -o resnet18.onnx",
        "archspec export resnet50 --weights torchvision:ResNet50_Weights.IMAGENET1K_V2 --to pt2",
    ),
)
def export(
    context: typer.Context,
    source: Source,
    to: Annotated[To, typer.Option(help="onnx, pt2 (torch's exported program) or safetensors (weights).")] = To.onnx,
    weights: Weights = None,
    fixed: Annotated[bool, typer.Option("--fixed", help="Keep height, width and a batch of 1 for good.")] = False,
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    format: AnswerFormat = Format.text,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it. Default: NAME.onnx and the like."),
    ] = None,
) -> None:
    """Export a network for other programs; height and width stay open where they may vary.

    The file is read again, run at two sizes and compared with the network before it is written.
    """
    terminal: Terminal = context.obj
    folder = Path(source)
    if output is not None and output.suffix != f".{to.value}":
        raise CallError(f"`{output}` has the wrong ending", f"use a name that ends in .{to.value}")
    if folder.is_dir():
        if weights or set or rewrite:
            raise CallError("a run has its own weights and parameters", "leave the options out, or name the spec")
        with needs("train", "reading a run"):
            from archspec.trained.network import run_sizes
            from archspec.training.run_folder import read_run

        run = read_run(folder)
        loaded, weights = load_spec(str(run.spec), None, elsewhere=True), str(run.weights)
        sizes = run_sizes(loaded, run) | options.sizes(size, loaded)
    else:
        loaded = load_spec(source, set, rewrite, elsewhere=bool(size))
        sizes = options.sizes(size, loaded)
    from archspec import pipeline
    from archspec.running.named_weights import load_named
    from archspec.trained.exporting import Target
    from archspec.trained.exporting import export as exported

    model = pipeline.compile(loaded)
    notes = loaded.diagnostics if weights is None else (*loaded.diagnostics, *load_named(model, weights).notes)
    terminal.diagnose(notes)
    found = exported(loaded.graph, model, sizes, Target(to.value), fixed)
    path = output or Path(f"{loaded.name.lower().replace(' ', '_')}.{to.value}")
    write_together({path: found.content})
    terminal.output = None
    if terminal.as_json:
        terminal.answer_json({
            "name": loaded.name, "written": str(path), "bytes": len(found.content),
            "inputs": {name: list(dims) for name, dims in found.inputs.items()}, "valid": list(found.valid),
            "compared": [dict(at) for at in found.compared], "difference": found.difference,
        } | as_json(notes))  # fmt: skip
        return
    lines = [f"`{loaded.name}` is written to {path}, {len(found.content) / 1e6:,.1f} MB"]
    lines += [f"  {name}: {' × '.join(dims)}" for name, dims in found.inputs.items()]
    lines += [f"  {each}" for each in found.valid]
    if found.compared:
        places = " and ".join("×".join(map(str, at.values())) or "its size" for at in found.compared)
        lines.append(f"  run at {places}: within {found.difference:.1g} of what torch gives")
    terminal.answer("\n".join(lines))
