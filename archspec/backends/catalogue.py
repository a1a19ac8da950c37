"""What there is to write specs with: ops, library blocks, shipped specs, each with a line of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from archspec import ops
from archspec.diagnostics import Diagnostics
from archspec.elaborate.loader import Loader, library_names, spec_names
from archspec.source import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

Catalogue = Mapping[str, Sequence[Mapping[str, Any]]]
"""``ops``, ``blocks`` and ``specs``, each a list of entries with ``name`` and ``doc``."""


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """Everything by kind, each in alphabetical order."""
    loader = Loader(Diagnostics())
    return {
        "ops": [_op(name) for name in sorted(ops.names())],
        "blocks": [_file(loader, name, "params") for name in sorted(library_names())],
        "specs": [_file(loader, name, "extends") for name in sorted(spec_names())],
    }


def _op(name: str) -> dict[str, Any]:
    kind = ops.find(name)
    arguments = [
        {
            "name": field,
            "description": info.description,
            "required": info.is_required(),
            "default": None if info.is_required() else info.default,
        }
        for field, info in kind.model_fields.items()
        if field != "init" or kind.tensors
    ]
    doc = (kind.__doc__ or "").strip().partition("\n")[0]
    return {"name": name, "doc": doc, "kind": kind.kind, "arguments": arguments}


def _file(loader: Loader, name: str, *more: str) -> dict[str, Any]:
    file = loader.library(name) if "params" in more else loader.named(name, None, None)
    if file is None:
        return {"name": name, "doc": ""}
    model = file.model
    found = {"name": name, "doc": " ".join((model.doc or "").split()), "source": model.source}
    if "params" in more:
        found["params"] = {param: plain(default) for param, default in model.params.items()}
    else:
        found["extends"] = plain(model.extends) if model.extends is not None else None
    return found


def table(found: Catalogue) -> RenderableType:
    """The lists for a terminal."""
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
    """The lists as text without colours."""
    from rich.console import Console

    console = Console(file=StringIO(), width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(table(found))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
