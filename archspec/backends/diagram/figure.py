"""The picture as users hold it: a ``graphviz.Digraph`` that draws itself with the bundled engine.

Only the public ``pipe`` and ``render`` are overridden; Jupyter, ``view`` and ``copy`` go through them.  Other users of
the ``graphviz`` package in the process keep their own ``dot``: the choice is made under a lock and put back.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sysconfig
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import graphviz
from graphviz.backend import dot_command
from graphviz.backend.execute import CalledProcessError

from archspec.backends.diagram.series_parallel import Element, Unit
from archspec.diagnostics import Diagnostic, SpecError

BUNDLED = "graphviz-pure"
_FONTS = 'font-family="Arial,Helvetica,Liberation Sans,Arimo,sans-serif"'
_LOCK = threading.RLock()


def find_bundled() -> Path | None:
    """The program of the ``graphviz-pure`` package, or None where it is not installed."""
    names = {BUNDLED, f"{BUNDLED}.exe"}
    try:
        files = importlib.metadata.files(BUNDLED) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    candidates = [Path(str(file.locate())).resolve() for file in files if file.name in names]
    candidates += [Path(sysconfig.get_path("scripts")) / name for name in sorted(names)]
    on_path = shutil.which(BUNDLED)
    return next((path for path in candidates if path.is_file()), Path(on_path) if on_path else None)


def find_program(engine: str | None) -> Path:
    """The program that draws: the bundled one, the system's for ``"dot"``.  Raises :class:`SpecError` without one."""
    if engine not in (None, "bundled", "dot"):
        raise _error(
            "unknown-engine",
            f"there is no engine `{engine!s:.60}`",
            "leave it out, or say `dot` for the system's Graphviz",
        )
    system = shutil.which("dot")
    if engine == "dot":
        if system is None:
            raise _error(
                "no-engine",
                "there is no `dot` on this machine",
                "leave the engine out: a bundled one needs no system Graphviz",
            )
        return Path(system).absolute()
    found = find_bundled() or (Path(system).absolute() if system else None)
    if found is None:
        raise _error(
            "no-engine",
            "nothing here can draw: no bundled engine and no `dot`",
            f"`pip install {BUNDLED}`, or install Graphviz",
        )
    return found


def _error(code: str, message: str, hint: str) -> SpecError:
    return SpecError([Diagnostic(code, message, None, hint)])


@contextmanager
def _drawn_by(program: Path) -> Iterator[None]:
    """Let the ``graphviz`` package run a program of our choice, for as long as the block lasts."""
    with _LOCK:
        before = dot_command.DOT_BINARY
        dot_command.DOT_BINARY = program
        try:
            yield
        finally:
            dot_command.DOT_BINARY = before


class Figure(graphviz.Digraph):
    """A picture of a network; ``pipe(format="svg")`` gives it as bytes, ``render(outfile="x.png")`` writes it."""

    drawn_by: str | None = None
    """None for the bundled engine, ``"dot"`` for the system's."""
    elements: Sequence[Element] = ()
    """What is drawn."""
    flows: Sequence[tuple[Unit, Unit]] = ()
    """The lines, from box to box."""

    def _program(self) -> Path:
        return find_program(self.drawn_by)

    def copy(self) -> Figure:
        """The same picture, to be changed apart."""
        twin = super().copy()
        twin.drawn_by, twin.elements, twin.flows = self.drawn_by, self.elements, self.flows
        return twin

    def pipe(self, format: str | None = None, *arguments: Any, quiet: bool = True, **options: Any) -> Any:  # type: ignore[override]
        """The picture in a format (``svg``, ``png``, ``pdf``, ``dot`` …) as bytes, or as text with an ``encoding``.

        Raises :class:`SpecError` where nothing can draw that format.
        """
        chosen = format or self.format
        program = self._program()
        if chosen == "pdf" and program.stem == BUNDLED:
            return self._pdf()
        return self._finished(self._run(program, chosen, *arguments, quiet=quiet, **options), chosen)

    def _repr_svg_(self) -> str:
        """The picture as a notebook shows it."""
        return self.pipe(format="svg", encoding="utf-8")

    def _run(self, program: Path, format: str, *arguments: Any, quiet: bool = True, **options: Any) -> Any:
        with _drawn_by(program):
            try:
                return super().pipe(format, *arguments, quiet=quiet, **options)
            except CalledProcessError as failure:
                raise _unable(program, format, failure) from failure

    @staticmethod
    def _finished(drawn: Any, format: str) -> Any:
        """An svg names the fonts that a browser may take where there is no Arial."""
        if format == "svg" and isinstance(drawn, str):
            return drawn.replace('font-family="Arial"', _FONTS)
        return drawn.replace(b'font-family="Arial"', _FONTS.encode()) if format == "svg" else drawn

    def _pdf(self) -> bytes:
        from archspec.backends.diagram.pdf import from_svg

        return from_svg(self._run(self._program(), "svg"))

    def render(  # type: ignore[override]
        self,
        filename: os.PathLike[str] | str | None = None,
        directory: os.PathLike[str] | str | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        renderer: str | None = None,
        formatter: str | None = None,
        neato_no_op: bool | int | None = None,
        quiet: bool = True,
        quiet_view: bool = False,
        *,
        outfile: os.PathLike[str] | str | None = None,
        **options: Any,
    ) -> str:
        """Write the source and the picture; gives the picture's path.  Takes what ``graphviz.Digraph.render`` takes."""
        program = self._program()
        chosen = format or (Path(outfile).suffix[1:].lower() if outfile is not None else "") or self.format
        by_us = chosen == "pdf" and program.stem == BUNDLED
        with _drawn_by(program):
            try:
                written = super().render(
                    filename,
                    directory=directory,
                    cleanup=cleanup,
                    format="svg" if by_us else format,
                    renderer=renderer,
                    formatter=formatter,
                    neato_no_op=neato_no_op,
                    quiet=quiet,
                    outfile=Path(outfile).with_suffix(".svg") if by_us and outfile is not None else outfile,
                    **options,
                )
            except CalledProcessError as failure:
                raise _unable(program, chosen, failure) from failure
        path = Path(written)
        if by_us:
            document = self._pdf()
            path.unlink()
            path = Path(outfile) if outfile is not None and directory is None else path.with_suffix(".pdf")
            path.write_bytes(document)
        elif chosen == "svg":
            path.write_bytes(self._finished(path.read_bytes(), "svg"))
        if view or quiet_view:
            self._view(str(path), format=chosen, quiet=quiet_view)
        return str(path)


def _unable(program: Path, format: str, failure: CalledProcessError) -> SpecError:
    said = failure.stderr or b""
    words = (said.decode(errors="replace") if isinstance(said, bytes) else said).strip().splitlines()
    reason = next((line for line in words if "rror" in line), words[0] if words else f"status {failure.returncode}")
    return _error(
        "engine-failed",
        f"`{program.name}` could not draw this as {format}: {reason[:200]}",
        "svg, png and dot always work; pdf needs the extra `pdf`",
    )
