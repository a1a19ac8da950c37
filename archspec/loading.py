"""Specs loaded: from a path or a shipped name, from text, from a git revision, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archspec.diagnostics import Diagnostic, Diagnostics, Fault, Source, Span, SpecError, nearest, printable
from archspec.elaborate import Loader, Variant, elaborate, examples
from archspec.elaborate.shelf import Shelf
from archspec.elaborate.shipped import more_names, spec_names, specs_folder
from archspec.expressions import Work
from archspec.graph import Graph, uncollected
from archspec.records import record
from archspec.schema import SpecFile
from archspec.spec import Spec
from archspec.syntax import Limits, checked_out, is_file, is_folder, spec_files


@record
class Bounds:
    """Limits on what a spec can use: specs are not trusted."""

    text_bytes: int = 1_000_000
    """Maximum size of each file, in bytes."""
    values: int = 200_000
    """Maximum number of YAML values in each file; the value of an alias counts each time."""
    nodes: int = 1_000_000
    """Maximum number of steps, whether they make nodes or not."""
    evaluation: int = 2_500_000
    """Maximum number of evaluation steps of all expressions together; every step of the network adds some."""
    depth: int = 100
    """Maximum nesting depth of YAML values, and of uses of blocks."""

    @property
    def limits(self) -> Limits:
        """The limits for reading YAML."""
        return Limits(self.text_bytes, self.values, self.depth)


BOUNDS = Bounds()


@uncollected()
def load(
    spec: str | Path, /, *, sizes: Mapping[str, int] | None = None, bounds: Bounds = BOUNDS, **params: Any
) -> Spec:
    """Load a spec from a path or by a shipped name, with other values for its parameters or its ``sizes``.

    Raises :class:`SpecError` with every fault found.
    """
    return settled(opened(spec, params, sizes, bounds))


@uncollected()
def opened(
    spec: str | Path,
    params: Mapping[str, Any],
    sizes: Mapping[str, int] | None = None,
    bounds: Bounds = BOUNDS,
    call: str = "load({})",
    shelf: Shelf | None = None,
) -> Spec:
    """Like :func:`load`, but a spec whose own sizes do not fit is returned too, with its ``misfits``.

    ``call`` is the form in which parameters were given, for messages about them.  ``shelf`` has what earlier loads
    made, for a program that loads many variants of a spec.
    """
    return _loaded(lambda loader: _open(loader, spec), params, sizes, bounds, call, shelf)


def opened_revision(text: str, params: Mapping[str, Any], bounds: Bounds = BOUNDS, call: str = "load({})") -> Spec:
    """A spec of a git revision, ``HEAD~1:specs/mine.yaml``, as :func:`opened` gives one; it may name files beside it.

    Raises :class:`SpecError`.
    """
    try:
        with checked_out(text, bounds.limits) as path:
            return _loaded(lambda loader: loader.file(path, printable(text)), params, None, bounds, call)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None


def settled(spec: Spec) -> Spec:
    """Return a spec if its own sizes fit; raises :class:`SpecError` if they do not."""
    if spec.misfits:
        raise SpecError((*spec.diagnostics, *spec.misfits))
    return spec


def loads(
    text: str | bytes,
    /,
    *,
    name: str = "spec.yaml",
    folder: Path | None = None,
    sizes: Mapping[str, int] | None = None,
    bounds: Bounds = BOUNDS,
    **params: Any,
) -> Spec:
    """Load a spec from text or UTF-8 bytes; ``folder`` is the folder for its imports.

    Raises :class:`SpecError` with every fault found.
    """
    return settled(opened_text(text, params, name, folder, sizes, bounds))


@uncollected()
def opened_text(
    text: str | bytes,
    params: Mapping[str, Any],
    name: str = "spec.yaml",
    folder: Path | None = None,
    sizes: Mapping[str, int] | None = None,
    bounds: Bounds = BOUNDS,
    call: str = "loads({})",
) -> Spec:
    """Like :func:`loads`, but with ``misfits`` as in :func:`opened`; ``call`` as there."""
    return _loaded(lambda loader: loader.text(text, name, folder), params, sizes, bounds, call)


def _loaded(
    read: Callable[[Loader], SpecFile | None],
    params: Mapping[str, Any],
    sizes: Mapping[str, int] | None,
    bounds: Bounds,
    call: str,
    shelf: Shelf | None = None,
) -> Spec:
    """A spec whose file is read by ``read``."""
    diagnostics = Diagnostics()
    if shelf is not None:
        shelf.tidy()
    loader = Loader(diagnostics, bounds.limits, Work(bounds.evaluation), shelf)
    file = read(loader)
    diagnostics.raise_if_errors()
    assert file is not None
    return _elaborated(loader, file, sizes, _given(params, call), bounds)


def _given(params: Mapping[str, Any], call: str) -> dict[str, tuple[Any, Span]]:
    """Values for parameters from a call, each with the call as its place."""
    found: dict[str, tuple[Any, Span]] = {}
    for name, value in params.items():
        shown = printable(f"{name}={value if call.startswith('-') else repr(value)}", 60)
        found[name] = (value, Span(Source(call.format(shown), ()), 1, 1, 1, 1))
    return found


def _open(loader: Loader, spec: str | Path) -> SpecFile | None:
    text = str(spec)
    if not isinstance(spec, Path) and text in spec_names() | more_names():
        return loader.file(specs_folder() / f"{text}.yaml", f"specs/{text}.yaml")
    is_path = isinstance(spec, Path) or text.endswith((".yaml", ".yml")) or "/" in text
    if not (is_path or is_file(Path(text)) or is_folder(Path(text))):
        here = spec_files(Path())
        near = nearest(text, {*here, *spec_names(), *more_names()})
        if near is not None:
            hint = f"did you mean `{printable(here.get(near, near))}`?"
        else:
            hint = "give a path, or a name that `archspec list` shows"
        loader.diagnostics.error("unknown-spec", f"there is no spec `{printable(text)}`", None, hint)
        return None
    return loader.file(Path(spec), printable(text))


@record
class Attempt:
    """A spec as far as it could be loaded, for a program that shows what somebody is writing."""

    loader: Loader
    """What was read: its files, each with its own text."""
    file: SpecFile | None
    """The spec's own file; None if it is no YAML, or has not the structure of a spec."""
    spec: Spec | None
    graph: Graph | None
    """The spec's graph; where there are errors what could be made of it, without outputs."""
    diagnostics: tuple[Diagnostic, ...]


