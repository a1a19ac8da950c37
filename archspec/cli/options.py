"""Options that commands share, and the parsing of their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archspec.cli.completion import complete_parameter, complete_rewrite, complete_spec
from archspec.cli.terminal import CallError

if TYPE_CHECKING:
    from archspec.spec import Spec as LoadedSpec


class Format(StrEnum):
    """The format of a command's answer."""

    text = "text"
    json = "json"


Spec = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="Path of a spec, the name of a shipped one (`archspec list`), - for standard input, a file of a git "
        "revision (HEAD~1:my.yaml), a file of Caffe, Darknet, Keras, ONNX or Ultralytics, or a module of a library: "
        "torchvision:NAME, timm:NAME, python:PACKAGE.MODULE:FACTORY.",
        autocompletion=complete_spec,
        show_default=False,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Set a parameter of the spec to a YAML scalar, list or mapping; may be repeated.",
        autocompletion=complete_parameter,
        show_default=False,
    ),
]
Rewrite = Annotated[
    list[str] | None,
    typer.Option(
        "--rewrite",
        metavar="REWRITE",
        help="Rewrite the network first: dense_to_conv, 'cut(after=fc7)', …; may be repeated, in order.",
        autocompletion=complete_rewrite,
        show_default=False,
    ),
]
Size = Annotated[
    list[str] | None,
    typer.Option(
        "--size",
        metavar="SIZE",
        help="Use another input size: 256, 256x320 (in the order of the input's symbols), "
        "or by symbol: H=256; may be repeated.",
        show_default=False,
    ),
]
AnswerFormat = Annotated[
    Format, typer.Option("--format", help="text for people, json for programs.", case_sensitive=False)
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead of the terminal.", show_default=False),
]

PICTURES = ("svg", "png", "pdf", "dot")
"""The file extensions of pictures that can be drawn."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OTHER_KEYWORDS = ("sizes", "bounds")
"""The arguments of `load` that are not parameters of a spec."""


def parameters(given: list[str] | None) -> dict[str, Any]:
    """``--set`` as keyword arguments of `load`: ``depths=[3, 4, 6, 3]``.  Raises :class:`CallError`."""
    from archspec.diagnostics import Fault
    from archspec.syntax import parse, plain

    found: dict[str, Any] = {}
    for name, text in _pairs("--set", given, "classes=10"):
        if name in _OTHER_KEYWORDS:
            raise CallError(f"--set cannot set `{name}`", "set it in a spec that `extends` this one")
        try:
            found[name] = plain(parse(text, f"--set {name}"))
        except Fault as fault:
            raise CallError(f"--set {name}: {fault.diagnostic.message}", fault.diagnostic.hint) from None
    return found


def shape(text: str) -> list[int]:
    """Channels and sizes in one word: ``3x224x224``.  Raises :class:`CallError`."""
    parts = text.lower().replace("×", "x").split("x")
    if not 1 <= len(parts) <= 4 or not all(re.fullmatch(r"[1-9][0-9]{0,6}", part, re.ASCII) for part in parts):
        raise CallError(f"`{text[:40]}` is not the shape of an image", "write channels and sizes: 3x224x224")
    return [int(part) for part in parts]


def is_source(text: str) -> bool:
    """Whether a word given as a spec names a library's module, ``timm:hrnet_w18``, or another tool's file."""
    if is_file(text) or text.endswith(".pt2"):
        return True
    if ":" not in text:
        return False
    from archspec.running.sources import is_source

    return is_source(text)


def is_file(text: str) -> bool:
    """Whether a word names another tool's file."""
    from archspec.importers.foreign import is_foreign

    return is_foreign(text)


def is_revision(text: str) -> bool:
    """Whether a word names a file at a git revision, ``HEAD~1:specs/mine.yaml``."""
    if ":" not in text:
        return False
    from archspec.syntax import is_revision

    return is_revision(text)


def sizes(given: list[str] | None, spec: LoadedSpec) -> dict[str, int]:
    """``--size`` as numbers by the spec's symbols: ``H=256``, ``256`` for all symbols, ``256x320`` for each in turn.

    Raises :class:`CallError`.
    """
    found: dict[str, int] = {}
    named: list[str] = []
    for entry in given or ():
        by_symbol = re.fullmatch(r"[0-9xX×]+", entry) is not None
        named += [f"{name}={size}" for name, size in extents(entry, spec.symbols).items()] if by_symbol else [entry]
    for name, text in _pairs("--size", named, "H=256 or --size 256x320"):
        if not re.fullmatch(r"[0-9]{1,7}", text, re.ASCII) or int(text) == 0:
            raise CallError(f"--size {name}: `{text[:40]}` is not a size", "write a whole number from 1 to 9,999,999")
        found[name] = int(text)
    return found


def extents(text: str, symbols: Sequence[str]) -> dict[str, int]:
    """Sizes of all symbols in one word: ``500x333`` in their order, one number for all.  Raises :class:`CallError`."""
    parts = text.lower().replace("×", "x").split("x")
    if not all(re.fullmatch(r"[0-9]{1,7}", part, re.ASCII) and int(part) for part in parts):
        raise CallError(f"`{text[:40]}` is not a size", "write 500x333, or one number for all")
    if not symbols:
        raise CallError("all sizes of this network are fixed")
    if len(parts) not in (1, len(symbols)):
        raise CallError(f"`{text[:40]}` has {len(parts)} sizes, but the network's sizes are {', '.join(symbols)}")
    return dict(zip(symbols, map(int, parts * len(symbols) if len(parts) == 1 else parts), strict=True))


def _pairs(option: str, given: list[str] | None, example: str) -> Iterable[tuple[str, str]]:
    names: set[str] = set()
    for entry in given or ():
        name, equals, text = entry.partition("=")
        if not equals or not _NAME.match(name) or not text.strip():
            raise CallError(f"{option} needs NAME=VALUE, not `{entry[:60]}`", f"for example {option} {example}")
        if name in names:
            raise CallError(f"{option} sets `{name}` twice")
        names.add(name)
        yield name, text
