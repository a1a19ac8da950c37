"""The inputs of a step: ``from``, the inputs of a block, and ``reuse``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import PydanticCustomError

from archspec import expressions
from archspec.diagnostics import Fault, Span, did_you_mean, printable
from archspec.elaborate.builder import Builder
from archspec.elaborate.mismatch import linked, sides
from archspec.elaborate.places import OUTSIDE, UNKNOWN, Entry, Loop, Place, Use, Visit
from archspec.elaborate.values import arguments, decided, evaluate
from archspec.expressions import Expression
from archspec.graph import Node, Scope
from archspec.ops import ShapeError
from archspec.ops.common.arguments import by_axis_from_zero, flag
from archspec.ops.common.tied import transposed
from archspec.schema import BlockDefinition, Source, Step, bare
from archspec.syntax import Mapping as YamlMapping
from archspec.syntax import Node as YamlNode
from archspec.syntax import Scalar

MAXIMUM_INPUTS = 1000
"""Values that one input of a block may hold."""


def resolve(builder: Builder, visit: Visit) -> list[int]:
    """The values that a step reads: those named in ``from``, or the previous one.  Raises Fault."""
    step, place, current = visit.step, visit.place, visit.current
    if step.reads is None:
        return [current]
    builder.watch.asks(place.use.depth)
    names: Mapping[str, Any] | None = None
    values: list[int] = []
    for source in step.reads:
        text = str(source.name.value)
        if source.clauses or source.when is not None or "$" in text:
            names = names or builder.names(place, visit.loop, current)
            for turn in _turns(builder, source, names):
                values += _named(evaluate(source.name, turn, place.use.file), source, visit)
        else:
            values += _named(text, source, visit)
    if not values:
        hint = "let `when` drop the step as well"
        raise Fault("bad-from", "`from` is left with no step to read", step.reads[0].name.span, hint)
    return values


def _turns(builder: Builder, source: Source, names: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The names that an entry of ``from`` can use, for each copy that ``when`` keeps."""
    turns: Iterable[Mapping[str, Any]] = (names,)
    for clause in source.clauses:
        turns = ({**names, **bound} for bound in expressions.iterate(clause, names, builder.work))
    for turn in turns:
        wanted = source.when
        if isinstance(wanted, Expression):
            wanted = decided(wanted, turn, builder.work)
        if wanted is not False:
            yield turn


def _named(what: Any, source: Source, visit: Visit) -> list[int]:
    """The values of a name, of a list of names, or of a block's input with several values."""
    place, span = visit.place, source.name.span
    found: list[int] = []
    for path in what if isinstance(what, list) else [what]:
        if not isinstance(path, str):
            raise Fault("bad-from", f"`from` needs names of steps, not `{printable(repr(path), 40)}`", span)
        several = place.several(path)
        found += [place.find(path, span, visit.current).value] if several is None else several
    return found


def counts(definition: BlockDefinition, values: Mapping[str, Any]) -> dict[str, int | None]:
    """The inputs of a block: the number of values of each, None for a single value.  Raises Fault."""
    found: dict[str, int | None] = {}
    for name, node in (definition.model.inputs or {}).items():
        found[name] = None
        if isinstance(node, Scalar) and node.value is not None:
            count = node.value
            if isinstance(count, str):
                count = expressions.evaluate(bare(node), values, definition.file.work)
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAXIMUM_INPUTS:
                what = f"the count of input `{name}` must be a whole number, 1 or more, not {printable(str(count), 40)}"
                raise Fault("bad-input", what, node.span, "`inputs: {maps: n}` declares n inputs called `maps`")
            found[name] = count
    return found or {"input": None}


def counted(definition: BlockDefinition) -> bool:
    """Whether a block has an input with several values."""
    nodes = (definition.model.inputs or {}).values()
    return any(isinstance(node, Scalar) and node.value is not None for node in nodes)


def block_inputs(
    definition: BlockDefinition, declared: Mapping[str, int | None], reads: Sequence[int], step: Step
) -> dict[str, int]:
    """The inputs of a use of a block, by name; several values of one input are ``name.0``, ``name.1`` ….

    Raises Fault if their number is wrong.
    """
    names: list[str] = []
    for name, count in declared.items():
        names += [name] if count is None else [f"{name}.{index}" for index in range(count)]
    if len(names) != len(reads):
        if len(names) == 1:
            message = f"`{definition.name}` takes one input, but `from` names {len(reads)}"
            hint = None
        else:
            listed = ", ".join(name if count is None else f"{name} × {count}" for name, count in declared.items())
            message = f"`{definition.name}` takes {len(names)} inputs ({listed}), but gets {len(reads)}"
            hint = f"write `from: [{', '.join(declared)}]` with the steps to read"
        raise Fault("wrong-inputs", message, step.what_span, hint)
    return dict(zip(names, reads, strict=True))