@uncollected()
def attempt(
    path: Path | None,
    text: str,
    shown: str,
    shelf: Shelf,
    bounds: Bounds = BOUNDS,
    pulse: Callable[[], None] | None = None,
) -> Attempt:
    """Load as much of a spec as its errors let be made; nothing is raised for them.

    A file that is a block is tried as its ``example`` uses it; without one there is no graph.

    ``text`` is what its file at ``path`` is about to hold: it goes onto the ``shelf``, which has the unsaved texts of
    other files too.  ``pulse`` is called for every copy of a step; what it raises ends the load.
    """
    if path is not None:
        shelf.unsaved[str(path.resolve())] = text
    shelf.tidy()
    diagnostics = Diagnostics()
    loader = Loader(diagnostics, bounds.limits, Work(bounds.evaluation, pulse=pulse), shelf)
    begun: list[Graph] = []
    file: SpecFile | None = None
    said: tuple[Diagnostic, ...] = ()
    try:
        file = loader.text(text, shown) if path is None else loader.file(path, shown)
        whole = examples.network(file, loader) if file is not None and examples.is_block(file) else file
        said = diagnostics.all
        if whole is not None:
            spec = _elaborated(loader, whole, None, {}, bounds, begun)
            return Attempt(loader, file, spec, spec.graph, (*spec.diagnostics, *spec.misfits))
    except SpecError as error:
        # What follows from steps that could not be read is not said.
        wrong = any(each.severity == "error" for each in said)
        return Attempt(loader, file, None, begun[0] if begun else None, said if wrong else error.diagnostics)
    return Attempt(loader, file, None, None, said)


def _elaborated(
    loader: Loader,
    file: SpecFile,
    sizes: Mapping[str, int] | None,
    params: Mapping[str, tuple[Any, Span]],
    bounds: Bounds,
    begun: list[Graph] | None = None,
) -> Spec:
    graph: Graph | None = None
    variant: Variant | None = None
    misfits: list[Diagnostic] = []
    try:
        variant = loader.variant(file)
        if variant is not None:
            graph = elaborate(variant, loader, params, sizes, bounds.nodes, bounds.depth, misfits, begun)
    except Fault as fault:
        loader.diagnostics.add(fault.diagnostic)
    loader.diagnostics.raise_if_errors()
    if graph is None or variant is None:
        raise SpecError(loader.diagnostics.all)
    return Spec(variant, graph, loader.diagnostics.all, tuple(misfits), pristine=not params and not sizes)
