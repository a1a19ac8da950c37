"""One use of a block: bind arguments, open a scope, run its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from archspec.diagnostics import Fault, Frame, Span
from archspec.elaborate import outputs, references, stamping
from archspec.elaborate.binding import bind
from archspec.elaborate.blocks import Bound
from archspec.elaborate.builder import Builder
from archspec.elaborate.places import OUTSIDE, Entry, Loop, Place, Use, Visit, used
from archspec.elaborate.rewriting import rewritten
from archspec.elaborate.splicing import splice
from archspec.elaborate.values import UnknownValue, arguments
from archspec.graph import Graph, Inlined, Part, Scope
from archspec.schema import BlockDefinition
from archspec.syntax import Mapping as YamlMapping


def block(
    builder: Builder,
    bound: Bound,
    visit: Visit,
    reads: Sequence[int],
) -> int:
    """Run one use of a block."""
    step, place = visit.step, visit.place
    definition = bound.definition
    depth = place.use.depth + 1
    if depth > builder.maximum_depth:
        raise Fault(
            "block-depth",
            f"blocks are nested more than {builder.maximum_depth} deep at `{definition.name}`",
            step.what_span,
            "a block that uses itself needs a `when` that stops it",
        )
    builder.watch.deepest = max(builder.watch.deepest, depth)
    if not bound.rewrites:
        builder.nodes.expect(builder.fewest.of(definition), step.what_span)
    given = _given(builder, bound, visit)
    keys = {str(k.text): k.span for k, _ in step.body.entries} if isinstance(step.body, YamlMapping) else {}
    declared = _declared(builder, definition, given, visit, keys)
    inputs = references.block_inputs(definition, declared, reads, step)
    if step.inline:
        return _inline(builder, bound, visit, given, keys, inputs)
    scope = builder.open("block", visit)
    scope.block = definition
    scope.inputs = tuple(inputs.values())
    scope.depth = depth
    scope.input_names = tuple(name.replace(".", "_") for name in inputs) if definition.model.inputs else ()
    records = builder.records(inputs)
    if bound.variant is not None and definition.model.inputs:
        builder.parts.append(Part(scope.path, bound.variant.chain))
    if bound.rewrites:
        return _rewritten(builder, bound, given, visit, scope, inputs)
    values = bind(definition, given, step.what_span, builder.diagnostics, scope, {**bound.values, **records}, keys)
    values = {**bound.values, **values}
    scope.values = values
    use = used(definition, values, inputs, place.use, bound.values, records)
    inner = Place(scope, use, place, modules=False)
    value = stamping.use(builder, bound, inner, lambda: _walked(builder, inner, OUTSIDE))
    value = builder.close(visit, inner, value)
    if visit.loop.merged and scope.name.isdigit() and builder.nodes.has_weights(scope):
        raise Fault(
            "unnamed-in-merge",
            f"this `{step.what}` has weights and is inside an unnamed merge, so it needs a name",
            step.what_span,
            f"write `{step.what} as …`, or name the merge",
        )
    return value


def _walked(builder: Builder, place: Place, loop: Loop) -> int:
    """The value of a use whose steps are run in a place."""
    use = place.use
    value = builder.walk.steps(use.definition.steps, place, loop, next(iter(use.inputs.values())))
    return outputs.block_output(builder, use.definition, place, value) if use.definition.model.outputs else value


def _inline(
    builder: Builder,
    bound: Bound,
    visit: Visit,
    given: Mapping[str, tuple[Any, Span]],
    keys: Mapping[str, Span],
    inputs: dict[str, int],
) -> int:
    """Run one use of a block in the scope around: its steps are named and numbered there.

    Expressions of the steps see what they see in any use; to what makes classes it is a group in a loop of one turn.
    """
    step, place, definition = visit.step, visit.place, bound.definition
    if step.name is not None or visit.key is not None:
        hint = "use `label` to name its output, or leave `inline` out"
        raise Fault("bad-name", "a block written inline makes no scope, so it has no name", step.name_span, hint)
    if bound.variant is not None:
        raise Fault("bad-inline", f"`{definition.name}` is a whole spec; only a block can be inline", step.what_span)
    records = builder.records(inputs)
    stack = Scope("block", "", place.scope.path, place.scope, definition, step)
    values = bind(definition, given, step.what_span, builder.diagnostics, stack, {**bound.values, **records}, keys)
    values = {**bound.values, **values}
    use = used(definition, values, inputs, place.use, bound.values, records)
    frame = Frame(f"block `{definition.name}`", step.span)
    inner = Place(place.scope, use, None, place.modules, count=place.count, start=place.start)
    inner.around, inner.inline = place, frame
    loop = Loop({}, (*visit.loop.loops, Inlined(values, step)), (*visit.loop.copy, 0), visit.loop.merged)
    value = _walked(builder, inner, loop)
    place.count = inner.count
    place.names.update(inner.names)
    builder.label(visit, Entry(value, step.what_span, step=step))
    return value


def _given(builder: Builder, bound: Bound, visit: Visit) -> dict[str, tuple[Any, Span]]:
    """The arguments of a use by name: those of the step, those bound where the block was passed, and defaults."""
    step, place, definition = visit.step, visit.place, bound.definition
    names = builder.names(place, visit.loop, visit.current)
    given = arguments(step.body, names, place.use.file, step.what, tuple(definition.model.params))
    for name in bound.arguments:
        if name in given:
            raise Fault("name-twice", f"`{name}` was already set where the block was passed", given[name][1])
    asked = {**{name: (value, step.what_span) for name, value in bound.arguments.items()}, **given}
    return {**bound.overlay, **builder.defaults.block(definition, place.use, bound.written, asked), **asked}


def _declared(
    builder: Builder,
    definition: BlockDefinition,
    given: Mapping[str, tuple[Any, Span]],
    visit: Visit,
    keys: Mapping[str, Span],
) -> dict[str, int | None]:
    """The inputs of a block by name, with how many values each is, which may depend on the block's parameters."""
    if not references.counted(definition):
        return references.counts(definition, {})
    bare = replace(definition, model=definition.model.model_copy(update={"let": {}}))
    scope = visit.place.scope
    return references.counts(definition, bind(bare, given, visit.step.what_span, builder.diagnostics, scope, {}, keys))


