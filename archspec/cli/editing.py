"""`archspec lsp`: what an editor runs."""

from __future__ import annotations

import typer

from archspec.cli.app import Command, app, examples
from archspec.cli.terminal import needs


@app.command(cls=Command, epilog=examples("archspec lsp"))
def lsp(context: typer.Context) -> None:
    """Serve an editor over standard input and output (Language Server Protocol)."""
    with needs("editor", "the language server"):
        from archspec.editor.server import run
    run()
