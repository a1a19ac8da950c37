"""What the commands for a spec share: reading it, and answering with a text made of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.cli import options
from archspec.cli.terminal import CallError, Terminal

if TYPE_CHECKING:
    from archspec.diagnostics import Diagnostic
    from archspec.spec import Spec as LoadedSpec


def load_spec(
    spec: str, given: list[str] | None, rewrites: list[str] | None = None, *, elsewhere: bool = False
) -> LoadedSpec:
    """The spec of a command, with the command line's rewrites applied.

    ``elsewhere``: it is evaluated at sizes from the command line, so its own sizes need not fit.
    """
    from archspec import importing, loading, pipeline

    parameters = options.parameters(given)
    if options.is_source(spec):
        if parameters:
            raise CallError(
                f"--set: `{spec}` is not a spec, so it has no parameters",
                "`archspec import` writes a spec that you can edit",
            )
        loaded = importing.brought(spec)
    elif options.is_revision(spec):
        loaded = loading.opened_revision(spec, parameters, call="--set {}")
    elif spec != "-":
        loaded = loading.opened(spec, parameters, call="--set {}")
    else:
        if not sys.stdin:  # the shell closed it with `<&-`
            raise CallError("standard input is closed", "give the path of a spec")
        some = sys.stdin.buffer.read(loading.BOUNDS.text_bytes + 1)  # one more than the limit
        loaded = loading.opened_text(some, parameters, name="<stdin>", folder=Path.cwd(), call="--set {}")
    if rewrites or not elsewhere:
        loaded = loading.settled(loaded)
    return pipeline.rewrite(loaded, *rewrites) if rewrites else loaded


def written_as(terminal: Terminal, endings: tuple[str, ...], what: str) -> None:
    """Raise :class:`CallError` if the extension of the output file belongs to another kind of file."""
    output = terminal.output
    if output is not None and not terminal.as_json and output.suffix.lower() not in ("", *endings):
        raise CallError(f"`{output}` has the wrong ending", f"use a name that ends in {endings[0]}: {what}")


def text_answer(
    terminal: Terminal,
    loaded: LoadedSpec,
    sizes: dict[str, int],
    name: str,
    backend: Any,
    beside: Mapping[Path, bytes] | None = None,
) -> None:
    """Print the text that a backend makes of a spec, and write files beside it."""
    diagnostics = said_of(loaded, sizes)
    terminal.diagnose(diagnostics)
    text = backend(loaded)
    if terminal.as_json:
        terminal.answer_json({"name": loaded.name, name: text} | as_json(diagnostics), beside)
    else:
        terminal.answer(text, beside)


def said_of(loaded: LoadedSpec, sizes: dict[str, int]) -> tuple[Diagnostic, ...]:
    """The diagnostics of a spec that is only written out: failed claims, and whether it runs at the sizes."""
    from archspec import pipeline

    if sizes:
        return pipeline.check(loaded, sizes).diagnostics
    return (*loaded.diagnostics, *pipeline.claims(loaded))


def as_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """Diagnostics as a part of a JSON answer."""
    from archspec.diagnostics import to_json

    return {"diagnostics": [to_json(each) for each in diagnostics]}
