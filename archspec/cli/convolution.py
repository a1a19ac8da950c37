"""`archspec conv-matrix`: a convolution as a matrix, drawn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format
from archspec.cli.terminal import CallError, Terminal

if TYPE_CHECKING:
    from archspec.convolution.matrix import Geometry

_LARGEST = 10_000
"""The largest number in a size: a larger matrix cannot be drawn, and the number is most likely a mistake."""


@app.command(
    "conv-matrix",
    cls=Command,
    epilog=examples(
        "archspec conv-matrix --input 4x4 --kernel 3 -o matrix.png",
        "archspec conv-matrix --input 2x2 --kernel 3 --stride 2 --transposed -o transposed.svg",
    ),
)
def conv_matrix(
    context: typer.Context,
    input: Annotated[str, typer.Option(metavar="SIZE", help="Size of the input: 9, 4x4 or 2x3x4.")],
    kernel: Annotated[str, typer.Option(metavar="SIZE", help="Size of the kernel, 3 or 3x5.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The picture: .svg, .png or .pdf.")],
    stride: Annotated[str, typer.Option(metavar="SIZE", help="Step between windows.")] = "1",
    padding: Annotated[str, typer.Option(metavar="SIZE", help="Zeros around the input.")] = "0",
    dilation: Annotated[str, typer.Option(metavar="SIZE", help="Distance between the taps of a window.")] = "1",
    transposed: Annotated[bool, typer.Option("--transposed", help="Draw the transposed convolution.")] = False,
    output_padding: Annotated[
        str, typer.Option(metavar="SIZE", help="Rows added to the output of a transposed convolution.")
    ] = "0",
    format: AnswerFormat = Format.text,
) -> None:
    """Draw a convolution as a matrix: Conv(X, φ) = C · vec(X), one input and one output channel."""
    from archspec.convolution.matrix import Geometry, transposed_size

    terminal: Terminal = context.obj
    if output.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise CallError(f"`{output}` has no known picture format", "use a name that ends in .svg, .png or .pdf")
    size = _numbers("--input", input, None)
    rank = len(size)
    taps, steps, pad, holes, more = (
        _numbers(name, text, rank)
        for name, text in (
            ("--kernel", kernel),
            ("--stride", stride),
            ("--padding", padding),
            ("--dilation", dilation),
            ("--output-padding", output_padding),
        )
    )
    if any(more) and not transposed:
        raise CallError("--output-padding needs --transposed")
    try:
        if transposed:
            size = transposed_size(size, taps, steps, pad, holes, more)
        geometry = Geometry.of(size, taps, steps, pad, holes)
    except ValueError as error:
        raise CallError(str(error)) from None
    _draw(geometry, output, transposed)
    if terminal.as_json:
        terminal.output = None
        shapes = {"input": geometry.size, "output": geometry.output}
        if transposed:
            shapes = {"input": geometry.output, "output": geometry.size}
        terminal.answer_json({name: list(shape) for name, shape in shapes.items()} | {"written": str(output)})


def _draw(geometry: Geometry, output: Path, transposed: bool) -> None:
    from archspec.convolution.picture import draw

    try:
        draw(geometry, output, transposed=transposed)
    except ModuleNotFoundError as error:
        raise CallError(f"drawing this needs the package `{error.name}`", "pip install 'archspec-nn[plot]'") from None
    except ValueError as error:
        raise CallError(str(error)) from None
    except OSError as error:
        raise CallError(f"cannot write `{output}`: {error.strerror or error}") from None


def _numbers(name: str, text: str, rank: int | None) -> tuple[int, ...]:
    """The numbers of a size as typed: ``4x4``, or one number for all axes."""
    if not re.fullmatch(r"[0-9]{1,5}([x×][0-9]{1,5}){0,2}", text, re.ASCII):
        raise CallError(f"{name}: `{text[:40]}` is not a size", "write one number, or one for each axis: 4x4")
    found = tuple(int(part) for part in re.split("[x×]", text))
    if max(found) > _LARGEST:
        raise CallError(f"{name}: {max(found):,} is larger than {_LARGEST:,}")
    if rank is None or len(found) == rank:
        return found
    if len(found) == 1:
        return found * rank
    raise CallError(f"{name} has {len(found)} numbers, and --input has {rank}")
