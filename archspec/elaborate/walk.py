"""The walk over a spec's steps that makes the graph.

Steps run in the order written; each has a value (the index of a node), which the next one reads.  A failure is
reported, and its value is unknown.  Steps that read an unknown value are skipped, so that one run finds every
independent fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from archspec import expressions
from archspec.diagnostics import Fault
from archspec.elaborate import merging, operations, references, stamping, uses
from archspec.elaborate.blocks import Bound, BoundOp
from archspec.elaborate.builder import Builder
from archspec.elaborate.mismatch import formula
from archspec.elaborate.places import UNKNOWN, Entry, Loop, Place, Visit
from archspec.elaborate.values import UnknownValue, decided, evaluate, mention, text
from archspec.expressions import Clause
from archspec.schema import Step
from archspec.syntax import Scalar


class StepWalk:
    """Runs steps; the builder keeps the results."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._read_for_input: dict[Step, bool] = {}
        """The steps that were searched for `input`, and whether they name it."""

    def steps(self, steps: Sequence[Step], place: Place, loop: Loop, current: int) -> int:
        """Run steps one after another; returns the value of the last."""
        return self._chain(steps, place, loop, current)[0]

    def _chain(self, steps: Sequence[Step], place: Place, loop: Loop, current: int) -> tuple[int, int]:
        """Run steps one after another; returns the value of the last, and the value that a further step reads."""
        given = current
        for step in steps:
            for copy in self.copies(step, place, loop):
                visit = Visit(step, place, copy, current)
                if self.wanted(visit):
                    given, current = self.step(visit)
        return given, current

    def copies(self, step: Step, place: Place, loop: Loop) -> Iterator[Loop]:
        """The copies of a step that ``for`` and ``repeat`` make; ``for`` is the outer loop."""
        if not step.clauses and step.repeat is None:
            yield loop
            return
        try:
            yield from self._looped(step, place, loop)
        except Fault as fault:
            self.builder.report(fault, place, step.what_span)
        except UnknownValue:
            self.builder.watch.unequal += 1

    def _looped(self, step: Step, place: Place, loop: Loop) -> Iterator[Loop]:
        for copy in self._turns(step.clauses, place, loop):
            if step.repeat is None:
                yield copy
                continue
            count = evaluate(step.repeat, {**place.use.values, **place.use.records, **copy.names}, place.use.file)
            if isinstance(count, float) and count.is_integer():
                count = int(count)
            if isinstance(count, bool) or not isinstance(count, int):
                raise Fault("wrong-type", "`repeat` must be a whole number", step.repeat.span)
            if count < 0:
                raise Fault("wrong-value", f"`repeat` must be 0 or more, not {count}", step.repeat.span)
            if count > self.builder.nodes.maximum:
                raise self.builder.nodes.too_many(step.repeat.span)
            if step.when in (None, True):
                self.builder.nodes.expect(count * self.builder.fewest.of_copy(step, place.use.file), step.repeat.span)
            for index in range(count):
                yield copy.inner({}, index)

    def _turns(self, clauses: Sequence[Clause], place: Place, loop: Loop) -> Iterator[Loop]:
        """The copies that ``for`` clauses make, made lazily; the first clause is the outer loop."""
        if not clauses:
            yield loop
            return
        names = {**place.use.values, **place.use.records, **loop.names}
        for index, bound in enumerate(expressions.iterate(clauses[0], names, self.builder.work)):
            yield from self._turns(clauses[1:], place, loop.inner(bound, index))

    def wanted(self, visit: Visit) -> bool:
        """Whether ``when`` keeps this copy of a step."""
        step, place = visit.step, visit.place
        self.builder.nodes.tick(step.what_span, place)
        if step.when is None or isinstance(step.when, bool):
            return step.when is not False
        try:
            names = self.builder.names(place, visit.loop, visit.current, True)
            return decided(step.when, names, self.builder.work)
        except Fault as fault:
            word = step.when.text
            if fault.diagnostic.code == "unknown-name" and word.lower() in ("yes", "no", "on", "off"):
                what = f"`{word}` is text in YAML 1.2, not a boolean"
                fault = Fault("not-a-condition", what, fault.diagnostic.span, "write true or false")
            self.builder.report(fault, place, step.what_span)
        except UnknownValue:
            self.builder.watch.unequal += 1
        return False

    def step(self, visit: Visit) -> tuple[int, int]:
        """Run one copy of a step; returns its value, and the value that the next step reads.

        They differ for a parameter, which the chain skips.
        """
        if visit.place.start != UNKNOWN:
            self._warn_of_input(visit)
        try:
            visit = self._named(visit)
            given, onward = self._apply(visit)
        except Fault as fault:
            self.builder.report(fault, visit.place, visit.step.what_span)
            given = onward = UNKNOWN
            self._name_unknown(visit)
        except UnknownValue:
            self.builder.watch.unequal += 1
            given = onward = UNKNOWN
            self._name_unknown(visit)
        if visit.place.scope.kind == "container":
            visit.place.scope.output = given
        return (visit.current, visit.current) if visit.step.aside else (given, onward)

    def _named(self, visit: Visit) -> Visit:
        """A visit with its name evaluated; for a dotted name, in the container of the name's first parts."""
        step, place = visit.step, visit.place
        if step.name is None or visit.key is not None:
            return visit
        name = step.name
        if not isinstance(name, str):
            span = step.name_span or step.what_span
            name = text(name, self.builder.names(place, visit.loop, visit.current), span, "a name", self.builder.work)
            visit = replace(visit, key=name)
        *containers, last = name.split(".")
        for part in containers:
            place = self.builder.container(place, part, visit)
        return replace(visit, place=place, key=last, loop=visit.loop.own_scope()) if containers else visit

    def _apply(self, visit: Visit) -> tuple[int, int]:
        """The value of a step, and the value that the next step reads."""
        builder = self.builder
        self._checkpoint(visit.step)
        reads = references.resolve(builder, visit)
        if visit.step.what == "steps":
            return self._group(visit, reads)
        if visit.step.what == "sequence":
            given = self._sequence(visit, reads)
        elif visit.step.what == "reuse":
            given = references.reuse(builder, visit, reads)
        else:
            what = self._what(visit)
            if visit.step.inline and not isinstance(what, Bound):
                hint = "an op has no steps inside"
                raise Fault("bad-inline", f"`{visit.step.what}` is an op; only a block can be inline", None, hint)
            if visit.step.checkpoint and not isinstance(what, Bound):
                hint = "put it on the block or the `sequence` around"
                raise Fault("bad-recompute", f"`{visit.step.what}` is an op, with no values inside", None, hint)
            if isinstance(what, Bound):
                given = uses.block(builder, what, visit, reads)
            elif what.kind.merges:
                given = merging.merge(builder, what, visit, reads)
            else:
                given = operations.primitive(builder, what, visit, reads)
                if not what.kind.sources:
                    return given, visit.current
        return given, given

    @staticmethod
    def _checkpoint(step: Step) -> None:
        if step.checkpoint and (step.what in ("steps", "reuse") or step.inline):
            what = "a block written inline" if step.inline else f"`{step.what}`"
            hint = "put the steps in a `sequence`, or use a block without `inline`"
            raise Fault(
                "bad-recompute", f"{what} is not a module, so it cannot be computed again", step.what_span, hint
            )

    def _sequence(self, visit: Visit, reads: Sequence[int]) -> int:
        step, place = visit.step, visit.place
        scope = self.builder.open("sequence", visit)
        self._one_input(step, reads, "`sequence`")
        inner = self.builder.begin(visit, Place(scope, place.use, place, modules=True, start=reads[0]))
        loop = visit.loop.own_scope()
        walk = partial(self.steps, step.steps or (), inner, loop, reads[0])
        value = stamping.sequence(self.builder, step, inner, loop, walk)
        return self.builder.close(visit, inner, value)

    def _warn_of_input(self, visit: Visit) -> None:
        """Warn if `input` in a sequence has other channels than the sequence's input, which is probably meant."""
        step, place = visit.step, visit.place
        known = self._read_for_input.get(step)
        if known is not None:
            self.builder.watch.unequal += known  # a use that comes first would be warned of
            return
        outer = next(iter(place.use.inputs.values()))
        shapes = self.builder.nodes.shape(outer), self.builder.nodes.shape(place.start)
        if shapes[0] is None or shapes[1] is None or shapes[0].dims == shapes[1].dims:
            return
        span = mention(step, "input")
        self._read_for_input[step] = span is not None
        if span is None:
            return
        block = place.use.definition.name if place.use.caller is not None else "the network"
        self.builder.diagnostics.warning(
            "input-of-block",
            f"`input` is the input of {block}, {formula(shapes[0])}, but this sequence reads {formula(shapes[1])}",
            span,
            "to refer to the sequence's input, give the step before it a label, or make the sequence a block",
            stack=place.scope.stack(),
        )

    def _what(self, visit: Visit) -> Bound | BoundOp:
        step, place = visit.step, visit.place
        what: Any = step.what
        if "$" in what:
            names = self.builder.names(place, visit.loop, visit.current)
            file = place.use.file
            scalar = file.named.get(step)
            if scalar is None:
                scalar = file.named[step] = Scalar(what, what, step.what_span, False)
            what = evaluate(scalar, names, file)
        return self.builder.blocks.find(what, place.use, step.what_span)

    def _group(self, visit: Visit, reads: Sequence[int]) -> tuple[int, int]:
        step = visit.step
        if step.name is not None:
            raise Fault(
                "bad-name", "a `steps` group makes no scope, so it cannot have a name", step.name_span, "use `sequence`"
            )
        self._one_input(step, reads, "`steps`")
        given, onward = self._chain(step.steps or (), visit.place, visit.loop, reads[0])
        self.builder.label(visit, Entry(given, step.label_span))
        return given, onward

    @staticmethod
    def _one_input(step: Step, reads: Sequence[int], what: str) -> None:
        if len(reads) != 1:
            said = f"{what} takes one input, but `from` names {len(reads)}"
            raise Fault("wrong-inputs", said, step.what_span, operations.JOIN)

    def _name_unknown(self, visit: Visit) -> None:
        """Register the name of a failed step, so that later steps that read it report nothing."""
        step, place, key = visit.step, visit.place, visit.key
        try:
            names = {**place.use.values, **visit.loop.names}
            for given in (step.name if key is None else key, step.label):
                if given is not None:
                    name = text(given, names, step.what_span, "a name", self.builder.work)
                    place.names.setdefault(name, Entry(UNKNOWN, step.what_span))
        except (Fault, UnknownValue):
            return
