"""The compiler on one screen: load, check, compile, render, in terms of the stages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.analyses.expectations import failures
from archspec.analyses.refusals import explain, explain_coupled
from archspec.analyses.refusals import first_author as _first
from archspec.analyses.report import Report
from archspec.analyses.shapes import coupled_failures, refusals
from archspec.diagnostics import (
    Diagnostic,
    Diagnostics,
    Fault,
    Source,
    Span,
    SpecError,
    did_you_mean,
    nearest,
    printable,
)
from archspec.elaborate import Loader, Variant, elaborate
from archspec.elaborate.loader import spec_names, specs_folder
from archspec.elaborate.rewriting import rewritten
from archspec.expressions import Work
from archspec.graph import Graph, uncollected
from archspec.records import record
from archspec.schema import SpecFile
from archspec.source import Limits, checked_out, is_file, is_folder, parse, parse_call, spec_files
from archspec.spec import Spec

if TYPE_CHECKING:
    import graphviz
    from torch import Tensor, nn

    from archspec.backends.diagram import Shown


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
) -> Spec:
    """Like :func:`load`, but a spec whose own sizes do not fit is returned too, with its ``misfits``.

    ``call`` is the form in which parameters were given, for messages about them.
    """
    diagnostics = Diagnostics()
    loader = Loader(diagnostics, bounds.limits, Work(bounds.evaluation))
    file = _open(loader, spec)
    diagnostics.raise_if_errors()
    assert file is not None
    return _elaborated(loader, file, sizes, _given(params, call), bounds)


def opened_revision(text: str, params: Mapping[str, Any], bounds: Bounds = BOUNDS, call: str = "load({})") -> Spec:
    """A spec of a git revision, ``HEAD~1:specs/mine.yaml``, as :func:`opened` gives one; it may name files beside it.

    Raises :class:`SpecError`.
    """
    diagnostics = Diagnostics()
    loader = Loader(diagnostics, bounds.limits, Work(bounds.evaluation))
    try:
        with checked_out(text, bounds.limits) as path:
            file = loader.file(path, printable(text))
            diagnostics.raise_if_errors()
            assert file is not None
            return _elaborated(loader, file, None, _given(params, call), bounds)
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
    diagnostics = Diagnostics()
    loader = Loader(diagnostics, bounds.limits, Work(bounds.evaluation))
    file = loader.text(text, name, folder)
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
    if not isinstance(spec, Path) and text in spec_names():
        return loader.file(specs_folder() / f"{text}.yaml", f"specs/{text}.yaml")
    is_path = isinstance(spec, Path) or text.endswith((".yaml", ".yml")) or "/" in text
    if not (is_path or is_file(Path(text)) or is_folder(Path(text))):
        here = spec_files(Path())
        near = nearest(text, {*here, *spec_names()})
        if near is not None:
            hint = f"did you mean `{printable(here.get(near, near))}`?"
        else:
            hint = "give a path, or a name that `archspec list` shows"
        loader.diagnostics.error("unknown-spec", f"there is no spec `{printable(text)}`", None, hint)
        return None
    return loader.file(Path(spec), printable(text))


def _elaborated(
    loader: Loader,
    file: SpecFile,
    sizes: Mapping[str, int] | None,
    params: Mapping[str, tuple[Any, Span]],
    bounds: Bounds,
) -> Spec:
    graph: Graph | None = None
    variant: Variant | None = None
    misfits: list[Diagnostic] = []
    try:
        variant = loader.variant(file)
        if variant is not None:
            graph = elaborate(variant, loader, params, sizes, bounds.nodes, bounds.depth, misfits)
    except Fault as fault:
        loader.diagnostics.add(fault.diagnostic)
    loader.diagnostics.raise_if_errors()
    if graph is None or variant is None:
        raise SpecError(loader.diagnostics.all)
    return Spec(variant, graph, loader.diagnostics.all, tuple(misfits), pristine=not params and not sizes)


def rewrite(spec: Spec, /, *rewrites: str | Mapping[str, Any]) -> Spec:
    """Apply rewrites to a spec, in order: ``"dense_to_conv"``, ``"factorise_conv(kernel=5)"``, ``{"cut": "fc7"}``.

    Raises :class:`SpecError` if one is unknown or refuses, with the reason and the place.
    """
    diagnostics = Diagnostics()
    graph = spec.graph
    for each in rewrites:
        try:
            read, text = (parse_call, each) if isinstance(each, str) else (parse, json.dumps(dict(each)))
            node = read(text, "--rewrite")
            graph = rewritten(graph, [(None, node)], diagnostics)
        except Fault as fault:
            diagnostics.add(fault.diagnostic)
            break
    diagnostics.raise_if_errors()
    return replace(spec, graph=graph, diagnostics=(*spec.diagnostics, *diagnostics.all), pristine=False)


def from_torch(module: nn.Module, /, sizes: Sequence[int] = (3, 224, 224), *, name: str | None = None) -> Spec:
    """Import a torch module as a spec that compiles to the same outputs and gradients, and loads its ``state_dict``.

    ``sizes`` are the channels and sizes of an image that it takes; the spec has symbols for sizes that can vary, and
    numbers where none can.  The module is not changed.  Raises :class:`SpecError` with every operation that the
    language does not have.
    """
    from archspec.importers.torch_module.importing import ways

    said: SpecError | None = None
    for way in ways(module, tuple(sizes), name):
        try:
            found = way()
            spec = loads(found.text, name=f"{found.name}.yaml")
            found.hold(spec.graph)
            return spec
        except SpecError as error:
            said = said or error
    assert said is not None
    raise said


def from_file(file: str | Path, /, sizes: Sequence[int] | None = None, *, name: str | None = None) -> Spec:
    """The spec of a network that another tool wrote, a Caffe ``.prototxt`` or a Darknet ``.cfg``; nothing in it is run.

    ``sizes`` are channels and sizes of its image, instead of the file's own.  Raises :class:`SpecError` with all that
    is wrong, line by line.
    """
    return from_files(file, None, sizes, name=name)[0]


def from_files(
    file: str | Path, weights: str | Path | None, /, sizes: Sequence[int] | None = None, *, name: str | None = None
) -> tuple[Spec, Mapping[str, Tensor]]:
    """A spec as :func:`from_file` gives it, and a ``.caffemodel`` or ``.weights`` as its ``state_dict``."""
    from archspec.importers.files import imported

    found = imported(Path(file), sizes, name)
    bounds = Bounds(text_bytes=256_000_000, values=16_000_000, nodes=2_000_000, evaluation=50_000_000)
    spec = loads(found.text, name=f"{found.name}.yaml", bounds=bounds)  # the file has been within bounds itself
    filled = found.weights(spec.graph, None if weights is None else Path(weights))
    return replace(spec, diagnostics=(*spec.diagnostics, *filled.notes)), filled.state


def brought(source: str, sizes: Sequence[int] | None = None, name: str | None = None) -> Spec:
    """Import another tool's file, or a module of a library, as a spec: ``timm:hrnet_w18``, ``python:mine:net``.

    This imports the library.  Raises :class:`SpecError`.
    """
    from archspec.importers.files import is_foreign
    from archspec.running.sources import bring

    if is_foreign(source):
        return from_file(source, sizes, name=name)
    found = bring(source)
    return from_torch(found.module, sizes or found.size, name=name or found.name)


def expand(spec: Spec, /) -> str:
    """Return a spec as YAML with every block, loop and expression resolved."""
    from archspec.backends.spec_text import expand

    return expand(spec.graph)


@uncollected()
def check(spec: Spec, /, sizes: Mapping[str, int] | None = None) -> Report:
    """Report everything known about a network before a tensor exists, at the spec's sizes or at others.

    Raises :class:`SpecError` if a claim of ``expect`` fails, or if the network does not run at the sizes.
    """
    report = examine(spec, sizes)
    if any(diagnostic.severity == "error" for diagnostic in report.diagnostics):
        raise SpecError(report.diagnostics)
    return report


@uncollected()
def examine(spec: Spec, /, sizes: Mapping[str, int] | None = None) -> Report:
    """Like :func:`check`, but a claim of ``expect`` that fails is an error among the report's diagnostics.

    The report then has the numbers that show whether the claim or the network is wrong.  Raises :class:`SpecError` if
    the network does not run at the sizes.
    """
    graph = spec.graph
    found = Diagnostics()
    for diagnostic in spec.diagnostics:
        found.add(diagnostic)
    report = Report(graph, {**graph.sizes, **(sizes or {})})
    solutions = report.valid_sizes
    for name in (sizes or {}).keys() - solutions.keys():
        hint = did_you_mean(name, solutions) or f"its symbols are {', '.join(solutions) or 'none'}"
        found.error("unknown-size", f"no input has a size `{printable(name)}`", None, hint)
    for name, solution in solutions.items():
        if solution.valid.is_empty:
            found.error("no-valid-size", f"the network runs for no {name}", _first(graph, solution))
    if not found.errors:
        for refusal in refusals(solutions, report.sizes):
            found.add(explain(graph, refusal, solutions[refusal.symbol]))
        for condition in coupled_failures(solutions, report.sizes):
            found.add(explain_coupled(graph, condition))
    runs = not found.errors
    if spec.pristine and not sizes:
        for failure in failures(report, spec.variant.expect):
            found.add(failure)
    elif spec.variant.expect:
        found.note("expect-skipped", "`expect` is not checked: it holds for the spec's own parameters and sizes only")
    if not runs:
        raise SpecError(found.all)
    report.diagnostics = found.all
    return report


def claims(spec: Spec, /) -> tuple[Diagnostic, ...]:
    """The failing claims of ``expect``; empty if parameters or sizes other than the spec's own were given."""
    if not spec.pristine or not spec.variant.expect:
        return ()
    return tuple(failures(Report(spec.graph, dict(spec.graph.sizes)), spec.variant.expect))


