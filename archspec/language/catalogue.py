"""The catalogue: every op, library block, rewrite and shipped spec, each with one line of documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from archspec import ops, rewrites
from archspec.elaborate.shipped import library_folder, library_names, more_names, spec_names, specs_folder
from archspec.syntax import parse, plain, read

if TYPE_CHECKING:
    from rich.console import RenderableType

Catalogue = Mapping[str, Sequence[Mapping[str, Any]]]
"""``ops``, ``blocks``, ``rewrites`` and ``specs``, each a list of entries with ``name`` and ``doc``."""


KINDS = ("ops", "blocks", "rewrites", "specs")


def catalogue(kinds: Sequence[str] = KINDS) -> dict[str, list[dict[str, Any]]]:
    """All entries of these kinds, each kind in alphabetical order."""
    made: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "ops": lambda: [_op(name) for name in sorted(ops.names())],
        "blocks": lambda: [_block(name) for name in sorted(library_names())],
        "rewrites": lambda: [_rewrite(name) for name in sorted(rewrites.names())],
        "specs": lambda: [spec(name) for name in (*sorted(spec_names()), *sorted(more_names()))],
    }
    return {kind: made[kind]() for kind in kinds}


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


def _block(name: str) -> dict[str, Any]:
    head = _head(library_folder() / f"{name}.yaml")
    return {"name": name, **_words(head), "params": head.get("params", {})}


def spec(name: str) -> dict[str, Any]:
    """The entry of a shipped spec; one without a description gets that of the spec it extends."""
    head = _head(specs_folder() / f"{name}.yaml")
    base, words = head.get("extends"), _words(head)
    if isinstance(base, str) and base in spec_names():
        words = {key: value or _words(_head(specs_folder() / f"{base}.yaml"))[key] for key, value in words.items()}
    return {"name": name, **words, "extends": base}


def _head(path: Path) -> dict[str, Any]:
    """What a shipped file says of itself: its keys before ``steps``.  The steps are most of it, and are not read."""
    head = read(path).partition("\nsteps:")[0]
    found = plain(parse(f"{head}\n", path.name))
    return found if isinstance(found, dict) else {}


def _words(head: Mapping[str, Any]) -> dict[str, Any]:
    return {"doc": " ".join((head.get("doc") or "").split()), "source": head.get("source")}


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
