"""The command line as a user's shell calls it, without a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from typer import testing
from typer.main import get_command

from archspec.cli import app

# The options of all commands are built once for all runs: it takes a tenth of a second.
testing._get_command = cache(get_command)  # pyright: ignore[reportPrivateImportUsage]


def invoke(
    words: Sequence[str], text: str | bytes | None = None, environment: Mapping[str, str | None] | None = None
) -> testing.Result:
    """A run of ``archspec`` with some arguments, ``text`` on its standard input."""
    return testing.CliRunner().invoke(app, words, input=text, env=environment, prog_name="archspec")


def run(*words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    found = invoke(words)
    return found.exit_code, found.stdout, found.stderr
