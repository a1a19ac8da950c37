"""The inputs of a step: ``from``, the inputs of a block, and ``reuse``."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.diagnostics import Fault, printable
from archspec.elaborate.builder import Builder
from archspec.elaborate.mismatch import sides
from archspec.elaborate.places import OUTSIDE, UNKNOWN, Entry, Loop, Place, Use, Visit
from archspec.elaborate.values import evaluate
from archspec.graph import Scope
from archspec.schema import BlockDefinition, Step
from archspec.source import Items, Scalar


def resolve(builder: Builder, visit: Visit) -> list[int]:
    """The values that a step reads: those named in ``from``, or the previous one.  Raises Fault."""
    step, place, current = visit.step, visit.place, visit.current
    if step.reads is None:
        return [current]
    items = step.reads.items if isinstance(step.reads, Items) else (step.reads,)
    names = None
    values = []
    for item in items:
        assert isinstance(item, Scalar)
        path = str(item.value)
        if "$" in path:
            names = names or builder.names(place, visit.loop, current)
            path = str(evaluate(item, names, place.use.file))
        values.append(place.find(path, item.span, current).value)
    return values


def block_inputs(definition: BlockDefinition, reads: Sequence[int], step: Step) -> dict[str, int]:
    """The inputs of a use of a block, by name.  Raises Fault if their number is wrong."""
    declared = list(definition.model.inputs or ()) or ["input"]
    if len(declared) != len(reads):
        if len(declared) == 1:
            message = f"`{definition.name}` takes one input, but `from` names {len(reads)}"
            hint = None
        else:
            message = f"`{definition.name}` takes {len(declared)} inputs ({', '.join(declared)}), but gets {len(reads)}"
            hint = f"write `from: [{', '.join(declared)}]` with the steps to read"
        raise Fault("wrong-inputs", message, step.what_span, hint)
    return dict(zip(declared, reads, strict=True))


def reuse(builder: Builder, visit: Visit, reads: Sequence[int]) -> int:
    """Apply an earlier step again with the same weights.  Raises Fault."""
    step, place = visit.step, visit.place
    if not isinstance(step.body, Scalar) or not isinstance(step.body.value, str):
        raise Fault("bad-reuse", "`reuse` takes the name of an earlier step", step.what_span, "write `reuse: conv1`")
    if step.name is not None:
        raise Fault("bad-reuse", "a reused step already has a name; use `label` to name its output", step.name_span)
    path = str(evaluate(step.body, builder.names(place, visit.loop, reads[0]), place.use.file))
    entry = place.find(path, step.body.span, reads[0])
    position = str(place.count)
    place.count += 1
    if entry.place is not None:
        value = _scope(builder, entry.place, visit, reads)
    elif entry.node is not None:
        value = _node(builder, entry, visit, reads, position)
    elif entry.value == UNKNOWN:
        value = UNKNOWN
    else:
        raise Fault("bad-reuse", f"`{printable(path)}` is not a step with weights to reuse", step.body.span)
    found = Entry(value, step.what_span, step=step)
    place.names[position] = found
    builder.label(visit, found)
    return value


def _node(builder: Builder, entry: Entry, visit: Visit, reads: Sequence[int], position: str) -> int:
    step = visit.step
    original = entry.node
    assert original is not None
    original = original.reuse or original
    assert original.op is not None
    node = builder.nodes.add(original.op, tuple(reads), step, visit.place, visit.loop, position, named=False)
    if node is None:
        return UNKNOWN
    node.reuse, node.is_module = original, False
    before = original.op.weights(builder.nodes.read_by(original))
    if original.op.weights(builder.nodes.read_by(node)) != before:
        raise Fault(
            "shape-mismatch",
            f"the weights of `{original.path}` do not fit this input",
            step.what_span,
            None,
            sides(builder.nodes.all, builder.nodes.trial.evaluation, [*original.inputs, *node.inputs]),
        )
    return node.index


def _scope(builder: Builder, original: Place, visit: Visit, reads: Sequence[int]) -> int:
    """Run a scope's steps again on another input, with the weights of the first run."""
    step, place, loop = visit.step, visit.place, visit.loop
    first = original.scope
    if first.step is None:
        raise Fault("bad-reuse", f"`{first.path}` cannot be reused", step.what_span)
    name = str(place.count - 1)
    scope = Scope(
        first.kind,
        name,
        place.join(name),
        place.scope,
        first.block,
        step,
        first.values,
        loop.loops,
        loop.copy,
        tuple(reads),
        reuse=first.reuse or first,
        depth=first.depth,
    )
    place.scope.items.append(scope)
    if first.block is not None:
        inputs = block_inputs(first.block, reads, step)
        records = {name: builder.record(index) for name, index in inputs.items()}
        records["input"] = builder.record(reads[0])
        old = original.use
        use = Use(old.definition, old.file, old.values, inputs, old.spec_values, old.depth, old.caller, records=records)
        inner = Place(scope, use, place, modules=False)
        value = builder.walk.steps(first.block.steps, inner, OUTSIDE, reads[0])
    elif first.kind == "sequence":
        inner = Place(scope, place.use, place, modules=True)
        names = {key: item for bound in first.loops for key, item in bound.items()}
        value = builder.walk.steps(first.step.steps or (), inner, Loop(names, first.loops, first.copy), reads[0])
    else:
        raise Fault("bad-reuse", "a merge cannot be reused; reuse a block or a sequence", step.what_span)
    scope.output = value
    if value == UNKNOWN:
        return UNKNOWN
    before, after = list(first.nodes()), list(scope.nodes())
    for one, other in zip(before, after, strict=True):
        assert one.op is not None
        assert other.op is not None
        other.reuse, other.is_module = one.reuse or one, False
        if one.op.weights(builder.nodes.read_by(one)) != other.op.weights(builder.nodes.read_by(other)):
            raise Fault("shape-mismatch", f"the weights of `{one.path}` do not fit this input", step.what_span)
    return value
