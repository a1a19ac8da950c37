"""The command line as a user's shell calls it, without a process of its own."""

from __future__ import annotations

from typer.testing import CliRunner

from archspec.cli import app


def run(*words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    found = CliRunner().invoke(app, list(words))
    return found.exit_code, found.stdout, found.stderr