def source(spec: Spec, /) -> str:
    """Return the PyTorch source of a spec: a standalone file that needs only torch."""
    from archspec.backends.torch_source import emit

    return emit(spec.graph)


def compile(spec: Spec, /) -> nn.Module:
    """Compile a spec to a torch module, made from exactly the text that :func:`source` returns.

    Raises :class:`SpecError` ``no-memory`` if the machine has too little memory for its weights.
    """
    from archspec.running.runtime import compiled

    return compiled(spec.graph)


def loss(spec: Spec, /) -> nn.Module:
    """Return the spec's loss as a module over (outputs, target): cross-entropy, with auxiliary outputs weighted."""
    from archspec.training.losses import build

    return build(spec.graph)


def compare(
    *specs: Spec,
    depth: int | None = None,
    show: Sequence[Shown] = (),
    theme: str = "light",
    sizes: Mapping[str, int] | None = None,
    engine: str | None = None,
) -> graphviz.Digraph:
    """Draw networks side by side in one diagram, with common parts in one row; options as in :func:`render`."""
    from archspec.backends import diagram

    graphs = [spec.graph for spec in specs]
    return diagram.compare(graphs, depth=depth, show=show, theme=theme, sizes=sizes, engine=engine)


def render(
    spec: Spec,
    /,
    *,
    depth: int | None = None,
    focus: str | None = None,
    show: Sequence[Shown] = (),
    theme: str = "light",
    sizes: Mapping[str, int] | None = None,
    engine: str | None = None,
) -> graphviz.Digraph:
    """Draw a network as a diagram.

    ``depth`` opens that many levels of blocks (0: the top steps only; None: as many as make a good picture); ``focus``
    draws one block, given by its path, its label or its block's name; ``show`` is the content of a second line in
    boxes: ``normalisation``, ``activation`` or ``parameters``.  Shapes are shown at ``sizes``, and at the spec's own
    sizes for other symbols; ``engine="dot"`` draws with the system's Graphviz.  Raises :class:`SpecError` for an
    unknown theme or focus, or an invalid depth.
    """
    from archspec.backends.diagram import draw

    return draw(spec.graph, depth=depth, focus=focus, show=show, theme=theme, sizes=sizes, engine=engine)
