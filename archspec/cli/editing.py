"""`archspec lsp`, which an editor runs, and `archspec format`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archspec.characters import printable
from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format
from archspec.cli.terminal import CallError, Terminal, needs, write_together

if TYPE_CHECKING:
    from archspec.diagnostics import Diagnostic


@app.command(cls=Command, epilog=examples("archspec lsp"))
def lsp(context: typer.Context) -> None:
    """Serve an editor over standard input and output (Language Server Protocol)."""
    with needs("editor", "the language server"):
        from archspec.editor.server import run
    run()


@app.command(
    "format",
    cls=Command,
    epilog=examples("archspec format my.yaml", "archspec format --check specs/*.yaml", "archspec format - < my.yaml"),
)
def format_(
    context: typer.Context,
    specs: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Specs, each rewritten in its place; - answers with standard input."),
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if a file is not in the house style.")
    ] = False,
    format: AnswerFormat = Format.text,
) -> None:
    """Write specs in the house style: indentation, blanks and quotes; comments and meaning stay.

    A file with errors is left as it is.
    """
    terminal: Terminal = context.obj
    if "-" in specs:
        _standard_input(terminal, specs, check)
        return
    read = [(name, *_read(name)) for name in specs]
    new: dict[Path, bytes] = {}
    changed: list[str] = []
    said: list[Diagnostic] = []
    for name, path, text in read:
        found = _formatted(path, text, name, said)
        if found is not None and found != text:
            new[path] = found.encode()
            changed.append(printable(name))
    if not check:
        _write(new)
    terminal.diagnose(said)
    terminal.failed = terminal.failed or bool(check and changed)
    if terminal.as_json:
        from archspec.diagnostics import to_json

        terminal.answer_json({"changed": changed, "diagnostics": [to_json(each) for each in said]})
    else:
        word = "would change" if check else "changed"
        for name in changed:
            terminal.say(f"{word} {name}")


def _standard_input(terminal: Terminal, specs: list[str], check: bool) -> None:
    """Print standard input in the house style."""
    from archspec import loading
    from archspec.diagnostics import Fault, SpecError
    from archspec.syntax import bounded

    if specs != ["-"]:
        raise CallError("- cannot be given together with files")
    if not sys.stdin:
        raise CallError("standard input is closed", "give the path of a spec")
    try:
        text = bounded(sys.stdin.buffer.read(loading.BOUNDS.text_bytes + 1), "<stdin>", loading.BOUNDS.limits)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    said: list[Diagnostic] = []
    found = _formatted(None, text, "<stdin>", said)
    terminal.diagnose(said)
    terminal.failed = terminal.failed or (check and found != text)
    if terminal.as_json:
        from archspec.diagnostics import to_json

        terminal.answer_json({"spec": found, "diagnostics": [to_json(each) for each in said]})
    elif found is not None and not check:
        terminal.out(found)


def _read(name: str) -> tuple[Path, str]:
    """A file's path with links resolved, and its text, including a byte order mark.  Raises SpecError."""
    from archspec import loading
    from archspec.diagnostics import Fault, SpecError
    from archspec.syntax import bounded, open_regular

    try:
        with open_regular(Path(name), "name a .yaml file") as stream:
            raw = stream.read(loading.BOUNDS.text_bytes + 1)
        mark = "\ufeff" if raw.startswith(b"\xef\xbb\xbf") else ""
        return Path(name).resolve(), mark + bounded(raw, name, loading.BOUNDS.limits)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None


def _formatted(path: Path | None, text: str, name: str, said: list[Diagnostic]) -> str | None:
    """A spec in the house style; None if it has errors, which are then added."""
    from archspec import loading
    from archspec.editor.formatting import formatted
    from archspec.elaborate.shelf import Shelf

    found = loading.attempt(path, text, printable(name), Shelf())
    errors = [each for each in found.diagnostics if each.severity == "error"]
    said += errors
    return None if errors else formatted(text, loading.BOUNDS.limits)


def _write(new: dict[Path, bytes]) -> None:
    """Write all files or none, keeping the permissions of each."""
    modes = {path: path.stat().st_mode for path in new}
    write_together(new)
    for path, mode in modes.items():
        path.chmod(mode)
