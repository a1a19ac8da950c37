"""The network around the steps: its inputs and sizes, its outputs, and which nodes run when."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archspec.analyses.refusals import fitting
from archspec.analyses.shapes import valid_sizes
from archspec.analyses.trial import Trial
from archspec.diagnostics import Diagnostic, Excess, Fault, Span, did_you_mean, printable
from archspec.elaborate import learning, unused
from archspec.elaborate.blocks import overlay_keys, variant_overlay
from archspec.elaborate.builder import Builder
from archspec.elaborate.inputs import bind_inputs
from archspec.elaborate.loader import Loader, Variant
from archspec.elaborate.outputs import outputs_of
from archspec.elaborate.places import OUTSIDE, UNKNOWN, Place, Use
from archspec.elaborate.rewriting import rewritten
from archspec.elaborate.values import Text, UnknownValue
from archspec.elaborate.walk import StepWalk
from archspec.graph import Graph, Scope
from archspec.sizes import symbols

MAXIMUM_NODES = 1_000_000
MAXIMUM_DEPTH = 100
_RECURSION = 20_000


def elaborate(
    variant: Variant,
    loader: Loader,
    overrides: Mapping[str, tuple[Any, Span]] | None = None,
    sizes: Mapping[str, int] | None = None,
    maximum_nodes: int = MAXIMUM_NODES,
    maximum_depth: int = MAXIMUM_DEPTH,
    misfits: list[Diagnostic] | None = None,
    begun: list[Graph] | None = None,
) -> Graph | None:
    """The graph of a spec, with ``overrides`` for parameters and ``sizes``; None, with diagnostics added, when it has
    errors.

    Sizes that do not fit are an error; with ``misfits`` they are added there instead, since other sizes may fit.
    ``begun`` is given the graph before its steps are walked: if they have errors, it holds all that could be made.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION))
    try:
        rewrites = variant.rewrites
        later = None if rewrites else misfits  # rewrites need sizes that fit
        graph = _build(loader, variant, overrides or {}, sizes or {}, maximum_nodes, maximum_depth, later, begun)
        return rewritten(graph, rewrites, loader.diagnostics) if graph is not None and rewrites else graph
    except Excess as excess:
        loader.diagnostics.add(excess.fault.diagnostic)
        return None
    finally:
        sys.setrecursionlimit(limit)


def _build(
    loader: Loader,
    variant: Variant,
    overrides: Mapping[str, tuple[Any, Span]],
    sizes: Mapping[str, int],
    maximum_nodes: int,
    maximum_depth: int,
    misfits: list[Diagnostic] | None = None,
    begun: list[Graph] | None = None,
) -> Graph | None:
    """The graph of a variant before its rewrites; None, with diagnostics added, if there are errors."""
    builder = Builder(loader, maximum_nodes, maximum_depth)
    builder.walk = StepWalk(builder)
    builder.alone = lambda other, values: _build(loader, other, values, {}, maximum_nodes, maximum_depth)
    graph: Graph | None = None
    try:
        graph = _walked(builder, variant, overrides, sizes, begun)
    except Fault as fault:
        builder.diagnostics.add(fault.diagnostic)
    except UnknownValue:
        pass
    if graph is None:
        for misfit in reversed(builder.nodes.misfits):
            builder.diagnostics.insert(misfit.said, replace(misfit.fault.diagnostic, stack=misfit.stack))
        return None
    graph.connect()
    unused.warn(builder, variant.definition.file, variant.files, graph)
    return graph if _fits(builder, graph, misfits) else None


def _walked(
    builder: Builder,
    variant: Variant,
    overrides: Mapping[str, tuple[Any, Span]],
    sizes: Mapping[str, int],
    begun: list[Graph] | None,
) -> Graph | None:
    """The graph that a walk over a variant's steps makes; None if one of them failed.

    Raises Fault and UnknownValue.
    """
    definition = variant.definition
    diagnostics = builder.diagnostics
    file = definition.file
    root = Scope("network", "", "", None, definition)
    given = variant_overlay(variant)
    keys = overlay_keys(variant) | {name: span for name, (_, span) in overrides.items()}
    given |= {name: (_text(value, variant), span) for name, (value, span) in overrides.items()}
    numbers = {name: number for name, (number, _) in variant.sizes.items()} | dict(sizes)
    shelf = builder.loader.shelf
    builder.numbers = tuple(sorted(numbers.items()))
    builder.nodes.trial = Trial(numbers, None if shelf is None else shelf.known(numbers))
    inputs: dict[str, int] = {}
    first = bind_inputs(builder, definition, given, root, inputs, keys)
    known = {name for node in builder.nodes.all for dim in node.shape.dims for name in symbols(dim)}
    for name in numbers.keys() - known:
        span = variant.sizes[name][1] if name in variant.sizes else None
        hint = did_you_mean(name, known) or f"its symbols are {', '.join(sorted(known)) or 'none'}"
        diagnostics.error("unknown-size", f"no input has a size `{printable(name)}`", span, hint)
    root.values = first
    records = builder.records(inputs)
    use = Use(definition, file, dict(first), inputs, first, 0, records=records)
    place = Place(root, use, None, modules=False)
    root.inputs = tuple(inputs.values())
    if begun is not None:
        begun.append(Graph(variant.name, root, builder.nodes.all, inputs, (), numbers))
    last = builder.walk.steps(definition.steps, place, OUTSIDE, next(iter(inputs.values())))
    root.output = last
    outputs = outputs_of(builder, definition, place, last)
    if diagnostics.errors or UNKNOWN in {output.node for output in outputs}:
        return None
    pins = builder.nodes.trial.pins
    graph = Graph(variant.name, root, builder.nodes.all, inputs, outputs, numbers, variant.source, pins)
    shape = graph.nodes[learning.main_output(outputs).node].shape
    graph.task = learning.task(variant.speaks("task"), shape)
    graph.loss = learning.loss(variant.speaks("loss"), first, shape)
    graph.chain, graph.parts = variant.chain, tuple(builder.parts)
    outermost = variant.outermost or file
    graph.doc, graph.spec = outermost.model.doc or file.model.doc, variant.shown
    return graph


def _fits(builder: Builder, graph: Graph, misfits: list[Diagnostic] | None) -> bool:
    """Whether the graph can be returned: sizes that do not fit are added to ``misfits``, or are errors without it."""
    solutions = valid_sizes(graph) if builder.nodes.misfits else {}
    for misfit in builder.nodes.misfits:
        found = replace(misfit.fault.diagnostic, stack=misfit.stack, hint=fitting(graph, solutions, misfit.node))
        if misfits is None:
            builder.diagnostics.add(found)
        else:
            misfits.append(found)
    return misfits is not None or not builder.nodes.misfits


def _text(value: Any, variant: Variant) -> Any:
    if isinstance(value, str) and not isinstance(value, Text):
        return Text(value, variant.outermost)
    if isinstance(value, (list, tuple)):
        return [_text(item, variant) for item in value]
    if isinstance(value, dict):
        return {_text(key, variant): _text(item, variant) for key, item in value.items()}
    return value