def reuse(builder: Builder, visit: Visit, reads: Sequence[int]) -> int:
    """Apply an earlier step again with the same weights, or its transpose.  Raises Fault."""
    step, place = visit.step, visit.place
    names = builder.names(place, visit.loop, reads[0])
    body, span = step.body, step.what_span if step.body is None else step.body.span
    padding: int | tuple[int, ...] | None = None
    if isinstance(body, YamlMapping):
        body, span, padding = _transposed(body, names, visit)
    if not isinstance(body, Scalar) or not isinstance(body.value, str):
        raise Fault("bad-reuse", "`reuse` takes the name of an earlier step", step.what_span, "write `reuse: conv1`")
    if step.name is not None:
        raise Fault("bad-reuse", "a reused step already has a name; use `label` to name its output", step.name_span)
    path = str(evaluate(body, names, place.use.file))
    builder.watch.asks(place.use.depth)
    entry = place.find(path, span, reads[0])
    position = str(place.count)
    place.count += 1
    if entry.place is not None and padding is None:
        value = _scope(builder, entry.place, visit, reads)
    elif entry.node is not None:
        value = _node(builder, entry.node, visit, reads, position, padding)
    elif entry.value == UNKNOWN:
        value = UNKNOWN
    elif padding is not None:
        raise Fault("bad-reuse", f"`{printable(path)}` is not one layer, so it cannot be transposed", span)
    else:
        raise Fault("bad-reuse", f"`{printable(path)}` is not a step with weights to reuse", span)
    found = Entry(value, step.what_span, step=step)
    place.names[position] = found
    builder.label(visit, found)
    return value


def _transposed(
    body: YamlMapping, names: Mapping[str, Any], visit: Visit
) -> tuple[YamlNode | None, Span, int | tuple[int, ...] | None]:
    """``{step: …, transposed: true, output_padding: 1}``: the name, where it is, and the output padding; None if not
    transposed.
    """
    known = ("step", "transposed", "output_padding")
    given = arguments(body, names, visit.place.use.file, "reuse", known)
    for name, (_, span) in given.items():
        if name not in known:
            message = f"`reuse` has no argument `{printable(name, 40)}`"
            raise Fault("unknown-argument", message, span, did_you_mean(name, known) or f"it has {', '.join(known)}")
    try:
        turned = flag(given["transposed"][0]) if "transposed" in given else False
        padding = by_axis_from_zero(given["output_padding"][0]) if "output_padding" in given else 0
    except PydanticCustomError as error:
        raise Fault("bad-reuse", f"an argument of `reuse` {error.message()}", body.span) from None
    name = body.get("step")
    return name, name.span if name is not None else body.span, padding if turned else None


def _node(
    builder: Builder,
    first: Node,
    visit: Visit,
    reads: Sequence[int],
    position: str,
    padding: int | tuple[int, ...] | None = None,
) -> int:
    """Apply a step's op again; its transpose, if there is an output padding."""
    step = visit.step
    op, original = first.op, first.reuse or first
    assert op is not None
    lent = builder.nodes.read_by(first)
    if padding is not None:
        try:
            op = transposed(op, lent, padding)
        except ShapeError as error:
            raise Fault("bad-reuse", str(error), step.what_span, error.hint) from None
    node = builder.nodes.add(op, tuple(reads), step, visit.place, visit.loop, position, named=False)
    if node is None:
        return UNKNOWN
    node.reuse, node.is_module = original, False
    assert first.op is not None
    before, own = first.op.weights(lent), op.weights(builder.nodes.read_by(node))
    if own != (before if padding is None else before[:1]):
        inputs = [*original.inputs, *node.inputs]
        found = sides(builder.nodes.all, builder.nodes.trial.evaluation, inputs)
        message = f"the weights of `{original.path}` do not fit this input"
        related = linked(builder.nodes.all, found, inputs)
        raise Fault("shape-mismatch", message, step.what_span, None, found, related)
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
        inputs = block_inputs(first.block, counts(first.block, first.values), reads, step)
        scope.input_names = first.input_names
        records = builder.records(inputs)
        old = original.use
        use = Use(old.definition, old.file, old.values, inputs, old.spec_values, old.depth, old.caller, records=records)
        use.spec_depth = old.spec_depth
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
