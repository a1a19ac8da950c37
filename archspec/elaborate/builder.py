"""The walk over a spec's steps that makes the graph.

Steps run in the order written; each gives a value (the index of a node), which the next one reads.  What fails is
reported, its value is unknown, and whatever reads it is passed over, so that one run finds every independent fault.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archspec import expressions
from archspec.diagnostics import Diagnostics, Fault, Span, printable
from archspec.elaborate import network, references
from archspec.elaborate.blocks import Blocks, Bound, BoundOp
from archspec.elaborate.loader import Loader, Variant
from archspec.elaborate.nodes import Nodes, formula
from archspec.elaborate.places import OUTSIDE, UNKNOWN, Entry, Loop, Place, Use
from archspec.elaborate.values import TensorRecord, UnknownValue, arguments, bind, evaluate, text
from archspec.graph import Graph, Node, Scope
from archspec.ops import Op, Shape
from archspec.schema import Step, parse_step, parse_steps
from archspec.sizes import Size
from archspec.source import Items, Scalar
from archspec.source import Mapping as YamlMapping
from archspec.source import Node as YamlNode

MAXIMUM_NODES = 1_000_000
MAXIMUM_DEPTH = 100
_RECURSION = 20_000


def elaborate(
    variant: Variant,
    loader: Loader,
    overrides: Mapping[str, Any] | None = None,
    sizes: Mapping[str, int] | None = None,
    maximum_nodes: int = MAXIMUM_NODES,
    maximum_depth: int = MAXIMUM_DEPTH,
) -> Graph | None:
    """The graph of a spec, with ``overrides`` for parameters and ``sizes``; None, with diagnostics added, when it has errors."""
    builder = Builder(loader, maximum_nodes, maximum_depth)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION))
    try:
        return network.build(builder, variant, overrides or {}, sizes or {})
    finally:
        sys.setrecursionlimit(limit)


class Builder:
    """One elaboration: the nodes made so far, the blocks found, the diagnostics."""

    def __init__(self, loader: Loader, maximum_nodes: int, maximum_depth: int) -> None:
        self.loader = loader
        self.diagnostics: Diagnostics = loader.diagnostics
        self.blocks = Blocks(loader)
        self.nodes = Nodes(self.diagnostics, maximum_nodes)
        self.maximum_depth = maximum_depth
        self._branches: dict[int, list[tuple[Scalar | None, tuple[Step, ...], bool]]] = {}
        self._constant: dict[int, Op] = {}

    # -- copies ------------------------------------------------------------------------------------------------------

    def steps(self, steps: Sequence[Step], place: Place, loop: Loop, current: int) -> int:
        """Run steps one after the other; gives the value of the last."""
        for step in steps:
            for copy in self.copies(step, place, loop):
                if self.wanted(step, place, copy, current):
                    current = self.step(step, place, copy, current)
        return current

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
                raise Fault("wrong-value", f"`repeat` is {count}, and a step cannot be repeated so often", step.repeat.span)
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
                    "not-a-condition", f"`when` is true or false, and this is `{shown}`", step.when.span,
                    "compare it with something: `n > 0`",
                )  # fmt: skip
            return found
        except Fault as fault:
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
        shape = self.nodes.shape(index)

        def size(of: Shape) -> list[int]:
            numbers: list[int] = []
            for dim in of.spatial:
                if isinstance(dim, Size) and fixed:
                    raise Fault(
                        "size-dependent", f"`when` must not depend on the input's size, and this is {formula(of)}", None,
                        "decide by channels or a parameter; the network must be the same at every size",
                    )  # fmt: skip
                numbers.append(self.nodes.pin(dim))
            return numbers

        return TensorRecord(shape, size)

    # -- one step ----------------------------------------------------------------------------------------------------

    def step(self, step: Step, place: Place, loop: Loop, current: int, key: str | None = None) -> int:
        """Run one copy of a step; gives the value the chain goes on from.  ``key`` names it from outside (a branch)."""
        try:
            read, given = self._apply(step, place, loop, current, key)
        except Fault as fault:
            self.report(fault, place, step.what_span)
            read = given = UNKNOWN
            self._name_unknown(step, place, loop, key)
        except UnknownValue:
            read, given = current, UNKNOWN
            self._name_unknown(step, place, loop, key)
        return read if step.aside else given

    def _apply(self, step: Step, place: Place, loop: Loop, current: int, key: str | None) -> tuple[int, int]:
        reads = references.resolve(self, step, place, loop, current)
        if step.what == "steps":
            return reads[0], self._group(step, place, loop, reads)
        if step.what == "sequence":
            scope = self.open("sequence", step, place, loop, current, key)
            self._one_input(step, reads, "`sequence`")
            inner = Place(scope, place.use, place, modules=True)
            return reads[0], self.close(step, place, loop, inner, self.steps(step.steps or (), inner, loop.own_scope(), reads[0]))
        if step.what == "reuse":
            return reads[0], references.reuse(self, step, place, loop, reads)
        what = self._what(step, place, loop, current)
        if isinstance(what, Bound):
            return reads[0], self.block(what, step, place, loop, current, reads, key)
        bound: Mapping[str, Any] = {}
        if isinstance(what, BoundOp):
            what, bound = what.kind, what.arguments
        if what.merges:
            return reads[0], self.merge(what, bound, step, place, loop, current, reads, key)
        value = self.primitive(what, bound, step, place, loop, current, reads, key)
        return reads[0], value if what.sources else current

    def _what(self, step: Step, place: Place, loop: Loop, current: int) -> type[Op] | Bound | BoundOp:
        what: Any = step.what
        if "$" in what:
            names = self.names(place, loop, current)
            what = evaluate(Scalar(what, what, step.what_span, False), names, place.use.file)
        return self.blocks.find(what, place.use, step.what_span)

    def _group(self, step: Step, place: Place, loop: Loop, reads: Sequence[int]) -> int:
        if step.name is not None:
            raise Fault("bad-name", "a `steps` group makes no scope, so it has no name", step.name_span, "use `sequence`")
        self._one_input(step, reads, "`steps`")
        given = self.steps(step.steps or (), place, loop, reads[0])
        self.label(step, place, loop, Entry(given, step.label_span))
        return given

    @staticmethod
    def _one_input(step: Step, reads: Sequence[int], what: str) -> None:
        if len(reads) != 1:
            raise Fault("wrong-inputs", f"{what} takes one input, and `from` names {len(reads)}", step.what_span)

    # -- ops ---------------------------------------------------------------------------------------------------------

    def primitive(
        self, kind: type[Op], bound: Mapping[str, Any], step: Step, place: Place, loop: Loop, current: int,
        reads: Sequence[int], key: str | None,
    ) -> int:  # fmt: skip
        """One application of an op that is no merge; ``bound`` are arguments given with it as a value."""
        op, referred = self.operation(kind, bound, step, place, loop, current)
        if kind.sources and len(reads) != kind.sources:
            raise Fault("wrong-inputs", f"`{step.what}` takes one input, and `from` names {len(reads)}", step.what_span)
        inputs = (*(reads if kind.sources else ()), *referred)
        if kind.keyword == "identity" and step.name is None and key is None and not place.modules:
            place.count += 1
            self.label(step, place, loop, Entry(reads[0], step.what_span))
            return reads[0]
        name = self.name(step, place, loop, current, key)
        node = self.nodes.add(op, inputs, step, place, loop, name, named=step.name is not None or key is not None)
        if loop.merged and name.isdigit() and node is not None and op.weights(self.nodes.shapes(inputs)):
            raise Fault(
                "unnamed-in-merge", f"this `{step.what}` has weights and stands in a merge that has no name, so it needs one",
                step.what_span, f"write `{step.what} as …`, or name the merge",
            )  # fmt: skip
        index = node.index if node is not None else UNKNOWN
        entry = Entry(index, step.what_span, node=node, step=step)
        place.names[name] = entry
        self.label(step, place, loop, entry)
        return index

    def operation(
        self, kind: type[Op], bound: Mapping[str, Any], step: Step, place: Place, loop: Loop, current: int,
        skip: frozenset[str] = frozenset(),
    ) -> tuple[Op, tuple[int, ...]]:  # fmt: skip
        """The op of a step, its arguments checked, and the values its references name."""
        constant = self._constant.get(id(step))
        if constant is not None:
            return constant, ()
        names = self.names(place, loop, current)
        given: dict[str, tuple[Any, Span]] = {name: (value, step.what_span) for name, value in bound.items()}
        if isinstance(step.body, YamlMapping):
            inner = [(key, value) for key, value in step.body.entries if str(key.text) not in skip]
            given |= arguments(YamlMapping(tuple(inner), step.body.span), names, place.use.file, step.what)
        elif not kind.merges:
            given |= arguments(step.body, names, place.use.file, step.what)
        if step.init is not None:
            if "init" in given:
                raise Fault("name-twice", "`init` stands both beside the step and among its arguments", step.init.span)
            given["init"] = (evaluate(step.init, names, place.use.file), step.init.span)
        defaults = self.blocks.defaults(kind, place.use)
        op = self.blocks.make(kind, given, defaults, step)
        referred: list[int] = []
        for field in kind.references:
            target = getattr(op, field)
            if target is not None:
                span = given[field][1] if field in given else step.what_span
                referred.append(place.find(str(target), span, current).value)
        if not referred and not kind.references and self.blocks.is_constant(step, place.use):
            self._constant[id(step)] = op
        return op, tuple(referred)

    # -- merges ------------------------------------------------------------------------------------------------------

    def merge(
        self, kind: type[Op], bound: Mapping[str, Any], step: Step, place: Place, loop: Loop, current: int,
        reads: Sequence[int], key: str | None,
    ) -> int:  # fmt: skip
        """An add, multiply or concat: of branches, or of what ``from`` lists."""
        branches = self.branches(kind, step)
        inner, inside = place, loop.branch()
        if step.name is not None or key is not None:
            scope = self.open("merge", step, place, loop, current, key)
            inner, inside = Place(scope, place.use, place, modules=True), loop.own_scope()
        fields = frozenset(str(k.text) for k, _, _ in branches if k is not None)
        op, _ = self.operation(kind, bound, step, place, loop, current, skip=fields)
        if branches:
            if len(reads) != 1:
                raise Fault(
                    "wrong-inputs", f"every branch of `{step.what}` starts from one value, and `from` names {len(reads)}",
                    step.what_span, "give branches, or a list of names, not both",
                )  # fmt: skip
            values = [value for branch in branches for value in self.branch(branch, inner, inside, reads[0])]
        else:
            values = list(reads)
            if step.body is not None and not isinstance(step.body, YamlMapping):
                raise Fault("no-branches", f"`{step.what}` has no branches", step.what_span)
            if len(values) == 1 and step.reads is None:
                raise Fault(
                    "no-branches", f"`{step.what}` has nothing to merge", step.what_span,
                    "give it branches, or several names: `from: [previous, other]`",
                )  # fmt: skip
        if not values:
            raise Fault("no-branches", f"`when` has left no branch of `{step.what}`", step.what_span)
        node = None
        index = values[0]
        if len(values) > 1:
            node = self.nodes.add(op, tuple(values), step, inner, loop, "", named=False)
            index = node.index if node is not None else UNKNOWN
        if inner is not place:
            return self.close(step, place, loop, inner, index, node)
        self.label(step, place, loop, Entry(index, step.what_span, node=node, step=step))
        return index

    def branches(self, kind: type[Op], step: Step) -> list[tuple[Scalar | None, tuple[Step, ...], bool]]:
        """The branches of a merge: key, steps, and whether it is one bare step."""
        found = self._branches.get(id(step))
        if found is None:
            found = []
            if isinstance(step.body, Items):
                found = [self._branch(None, item) for item in step.body.items]
            elif isinstance(step.body, YamlMapping):
                fields = kind.model_fields
                found = [self._branch(k, item) for k, item in step.body.entries if str(k.text) not in fields]
            elif step.body is not None:
                raise Fault("wrong-type", f"`{step.what}` takes a list of branches", step.body.span)
            self._branches[id(step)] = found
        return found

    def _branch(self, key: Scalar | None, node: YamlNode) -> tuple[Scalar | None, tuple[Step, ...], bool]:
        if isinstance(node, Items):
            return key, parse_steps(node.items, self.diagnostics), False
        if isinstance(node, Scalar) and node.value is None:
            raise Fault("not-a-step", "a branch is a list of steps or one step", node.span, "write `[]` for the identity")
        return key, (parse_step(node, self.diagnostics),), True

    def branch(
        self, branch: tuple[Scalar | None, tuple[Step, ...], bool], place: Place, loop: Loop, start: int
    ) -> Iterator[int]:
        """The values of one branch as written: one, none where ``when`` drops it, several where ``for`` multiplies it."""
        key, steps, bare = branch
        numbered = place.scope.kind == "merge"
        if bare:
            step = steps[0]
            for copy in self.copies(step, place, loop):
                if self.wanted(step, place, copy, start):
                    name = str(key.value) if key is not None else None
                    if step.name is not None and key is not None:
                        yield self._scoped(key, steps, place, copy, start)
                    else:
                        yield self.step(step, place, copy, start, name)
            return
        if key is None and not numbered:
            yield self.steps(steps, place, loop, start)
            return
        yield self._scoped(key, steps, place, loop, start)

    def _scoped(self, key: Scalar | None, steps: tuple[Step, ...], place: Place, loop: Loop, start: int) -> int:
        """A branch that is a scope: keyed, or numbered by a named merge."""
        name = str(key.value) if key is not None else str(place.count)
        place.count += 1
        scope = Scope("branch", name, place.join(name), place.scope, loops=loop.loops, copy=loop.copy, depth=place.scope.depth)
        inner = Place(scope, place.use, place, modules=True)
        if key is not None:
            place.claim(name, key.span, Entry(UNKNOWN, key.span))
        place.scope.items.append(scope)
        value = self.steps(steps, inner, loop.own_scope(), start)
        scope.output = value
        place.names[name] = Entry(value, key.span if key is not None else None, place=inner)
        return value

    # -- blocks ------------------------------------------------------------------------------------------------------

    def block(
        self, bound: Bound, step: Step, place: Place, loop: Loop, current: int, reads: Sequence[int], key: str | None
    ) -> int:
        """One use of a block."""
        definition = bound.definition
        depth = place.use.depth + 1
        if depth > self.maximum_depth:
            raise Fault(
                "block-depth", f"blocks are nested more than {self.maximum_depth} deep at `{definition.name}`", step.what_span,
                "a block that uses itself needs a `when` that ends it",
            )  # fmt: skip
        given = arguments(step.body, self.names(place, loop, current), place.use.file, step.what)
        for name in bound.arguments:
            if name in given:
                raise Fault("name-twice", f"`{name}` is already bound where the block was given", given[name][1])
        given = {
            **bound.overlay,
            **{name: (value, step.what_span) for name, value in bound.arguments.items()},
            **self.blocks.block_defaults(definition.name, place.use),
            **given,
        }
        inputs = references.block_inputs(definition, reads, step)
        scope = self.open("block", step, place, loop, current, key)
        scope.block = definition
        scope.inputs = tuple(inputs.values())
        scope.depth = depth
        records = {name: self.record(index) for name, index in inputs.items()}
        records["input"] = self.record(next(iter(inputs.values())))
        values = bind(definition, given, step.what_span, self.diagnostics, scope.stack(), {**bound.values, **records})
        values = {**bound.values, **values}
        scope.values = values
        spec_values = values if definition.file.whole is definition else (
            place.use.spec_values if definition.file is place.use.file else bound.values
        )
        use = Use(definition, definition.file, values, inputs, spec_values, depth, place.use, records=records)
        inner = Place(scope, use, place, modules=False)
        value = self.steps(definition.steps, inner, OUTSIDE, next(iter(inputs.values())))
        if definition.model.outputs:
            value = network.block_output(self, definition, inner, value)
        value = self.close(step, place, loop, inner, value)
        if loop.merged and scope.name.isdigit() and self.nodes.has_weights(scope):
            raise Fault(
                "unnamed-in-merge", f"this `{step.what}` has weights and stands in a merge that has no name, so it needs one",
                step.what_span, f"write `{step.what} as …`, or name the merge",
            )  # fmt: skip
        return value

    # -- names -------------------------------------------------------------------------------------------------------

    def name(self, step: Step, place: Place, loop: Loop, current: int, key: str | None) -> str:
        """The name of a counted step: as given, or its position; taken in its scope from now on."""
        position = str(place.count)
        place.count += 1
        if step.name is None and key is None:
            place.names[position] = Entry(UNKNOWN, step.what_span)
            return position
        span = step.name_span or step.what_span
        name = key if step.name is None else text(step.name, self.names(place, loop, current), span, "a name")
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
            kind, name, place.join(name), place.scope, step=step, loops=loop.loops, copy=loop.copy, aside=step.aside,
            depth=place.use.depth,
        )  # fmt: skip
        place.scope.items.append(scope)
        return scope

    def close(self, step: Step, place: Place, loop: Loop, inner: Place, value: int, node: Node | None = None) -> int:
        """Register what a scope gives under its name."""
        inner.scope.output = value
        entry = Entry(value, step.what_span, place=inner, node=node, step=step)
        place.names[inner.scope.name] = entry
        self.label(step, place, loop, entry)
        return value

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


