"""The compiler on one screen: load, check, compile, render, in terms of the stages.

What is imported here as itself is public too; ``archspec/__init__.py`` has the list.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from archspec.analyses import opaque as opaque_steps
from archspec.analyses.expectations import failures
from archspec.analyses.refusals import explain, explain_coupled
from archspec.analyses.refusals import first_author as _first
from archspec.analyses.report import Report as Report
from archspec.analyses.shapes import coupled_failures, refusals
from archspec.convolution.matrix import conv_matrix as conv_matrix
from archspec.diagnostics import Diagnostic as Diagnostic
from archspec.diagnostics import Diagnostics, Fault, did_you_mean, printable
from archspec.diagnostics import SpecError as SpecError
from archspec.elaborate.rewriting import rewritten
from archspec.graph import uncollected
from archspec.importing import from_file as from_file
from archspec.importing import from_files as from_files
from archspec.importing import from_torch as from_torch
from archspec.loading import Bounds as Bounds
from archspec.loading import load as load
from archspec.loading import loads as loads
from archspec.spec import Spec as Spec
from archspec.syntax import parse, parse_call

if TYPE_CHECKING:
    import graphviz
    from torch import nn

    from archspec.backends.diagram import Shown
    from archspec.inference import Device, Precision

Optimize = Literal["inference"]
"""What a network can be compiled for, besides everything."""


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


def expand(spec: Spec, /, *, blocks: bool = False) -> str:
    """Return a spec as YAML with every block, loop and expression resolved.

    With ``blocks`` the uses of a block share a body again, as in an imported network, also after rewrites.
    """
    from archspec.backends import spec_blocks, spec_text

    return spec_blocks.expand(spec.graph) if blocks else spec_text.expand(spec.graph)


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
    unknown = opaque_steps.note(graph)
    if unknown is not None:
        found.add(unknown)
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


def source(
    spec: Spec, /, *, optimize: Optimize | None = None, precision: Precision = "f32", device: Device = "cpu"
) -> str:
    """Return the PyTorch source of a spec: a standalone file that needs only torch.

    With ``optimize="inference"`` it is the same function in fewer and faster calls, to which the weights of the plain
    form are given: see :func:`compile`.
    """
    if optimize is None:
        from archspec.backends.torch_source import emit

        return emit(spec.graph)
    from archspec import inference

    return inference.source(spec.graph, precision, device).text


def compile(
    spec: Spec,
    /,
    *,
    weights: str | Path | Mapping[str, Any] | None = None,
    optimize: Optimize | None = None,
    precision: Precision = "f32",
    device: Device = "cpu",
) -> nn.Module:
    """Compile a spec to a torch module, made from exactly the text that :func:`source` returns.

    ``weights`` are a file of weights, or a ``state_dict``, that become the module's own: the same as a call of
    ``load_state_dict``, but no weights are drawn first.  A warning says how they were adapted.

    With ``optimize="inference"`` it computes the same outputs faster, for ``device`` and in ``precision``, and cannot
    be trained.  It is prepared for the spec's own sizes and a batch of one; others are right and slower.  ``weights``
    are then those of the plain form; without them it has the weights that a new plain form would have.

    Raises :class:`SpecError` ``no-memory`` if the machine has too little memory for its weights, and as
    `archspec train --weights` does if the weights cannot be read or are not this network's.
    """
    plain: nn.Module | None = None
    if weights is not None:
        from archspec.running.filled import compiled_with

        plain, notes = compiled_with(spec.graph, weights)
        for note in notes:
            warnings.warn(note.message, stacklevel=2)
    if optimize is not None:
        from archspec.running.inference import compiled_for_inference

        return compiled_for_inference(spec.graph, precision, device, None if plain is None else plain.state_dict())
    if plain is not None:
        return plain
    from archspec.running.runtime import compiled

    return compiled(spec.graph)


def loss(spec: Spec, /) -> nn.Module:
    """Return the spec's loss as a module over (outputs, target): cross-entropy, with auxiliary outputs weighted."""
    from archspec.training.losses import build

    return build(spec.graph)


def fit(
    spec: Spec, /, train: Any, val: Any = None, folder: Path | str | None = None, *,
    sizes: Mapping[str, int] | None = None, **options: Any,
) -> Any:  # fmt: skip
    """Train a spec's network, and write the run to ``folder``, ``out/NAME`` unless given; needs the ``train`` extra.

    ``train`` is a source of images as ``archspec train --data`` takes it, or a Dataset, a DataLoader or a
    LightningDataModule, with ``val`` of the same kind but for a module, which has both.  ``options`` are those of
    :func:`archspec.training.of_spec.fit_call`, such as ``epochs``, ``lr``, ``recipe`` and ``classes``.  Returns a
    :class:`archspec.training.fit.Result`.  Raises :class:`SpecError`.
    """
    from archspec.training.of_spec import fit_call

    return fit_call(spec, check(spec, sizes), train, val, folder, **options)


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


def page(
    spec: Spec,
    /,
    *,
    depth: int | None = None,
    focus: str | None = None,
    theme: str | None = None,
    sizes: Mapping[str, int] | None = None,
) -> str:
    """The page to explore a network in, as HTML that loads nothing; it works from a file.

    ``depth`` opens that many levels of blocks at first, ``focus`` shows one block, given as in :func:`render`; without
    a ``theme`` the page is light or dark as the reader's system is.  Raises :class:`SpecError` as :func:`render` does.
    """
    from archspec.backends import explorer

    report = Report(spec.graph, {**spec.graph.sizes, **(sizes or {})})
    return explorer.page(report, depth=depth, focus=focus, theme=theme)
