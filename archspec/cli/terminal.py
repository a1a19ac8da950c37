"""Output of commands: what goes to which stream, in which colours, and the exit status.

0: fine.  1: the spec has errors.  2: the call was wrong.  70: a bug in archspec.  130: interrupted.  141: broken pipe.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO

import typer

from archspec.characters import json_text, printable, visible

SPEC_HAS_ERRORS, CALL_IS_WRONG, BUG, INTERRUPTED, NOBODY_READS = 1, 2, 70, 130, 141

WRONG_CALLS = frozenset(
    {"bad-call", "unknown-spec", "file-not-found", "not-a-file", "unknown-size", "no-device", "unknown-topic"}
)
"""Codes of diagnostics that are about the call if they have no place in a file."""

UNBOUNDED_WIDTH = 120
"""The width in columns of output that does not go to a terminal."""

_COLOURS: dict[str, dict[str, Any]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "note": {"fg": "cyan", "bold": True},
    "place": {"bold": True},
    "gutter": {"fg": "blue"},
}


class CallError(Exception):
    """The command line is wrong."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Terminal:
    """The output of one run of a command: text or JSON, to the standard streams or a file."""

    def __init__(self, as_json: bool = False, output: Path | None = None, debug: bool = False) -> None:
        self.as_json = as_json
        self.output = output
        self.debug = debug
        self.failed = False
        """Whether an error was reported beside the answer: a claim of ``expect`` that does not hold."""

    # -- answers -------------------------------------------------------------------------------------------------------

    def answer(self, text: str, beside: Mapping[Path, bytes] | None = None) -> None:
        """Write the result to standard output or the file that ``-o`` names, together with the files ``beside`` it.

        Terminal control characters in it are made visible.
        """
        text = visible(text)
        if self.output is None:
            self.out(text if text.endswith("\n") else f"{text}\n")
            return
        content = text.encode("utf-8", "replace") + (b"" if text.endswith("\n") else b"\n")
        if beside is None:
            self.write(content)
        else:
            write_together({**beside, self.output: content})

    def answer_json(self, data: Any, beside: Mapping[Path, bytes] | None = None) -> None:
        """Write the result as JSON."""
        self.answer(json_text(data), beside)

    def draw(self, renderable: Callable[[int], Any]) -> None:
        """Write the result as a rich renderable, laid out for the terminal's width.

        Colours are rich's; control characters in the texts between them are made visible.
        """
        from rich.console import Console
        from rich.segment import Segment, Segments

        console = Console(highlight=False)
        if not console.is_terminal and "COLUMNS" not in os.environ:
            console.width = UNBOUNDED_WIDTH
        parts = console.render(renderable(console.width))
        drawn = Segments(Segment(visible(part.text), part.style, part.control) for part in parts)
        with self._writing(), console.capture() as capture:  # its end flushes, which may fail
            console.print(drawn, end="")
        self.out(capture.get())  # written by ourselves: rich handles a broken pipe in its own way

    def out(self, text: str) -> None:
        """Write text to standard output that is already made visible or coloured by us.

        Raises :class:`CallError` if it cannot be written, for example on a full disk.
        """
        with self._writing():
            if sys.stdout:  # the shell may have closed it with `>&-`
                typer.echo(text, nl=False)
                sys.stdout.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A context for writing to standard output."""
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            self.as_json = False  # only standard error is left
            raise CallError(lost_output(error)) from None

    def write(self, content: bytes) -> None:
        """Write the result to a file.  Raises :class:`CallError` if it cannot be written."""
        assert self.output is not None
        try:
            self.output.write_bytes(content)
        except OSError as error:
            raise CallError(f"cannot write `{self.output}`: {error.strerror or error}") from None

    def say(self, text: str) -> None:
        """Print a message on standard error; if that cannot be written, only the exit status remains."""
        self._tell(visible(text))

    def _tell(self, text: str) -> None:
        """Print a text on standard error that is already made visible and may be coloured."""
        try:
            typer.echo(text, err=True, color=colours())
        except OSError:
            silence(sys.stderr)

    def diagnose(self, diagnostics: Iterable[Any]) -> None:
        """Print diagnostics on standard error; in JSON they are part of the answer."""
        from archspec.diagnostics import render_all

        listed = list(diagnostics)
        self.failed = self.failed or any(each.severity == "error" for each in listed)
        if listed and not self.as_json:
            self._tell(render_all(listed, lambda text, role: typer.style(text, **_COLOURS[role])))

    # -- the boundary --------------------------------------------------------------------------------------------------

    @contextmanager
    def boundary(self) -> Iterator[None]:
        """Turn any error inside into a message and an exit status."""
        from archspec.diagnostics import Diagnostic, SpecError

        try:
            yield
            if self.failed:
                raise typer.Exit(SPEC_HAS_ERRORS)
        except SpecError as error:
            self._refuse(error.diagnostics)
        except CallError as error:
            self._refuse([Diagnostic("bad-call", str(error), hint=error.hint)])
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            silence(sys.stdout)
            raise typer.Exit(NOBODY_READS) from None
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except OSError as error:  # a full disk, a folder without permission to read
            named = f"`{error.filename}`: " if error.filename else ""
            self._refuse([Diagnostic("bad-call", f"{named}{error.strerror or error}")])
        except Exception as error:
            self._bug(error)

    def _refuse(self, diagnostics: Iterable[Any]) -> NoReturn:
        from archspec.diagnostics import Diagnostic, to_json

        listed = list(diagnostics)
        self.diagnose(listed)
        if self.as_json:
            try:
                told = {"diagnostics": [to_json(each) for each in listed]}
                self.out(json_text(told) + "\n")
            except CallError as error:
                self.diagnose([*listed, Diagnostic("bad-call", str(error))])
        errors = [each for each in listed if each.severity == "error"]
        called = all(each.span is None and each.code in WRONG_CALLS for each in errors)
        raise typer.Exit(CALL_IS_WRONG if called else SPEC_HAS_ERRORS) from None

    def _bug(self, error: Exception) -> NoReturn:
        if self.debug:
            import traceback

            self.say("".join(traceback.format_exception(error)).rstrip("\n"))
        what = printable(f"{type(error).__name__}: {error}".partition("\n")[0], 300)
        self._tell(f"{typer.style('this is a bug in archspec', **_COLOURS['error'])}: {what}")
        if not self.debug:
            self.say("  `archspec --debug …` with the same command shows the traceback; please report it with the spec")
        raise typer.Exit(BUG) from None


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """A context for importing an optional package; if it is missing, the error names the extra to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise CallError(f"{what} needs the package `{error.name}`", f"pip install 'archspec-nn[{extra}]'") from None


def lost_output(error: OSError) -> str:
    """The error that standard output cannot be written; the stream is silenced."""
    silence(sys.stdout)
    return f"cannot write to standard output: {error.strerror or error}"


def silence(stream: TextIO) -> None:
    """Redirect a stream that cannot be written to the null device, so that flushing it at exit does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def colours() -> bool | None:
    """Whether to write colours, by NO_COLOR and FORCE_COLOR; None: decide by whether the stream is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write all files or none: each is first written to a file beside it, which is then renamed.

    Raises :class:`CallError` if one cannot be written.
    """
    made: dict[Path, str] = {}
    path = Path()
    try:
        for path, content in contents.items():
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
                made[path] = file.name
                file.write(content)
        for path, there in made.items():
            if path.is_dir():
                raise IsADirectoryError(21, "Is a directory")
            umask = os.umask(0)
            os.umask(umask)
            Path(there).chmod(0o666 & ~umask)
        for path, there in made.items():
            Path(there).replace(path)
    except OSError as error:
        raise CallError(f"cannot write `{path}`: {error.strerror or error}") from None
    finally:
        for there in made.values():
            Path(there).unlink(missing_ok=True)
