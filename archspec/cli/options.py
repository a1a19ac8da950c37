"""What may stand on the command line: options that commands share, and the reading of their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archspec.cli.terminal import CallError

if TYPE_CHECKING:
    from archspec.pipeline import Spec as LoadedSpec


class Format(StrEnum):
    """How a command answers."""

    text = "text"
    json = "json"


def complete_spec(incomplete: str) -> list[str]:
    """Shipped specs, YAML files and folders that begin with what is typed."""
    from archspec.elaborate.loader import spec_names

    folder = Path(incomplete).parent if not incomplete.endswith("/") else Path(incomplete)
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        entries = []
    files = [str(entry) for entry in entries if entry.suffix in (".yaml", ".yml")]
    files += [f"{entry}/" for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    return [name for name in (*sorted(spec_names()), *files) if name.startswith(incomplete)]


Spec = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="Path of a spec, the name of one that ships (`archspec list`), or - for standard input.",
        autocompletion=complete_spec,
        show_default=False,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Another value for a parameter of the spec, a YAML scalar, list or mapping; may be repeated.",
        show_default=False,
    ),
]
Rewrite = Annotated[
    list[str] | None,
    typer.Option(
        "--rewrite",
        metavar="REWRITE",
        help="Rewrite the network first: dense_to_conv, 'cut(after=fc7)', …; may be repeated, in order.",
        show_default=False,
    ),
]
Size = Annotated[
    list[str] | None,
    typer.Option(
        "--size",
        metavar="SIZE",
        help="Another input size to look at the same network at: 256, 256x320 (in the order of the input's symbols), "
        "or by symbol: H=256; may be repeated.",
        show_default=False,
    ),
]
AnswerFormat = Annotated[Format, typer.Option("--format", help="For people, or for programs.", case_sensitive=False)]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file, not the terminal.", show_default=False),
]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OTHER_KEYWORDS = ("sizes", "bounds")
"""What `load` takes beside parameters."""


def parameters(given: list[str] | None) -> dict[str, Any]:
    """``--set`` as keyword arguments of `load`: ``depths=[3, 4, 6, 3]``.  Raises :class:`CallError`."""
    from archspec.diagnostics import Fault
    from archspec.source import parse, plain

    found: dict[str, Any] = {}
    for name, text in _pairs("--set", given, "classes=10"):
        if name in _OTHER_KEYWORDS:
            raise CallError(f"--set cannot give `{name}`", "let a spec that `extends` this one give it")
        try:
            found[name] = plain(parse(text, f"--set {name}"))
        except Fault as fault:
            raise CallError(f"--set {name}: {fault.diagnostic.message}", fault.diagnostic.hint) from None
    return found


def sizes(given: list[str] | None, spec: LoadedSpec) -> dict[str, int]:
    """``--size`` as numbers by the spec's symbols: ``H=256``, ``256`` for all of them, ``256x320`` for each in turn.

    Raises :class:`CallError`.
    """
    found: dict[str, int] = {}
    named = [pair for entry in given or () for pair in _by_symbol(entry, spec.symbols)]
    for name, text in _pairs("--size", named, "H=256 or --size 256x320"):
        if not re.fullmatch(r"[0-9]{1,7}", text, re.ASCII) or int(text) == 0:
            raise CallError(f"--size {name}: `{text[:40]}` is no size", "a whole number from 1 to 9,999,999")
        found[name] = int(text)
    return found


def _by_symbol(entry: str, symbols: Sequence[str]) -> list[str]:
    """A size without a symbol, ``256`` or ``256x320``, as entries with one; any other as it is."""
    if not re.fullmatch(r"[0-9]+([xX×][0-9]+)*", entry, re.ASCII):
        return [entry]
    numbers = re.split("[xX×]", entry)
    if len(numbers) == 1:
        numbers *= len(symbols)
    if not symbols or len(numbers) != len(symbols):
        count = f"{len(symbols)} {'symbol' if len(symbols) == 1 else 'symbols'}"
        has = f"its input has {count}: {', '.join(symbols)}" if symbols else "the sizes of its input are fixed"
        raise CallError(f"--size {entry[:40]} does not fit the network", has)
    return [f"{name}={number}" for name, number in zip(symbols, numbers, strict=True)]


def _pairs(option: str, given: list[str] | None, example: str) -> Iterable[tuple[str, str]]:
    names: set[str] = set()
    for entry in given or ():
        name, equals, text = entry.partition("=")
        if not equals or not _NAME.match(name) or not text.strip():
            raise CallError(f"{option} wants NAME=VALUE, not `{entry[:60]}`", f"for example {option} {example}")
        if name in names:
            raise CallError(f"{option} gives `{name}` twice")
        names.add(name)
        yield name, text
