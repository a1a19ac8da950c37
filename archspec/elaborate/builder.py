"""The walk over a spec's steps that makes the graph.

Steps run in the order written; each gives a value (the index of a node), which the next one reads.  What fails is
reported, its value is unknown, and whatever reads it is passed over, so that one run finds every independent fault.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archspec import expressions
from archspec.diagnostics import Diagnostics, Fault, Span, printable
from archspec.elaborate import merging, network, operations, references, uses
from archspec.elaborate.blocks import Blocks, Bound, BoundOp
from archspec.elaborate.defaults import Defaults
from archspec.elaborate.loader import Loader, Variant
from archspec.elaborate.making import Making
from archspec.elaborate.mismatch import formula
from archspec.elaborate.nodes import Nodes
from archspec.elaborate.places import UNKNOWN, Entry, Loop, Place
from archspec.elaborate.rewriting import rewritten
from archspec.elaborate.values import TensorRecord, UnknownValue, evaluate, text
from archspec.graph import Graph, Node, Part, Scope
from archspec.ops import Op, Shape
from archspec.schema import Step
from archspec.sizes import Size
from archspec.source import Scalar

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
) -> Graph | None:
    """The graph of a spec, with ``overrides`` for parameters, each with the place it comes from, and ``sizes``.

    None, with diagnostics added, when it has errors.
    """
    builder = Builder(loader, maximum_nodes, maximum_depth)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION))
    try:
        graph = network.build(builder, variant, overrides or {}, sizes or {})
        rewrites = variant.rewrites
        return rewritten(graph, rewrites, loader.diagnostics) if graph is not None and rewrites else graph
    finally:
        sys.setrecursionlimit(limit)


class Builder:
    """One elaboration: the nodes made so far, the blocks found, the diagnostics."""

    def __init__(self, loader: Loader, maximum_nodes: int, maximum_depth: int) -> None:
        self.loader = loader
        self.diagnostics: Diagnostics = loader.diagnostics
        self.blocks = Blocks(loader)
        self.making = Making()
        self.defaults = Defaults(loader)
        self.nodes = Nodes(self.diagnostics, maximum_nodes)
        self.maximum_depth = maximum_depth
        self.parts: list[Part] = []
        self._labels: tuple[Graph, Counter[str | None]] | None = None
        self.branches: dict[int, list[tuple[Scalar | None, tuple[Step, ...], bool]]] = {}
        self.constant: dict[int, Op] = {}
        self.merging: set[int] = set()
        """Merges that had more than one branch in some use."""
        self.lone: dict[int, tuple[Step, Step]] = {}
        """Merges that have had one branch so far, and the branch that ``when`` dropped."""

    # -- copies ------------------------------------------------------------------------------------------------------

    def steps(self, steps: Sequence[Step], place: Place, loop: Loop, current: int) -> int:
        """Run steps one after the other; gives the value of the last."""
        return self.chain(steps, place, loop, current)[0]

    def chain(self, steps: Sequence[Step], place: Place, loop: Loop, current: int) -> tuple[int, int]:
        """Run steps one after the other; gives the value of the last, and the one that a further step reads."""
        given = current
        for step in steps:
            for copy in self.copies(step, place, loop):
                if self.wanted(step, place, copy, current):
                    given, current = self.step(step, place, copy, current)
        return given, current

    def copies(self, step: Step, place: Place, loop: Loop) -> Iterator[Loop]:
        """The copies that ``for`` and ``repeat`` make of a step; ``for`` is outside."""
        if not step.clauses and step.repeat is None:
            yield loop
            return
        try:
            yield from self._looped(step, place, loop)
        except Fault as fault:
            self.report(fault, place, step.what_span)
        except UnknownValue:
            return

    def _looped(self, step: Step, place: Place, loop: Loop) -> Iterator[Loop]:
        copies = [loop]
        for clause in step.clauses:
            names = {**place.use.values, **place.use.records}
            copies = [
                outer.inner(bound, index)
                for outer in copies
                for index, bound in enumerate(expressions.iterate(clause, {**names, **outer.names}))
            ]
        for copy in copies:
            if step.repeat is None:
                yield copy
                continue
            count = evaluate(step.repeat, {**place.use.values, **place.use.records, **copy.names}, place.use.file)
            if isinstance(count, float) and count.is_integer():
                count = int(count)
            if isinstance(count, bool) or not isinstance(count, int):
                raise Fault("wrong-type", "`repeat` is a whole number", step.repeat.span)
            if count < 0:
                raise Fault(
                    "wrong-value", f"`repeat` is {count}, and a step cannot be repeated so often", step.repeat.span
                )
            if count > self.nodes.maximum:
                raise self.nodes.too_many(step.repeat.span)
            for index in range(count):
                yield copy.inner({}, index)

    def wanted(self, step: Step, place: Place, loop: Loop, current: int) -> bool:
        """Whether ``when`` leaves this copy of a step."""
        self.nodes.tick(step.what_span, place)
        if step.when is None or isinstance(step.when, bool):
            return step.when is not False
        try:
            found = expressions.evaluate(step.when, self.names(place, loop, current, fixed=True))
            if not isinstance(found, bool):
                shown = printable(str(found), 40)
                raise Fault(
                    "not-a-condition",
                    f"`when` is true or false, and this is `{shown}`",
                    step.when.span,
                    "compare it with something: `n > 0`",
                )
            return found
        except Fault as fault:
            word = step.when.text
            if fault.diagnostic.code == "unknown-name" and word.lower() in ("yes", "no", "on", "off"):
                what = f"`{word}` is a word in YAML 1.2, not a truth value"
                fault = Fault("not-a-condition", what, fault.diagnostic.span, "write true or false")
            self.report(fault, place, step.what_span)
        except UnknownValue:
            pass
        return False

    def names(self, place: Place, loop: Loop, current: int, fixed: bool = False) -> dict[str, Any]:
        """What an expression of a step may use.  ``fixed``: sizes must not matter (``when``)."""
        use = place.use
        records = use.records if not fixed else {name: self.record(index, True) for name, index in use.inputs.items()}
        if fixed:
            records["input"] = self.record(next(iter(use.inputs.values()), UNKNOWN), True)
        return {**use.values, **records, **loop.names, "previous": self.record(current, fixed)}

    def record(self, index: int, fixed: bool = False) -> TensorRecord:
        """``input`` and ``previous`` as expressions see them."""
        return TensorRecord(self.nodes.shape(index), self._fixed if fixed else self._pinned)

    def _pinned(self, shape: Shape) -> list[int]:
        return [self.nodes.pin(dim) for dim in shape.spatial]

    def _fixed(self, shape: Shape) -> list[int]:
        if any(isinstance(dim, Size) for dim in shape.spatial):
            raise Fault(
                "size-dependent",
                f"`when` must not depend on the input's size, and this is {formula(shape)}",
                None,
                "decide by channels or a parameter; the network must be the same at every size",
            )
        return self._pinned(shape)

    # -- one step ----------------------------------------------------------------------------------------------------

    def step(self, step: Step, place: Place, loop: Loop, current: int, key: str | None = None) -> tuple[int, int]:
        """Run one copy of a step; gives its value, and the one that the next step reads.

        They differ for a parameter, which the chain passes by.  ``key`` names the step from outside (a branch).
        """
        try:
            read, given, onward = self._apply(step, place, loop, current, key)
        except Fault as fault:
            self.report(fault, place, step.what_span)
            read = given = onward = UNKNOWN
            self._name_unknown(step, place, loop, key)
        except UnknownValue:
            read, given, onward = current, UNKNOWN, UNKNOWN
            self._name_unknown(step, place, loop, key)
        return (read, read) if step.aside else (given, onward)

    def _apply(self, step: Step, place: Place, loop: Loop, current: int, key: str | None) -> tuple[int, int, int]:
        """What a step reads, what it gives, and what the next step reads."""
        reads = references.resolve(self, step, place, loop, current)
        if step.what == "steps":
            return reads[0], *self._group(step, place, loop, reads)
        if step.what == "sequence":
            given = self._sequence(step, place, loop, current, reads, key)
        elif step.what == "reuse":
            given = references.reuse(self, step, place, loop, reads)
        else:
            what = self._what(step, place, loop, current)
            if isinstance(what, Bound):
                given = uses.block(self, what, step, place, loop, current, reads, key)
            else:
                apply = merging.merge if what.kind.merges else operations.primitive
                given = apply(self, what, step, place, loop, current, reads, key)
                if not what.kind.merges and not what.kind.sources:
                    return reads[0], given, current
        return reads[0], given, given

    def _sequence(
        self, step: Step, place: Place, loop: Loop, current: int, reads: Sequence[int], key: str | None
    ) -> int:
        scope = self.open("sequence", step, place, loop, current, key)
        self._one_input(step, reads, "`sequence`")
        inner = Place(scope, place.use, place, modules=True)
        value = self.steps(step.steps or (), inner, loop.own_scope(), reads[0])
        return self.close(step, place, loop, inner, value)

    def _what(self, step: Step, place: Place, loop: Loop, current: int) -> Bound | BoundOp:
        what: Any = step.what
        if "$" in what:
            names = self.names(place, loop, current)
            what = evaluate(Scalar(what, what, step.what_span, False), names, place.use.file)
        return self.blocks.find(what, place.use, step.what_span)

    def _group(self, step: Step, place: Place, loop: Loop, reads: Sequence[int]) -> tuple[int, int]:
        if step.name is not None:
            raise Fault(
                "bad-name", "a `steps` group makes no scope, so it has no name", step.name_span, "use `sequence`"
            )
        self._one_input(step, reads, "`steps`")
        given, onward = self.chain(step.steps or (), place, loop, reads[0])
        self.label(step, place, loop, Entry(given, step.label_span))
        return given, onward

    @staticmethod
    def _one_input(step: Step, reads: Sequence[int], what: str) -> None:
        if len(reads) != 1:
            raise Fault("wrong-inputs", f"{what} takes one input, and `from` names {len(reads)}", step.what_span)

    # -- merges ------------------------------------------------------------------------------------------------------

    # -- names -------------------------------------------------------------------------------------------------------

    def name(self, step: Step, place: Place, loop: Loop, current: int, key: str | None) -> str:
        """The name of a counted step: as given, or its position; taken in its scope from now on."""
        position = str(place.count)
        place.count += 1
        if step.name is None and key is None:
            place.names[position] = Entry(UNKNOWN, step.what_span)
            return position
        span = step.name_span or step.what_span
        name = key if step.name is None else step.name
        if not isinstance(name, str):
            name = text(name, self.names(place, loop, current), span, "a name")
        assert name is not None
        place.claim(name, span, Entry(UNKNOWN, span))
        return name

    def _name_unknown(self, step: Step, place: Place, loop: Loop, key: str | None) -> None:
        """Let later steps name one that failed, so that they do not report it again."""
        try:
            names = {**place.use.values, **loop.names}
            for given in (step.name if key is None else key, step.label):
                if given is not None:
                    name = text(given, names, step.what_span, "a name")
                    place.names.setdefault(name, Entry(UNKNOWN, step.what_span))
        except (Fault, UnknownValue):
            return

    def open(self, kind: Any, step: Step, place: Place, loop: Loop, current: int, key: str | None) -> Scope:
        """A new scope for a step, in its place among the items of the scope around."""
        name = self.name(step, place, loop, current, key)
        scope = Scope(
            kind,
            name,
            place.join(name),
            place.scope,
            step=step,
            loops=loop.loops,
            copy=loop.copy,
            aside=step.aside,
            depth=place.use.depth,
        )
        place.scope.items.append(scope)
        return scope

    def close(self, step: Step, place: Place, loop: Loop, inner: Place, value: int, node: Node | None = None) -> int:
        """Register what a scope gives under its name."""
        inner.scope.output = value
        entry = Entry(value, step.what_span, place=inner, node=node, step=step)
        place.names[inner.scope.name] = entry
        self.label(step, place, loop, entry)
        return value

    def labels_once(self, graph: Graph, label: str) -> bool:
        """Whether a label stands once in a graph that is spliced in."""
        if self._labels is None or self._labels[0] is not graph:
            self._labels = (graph, Counter(node.label for node in graph.nodes))
        return self._labels[1][label] == 1

    def label(self, step: Step, place: Place, loop: Loop, entry: Entry) -> None:
        """Register a step's label, if it has one."""
        if step.label is None:
            return
        span = step.label_span or step.what_span
        name = text(step.label, {**place.use.values, **loop.names}, span, "a label")
        place.label(name, span, entry)
        if entry.value >= 0:
            self.nodes.all[entry.value].label = self.nodes.all[entry.value].label or name

    def report(self, fault: Fault, place: Place, span: Span | None = None) -> None:
        """Keep a fault, with the stack of block uses that led there."""
        found = fault.diagnostic
        self.diagnostics.error(
            found.code, found.message, found.span or span, found.hint, details=found.details, stack=place.scope.stack()
        )
