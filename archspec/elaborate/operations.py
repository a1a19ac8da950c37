"""One application of an op: evaluate and check its arguments, take its name, make its node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.diagnostics import Fault, Span
from archspec.elaborate.blocks import BoundOp
from archspec.elaborate.builder import Builder
from archspec.elaborate.places import UNKNOWN, Entry, Visit
from archspec.elaborate.values import arguments, evaluate
from archspec.ops import Op
from archspec.syntax import Mapping as YamlMapping

JOIN = "join them in a step before it, with `concat` or `add`"
"""The hint where `from` names several steps, and one is read."""


def primitive(
    builder: Builder,
    what: BoundOp,
    visit: Visit,
    reads: Sequence[int],
) -> int:
    """Apply an op that is not a merge."""
    step, place, kind = visit.step, visit.place, what.kind
    op, referred = operation(builder, what, visit)
    if kind.sources and len(reads) != kind.sources and not kind.several:
        said = f"`{step.what}` takes one input, but `from` names {len(reads)}"
        raise Fault("wrong-inputs", said, step.what_span, JOIN)
    inputs = (*(reads if kind.sources else ()), *referred)
    merged = visit.loop.merged or place.scope.kind == "merge"
    if kind.transparent and step.name is None and (merged or not place.modules):
        # In a sequence it is a member with a number, but a merge reads its input directly.
        entry = Entry(reads[0], step.what_span)
        place.names[builder.name(visit)] = entry
        builder.label(visit, entry)
        return reads[0]
    name = builder.name(visit)
    node = builder.nodes.add(op, inputs, step, place, visit.loop, name, step.name is not None or visit.key is not None)
    if visit.loop.merged and name.isdigit() and node is not None and op.weights(builder.nodes.read_by(node)):
        raise Fault(
            "unnamed-in-merge",
            f"this `{step.what}` has weights and is inside an unnamed merge, so it needs a name",
            step.what_span,
            f"write `{step.what} as …`, or name the merge",
        )
    second = op.second
    if node is not None and second is not None:
        builder.nodes.add(second, inputs, step, place, visit.loop, "", named=False)
    index = node.index if node is not None else UNKNOWN
    entry = Entry(index, step.what_span, node=node, step=step)
    place.names[name] = entry
    builder.label(visit, entry)
    return index


def operation(
    builder: Builder,
    what: BoundOp,
    visit: Visit,
    skip: frozenset[str] = frozenset(),
) -> tuple[Op, tuple[int, ...]]:
    """The op of a step, with checked arguments, and the values of its references."""
    step, place, current = visit.step, visit.place, visit.current
    constant = builder.constant.get(step)
    if constant is not None:
        builder.defaults.consulted(what.kind.keyword, place.use, what.written)
        return constant, ()
    names = builder.names(place, visit.loop, current)
    kind = what.kind
    given: dict[str, tuple[Any, Span]] = {name: (value, step.what_span) for name, value in what.arguments.items()}
    known = [name for name in kind.model_fields if name != "init"]
    if isinstance(step.body, YamlMapping):
        inner = [(key, value) for key, value in step.body.entries if str(key.text) not in skip]
        given |= arguments(YamlMapping(tuple(inner), step.body.span), names, place.use.file, step.what, known)
    elif not kind.merges:
        given |= arguments(step.body, names, place.use.file, step.what, known)
    if step.init is not None:
        if "init" in given:
            raise Fault("name-twice", "`init` is given both next to the step and among its arguments", step.init.span)
        given["init"] = (evaluate(step.init, names, place.use.file), step.init.span)
    defaults = builder.defaults.op(kind, place.use, what.written, given)
    op = builder.making.make(kind, given, defaults, step, lambda fault: builder.report(fault, place, step.what_span))
    referred: list[int] = []
    for field in kind.references:
        target = getattr(op, field)
        if target is not None:
            span = given[field][1] if field in given else step.what_span
            builder.watch.asks(place.use.depth)
            value = place.find(str(target), span, current).value
            referred.append(builder.nodes.seconds.get(value, value) if field in kind.wants_second else value)
    if not referred and not kind.references and builder.making.is_constant(step, place.use):
        builder.constant[step] = op
    return op, tuple(referred)
