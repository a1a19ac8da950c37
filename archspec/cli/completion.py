"""Shell completion: specs, and the contents of the spec that the command line already names.

Completion never fails: a spec with errors completes nothing and prints nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from archspec.spec import Spec as LoadedSpec


def complete_shipped(incomplete: str) -> list[str]:
    """Shipped specs that begin with the typed text."""
    from archspec.elaborate.shipped import more_names, spec_names

    return [name for name in sorted(spec_names() | more_names()) if name.startswith(incomplete)]


def complete_spec(incomplete: str) -> list[str]:
    """Shipped specs, YAML files and folders that begin with the typed text."""
    from archspec.elaborate.shipped import more_names, spec_names

    folder = Path(incomplete).parent if not incomplete.endswith("/") else Path(incomplete)
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        entries = []
    files = [str(entry) for entry in entries if entry.suffix in (".yaml", ".yml")]
    files += [f"{entry}/" for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    return [name for name in (*sorted(spec_names() | more_names()), *files) if name.startswith(incomplete)]


def complete_parameter(ctx: typer.Context, incomplete: str) -> list[str]:
    """``--set``: the parameters of the spec, `classes=`; for a boolean one, true and false."""
    spec = _spec(ctx)
    if spec is None:
        return []
    values = {name: spec.graph.root.values.get(name) for name in spec.variant.file.model.params}
    found = [
        f"{name}={end}"
        for name, value in values.items()
        for end in (("true", "false") if isinstance(value, bool) else ("",))
    ]
    return [each for each in found if each.startswith(incomplete)]


def complete_rewrite(ctx: typer.Context, incomplete: str) -> list[str]:
    """``--rewrite``: the names, `cut(after=` if an option is required, and then the steps that the option accepts."""
    from archspec import rewrites

    kinds = [rewrites.find(name) for name in sorted(rewrites.names())]
    needed = {
        kind.keyword: next((name for name, field in kind.model_fields.items() if field.is_required()), None)
        for kind in kinds
    }
    begun = {name: f"{name}({option}=" for name, option in needed.items() if option is not None}
    for name, beginning in begun.items():
        if incomplete.startswith(beginning):
            known = _steps(_spec(ctx)) if needed[name] in ("after", "step") else []
            end = ")" if needed[name] == "after" else ""
            return [
                f"{beginning}{step}{end}" for step in known if f"{beginning}{step}".startswith(incomplete.rstrip(")"))
            ]
    return [word for word in (begun.get(name, name) for name in needed) if word.startswith(incomplete)]


def complete_block(ctx: typer.Context, incomplete: str) -> list[str]:
    """``--focus``: blocks by path, label and name."""
    from archspec.backends.diagram.focusing import names

    spec = _spec(ctx)
    return [name for name in names(spec.graph) if name.startswith(incomplete)] if spec is not None else []


def complete_step(ctx: typer.Context, incomplete: str) -> list[str]:
    """``--of`` and ``--wrt``: steps by path and label, blocks and outputs."""
    return [name for name in _steps(_spec(ctx)) if name.startswith(incomplete)]


def _steps(spec: LoadedSpec | None) -> list[str]:
    from archspec.analyses.step_names import values

    return [name for name in values(spec.graph).found if name] if spec is not None else []


def _spec(ctx: typer.Context) -> LoadedSpec | None:
    """The spec that the command line names; None if it names none, or one with errors."""
    from archspec import loading
    from archspec.diagnostics import SpecError

    known = ctx.params.get("new") or ctx.params.get("spec")
    words = [word for word in ctx.args if not word.startswith("-")]  # unparsed while an option lacks its value
    at = 1 if "new" in ctx.params else 0
    for name in [known] if known else words[at:]:
        try:
            return loading.opened(name, {})
        except SpecError:
            continue
    return None
