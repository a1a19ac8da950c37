"""The catalogue: every op, library block, rewrite and shipped spec, each with one line of documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from archspec import ops, rewrites
from archspec.diagnostics import Diagnostics
from archspec.elaborate.loader import Loader
from archspec.elaborate.shipped import library_names, more_names, spec_names
from archspec.schema import SpecFile
from archspec.syntax import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

Catalogue = Mapping[str, Sequence[Mapping[str, Any]]]
"""``ops``, ``blocks``, ``rewrites`` and ``specs``, each a list of entries with ``name`` and ``doc``."""


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """All entries by kind, each kind in alphabetical order."""
    loader = Loader(Diagnostics())
    return {
        "ops": [_op(name) for name in sorted(ops.names())],
        "blocks": [_block(loader, name) for name in sorted(library_names())],
        "rewrites": [_rewrite(name) for name in sorted(rewrites.names())],
        "specs": [spec(loader, name) for name in (*sorted(spec_names()), *sorted(more_names()))],
    }


def _op(name: str) -> dict[str, Any]:
    kind = ops.find(name)
    doc = (kind.__doc__ or "").strip().partition("\n")[0]
    without = () if kind.tensors else ("init",)
    return {"name": name, "doc": doc, "kind": kind.kind, "arguments": _arguments(kind, without)}


def _rewrite(name: str) -> dict[str, Any]:
    kind = rewrites.find(name)
    doc = " ".join((kind.__doc__ or "").strip().partition("\n\n")[0].split())
    return {"name": name, "doc": doc, "main": kind.main, "options": _arguments(kind)}


def _arguments(kind: type[BaseModel], without: Sequence[str] = ()) -> list[dict[str, Any]]:
    return [
        {
            "name": field,
            "description": info.description,
            "required": info.is_required(),
            "default": None if info.is_required() else info.default,
        }
        for field, info in kind.model_fields.items()
        if field not in without
    ]


def _block(loader: Loader, name: str) -> dict[str, Any]:
    file = loader.library(name)
    params = {} if file is None else {param: plain(default) for param, default in file.model.params.items()}
    return {"name": name, **_words(file), "params": params}


def spec(loader: Loader, name: str) -> dict[str, Any]:
    """The entry of a shipped spec; one without a description gets that of the spec it extends."""
    file = loader.named(name, None, None)
    base = plain(file.model.extends) if file is not None and file.model.extends is not None else None
    words = _words(file)
    if isinstance(base, str) and base in spec_names():
        words = {key: value or _words(loader.named(base, None, None))[key] for key, value in words.items()}
    return {"name": name, **words, "extends": base}


def _words(file: SpecFile | None) -> dict[str, Any]:
    if file is None:
        return {"doc": "", "source": None}
    return {"doc": " ".join((file.model.doc or "").split()), "source": file.model.source}


def table(found: Catalogue) -> RenderableType:
    """The catalogue as a table for a terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = []
    longest = max((len(entry["name"]) for entries in found.values() for entry in entries), default=1)
    for kind, entries in found.items():
        grid = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        grid.add_column(no_wrap=True, style="cyan", min_width=longest)
        grid.add_column(overflow="fold")
        for entry in entries:
            grid.add_row(Text(entry["name"]), Text(entry["doc"]))
        parts += [*([Text()] if parts else []), Text(kind, "bold"), grid]
    return Group(*parts)


def text(found: Catalogue, width: int = 120) -> str:
    """The catalogue as text without colours."""
    from rich.console import Console

    console = Console(file=StringIO(), width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(table(found))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
