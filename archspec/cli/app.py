"""The application: its commands run inside the boundary that turns errors into messages and an exit status."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.models import CommandInfo

from archspec.characters import prose
from archspec.cli.options import Format
from archspec.cli.terminal import CALL_IS_WRONG, CallError, Terminal, lost_output


def _without_kind(params: list[Any]) -> list[Any]:
    """The options, without `<bool>` behind flags."""
    for param in params:
        if isinstance(param, TyperOption) and param.is_flag and param.metavar is None:
            param.metavar = ""
    return params


_UsageError: Any = typer.BadParameter.__mro__[1]
"""The exception for a command line that cannot be parsed; `typer` does not export it."""


class Group(TyperGroup):
    """The command line itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options before a command."""
        return _told(super().parse_args, ctx, args) if args else super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is called."""
        return _told(super().resolve_command, ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """The options, as help lists them."""
        return _without_kind(super().get_params(ctx))


def _told(read: Callable[[Any, list[str]], Any], ctx: Any, args: list[str]) -> Any:
    """The result of `read`; if it raises, the word it complains of is made safe to print."""
    try:
        return read(ctx, args)
    except _UsageError as error:
        error.message = prose(error.message)
        raise


class Command(TyperCommand):
    """A command inside the boundary that turns errors into messages; its :class:`Terminal` is the context's object."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options, as help lists them."""
        return _without_kind(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; a wrong value is reported like any other wrong call."""
        as_json = any(pair == ("--format", "json") for pair in pairwise(args)) or "--format=json" in args
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            error.message = error.message.removeprefix("Value error, ").removeprefix("Input ").partition(", unable")[0]
            said = error.format_message().rstrip(".")
            with Terminal(as_json).boundary():
                raise CallError(said[:1].lower() + said[1:], f"`{ctx.command_path} --help` shows its usage") from None
            raise  # not reached: the boundary ends the command

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        as_json = ctx.params.get("format") is Format.json
        debug = bool(ctx.find_root().params.get("debug"))
        output = ctx.params.get("output")
        ctx.obj = Terminal(as_json, output if isinstance(output, Path) else None, debug)
        with ctx.obj.boundary():
            return super().invoke(ctx)


app = typer.Typer(
    name="archspec",
    cls=Group,
    help="Neural networks written in YAML: checked exactly, drawn, and compiled to PyTorch.",
    epilog="Exit status: 0 success, 1 the spec has errors, 2 the command line is wrong.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def examples(*lines: str) -> str:
    """An epilog that shows how a command is used."""
    return "\n\n".join(["Examples:", *(f"  {line.replace('[', chr(92) + '[')}" for line in lines)])


def main() -> None:
    """Run the command line; the console script and ``python -m archspec`` call this."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show × prints ? instead of failing
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it looks for some in every installed distribution
    gc.set_threshold(100_000)  # a network is many small long-lived objects: searching them for cycles is wasted time
    every = app.registered_commands
    app.registered_commands = _called(sys.argv[1:]) or every
    try:
        app(prog_name="archspec")
    except OSError as error:  # of `--help` and `--version`, which no command's boundary is around
        Terminal().say(lost_output(error))
        sys.exit(CALL_IS_WRONG)
    finally:
        app.registered_commands = every


def _called(words: list[str]) -> list[CommandInfo]:
    """Only the command that is called: building the options of all commands takes longer than many a check."""
    first = next((word for word in words if not word.startswith("-")), None)
    if first in (None, "help") or words[0] not in (first, "--debug"):  # `help` lists the other commands
        return []
    return [known for known in app.registered_commands if first == _name(known)]


def command_names() -> list[str]:
    """The names of the commands."""
    return [_name(known) for known in app.registered_commands]


def _name(command: CommandInfo) -> str:
    if command.name is not None:
        return command.name
    assert command.callback is not None
    return command.callback.__name__.replace("_", "-")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"archspec {version('archspec-nn')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")] = False,
) -> None:
    """Neural networks written in YAML: checked exactly, drawn, and compiled to PyTorch."""