def _rewritten(
    builder: Builder,
    bound: Bound,
    given: Mapping[str, tuple[Any, Span]],
    visit: Visit,
    scope: Scope,
    inputs: dict[str, int],
) -> int:
    """Run one use of a rewritten spec: it is elaborated by itself, rewritten, and made again here."""
    assert bound.variant is not None
    step, place = visit.step, visit.place
    graph = builder.alone(bound.variant, given)
    if graph is None:
        raise UnknownValue
    graph = rewritten(graph, bound.rewrites, builder.diagnostics)
    scope.values = graph.root.values
    if builder.parts:
        builder.parts[-1] = replace(builder.parts[-1], stages=graph.stages, inside=bound.inside)
        builder.parts += _inner_parts(graph, builder.parts[-1])
    definition = bound.definition
    use = Use(definition, definition.file, dict(scope.values), inputs, scope.values, place.use.depth + 1, place.use)
    use.stages = graph.stages
    try:
        inner, value = splice(builder, graph, scope, place, use, list(inputs.values()), bound.inside)
    except KeyError:
        raise Fault(
            "unknown-block",
            f"`{bound.variant.name}` has no block or sequence `{bound.inside}` that reads the spec's input",
            step.what_span,
        ) from None
    return builder.close(visit, inner, value)


def _inner_parts(graph: Graph, whole: Part) -> list[Part]:
    """The specs inside a rewritten spec: their weights go into it, and then through its rewrites."""
    from archspec.rewrites import Under  # here, because few specs have any

    return [
        Part(whole.path, part.chain, whole.inside, (*part.stages, Under(part.path, part.inside), *graph.stages))
        for part in graph.parts
    ]
