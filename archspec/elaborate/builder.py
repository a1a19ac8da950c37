"""The state of an elaboration: nodes, names, labels, diagnostics.

The walk over the steps is in :mod:`archspec.elaborate.walk`, and is passed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from archspec.diagnostics import Diagnostics, Fault, Span
from archspec.elaborate.blocks import Blocks
from archspec.elaborate.defaults import Defaults
from archspec.elaborate.fewest import Fewest
from archspec.elaborate.loader import Loader, Variant
from archspec.elaborate.making import Making
from archspec.elaborate.mismatch import formula
from archspec.elaborate.nodes import Nodes
from archspec.elaborate.places import UNKNOWN, Entry, Loop, Place, Visit
from archspec.elaborate.stamps import Branched, Watch
from archspec.elaborate.values import TensorRecord, text
from archspec.graph import Graph, Node, Part, Scope, ScopeKind
from archspec.ops import Op, Shape
from archspec.schema import Step
from archspec.sizes import Size
from archspec.syntax import Scalar


class Walk(Protocol):
    """The interface of the walk, which runs steps."""

    def steps(self, steps: Sequence[Step], place: Place, loop: Loop, current: int) -> int:
        """Run steps one after another; returns the value of the last."""
        ...

    def step(self, visit: Visit) -> tuple[int, int]:
        """Run one copy of a step; returns its value, and the value that the next step reads."""
        ...

    def copies(self, step: Step, place: Place, loop: Loop) -> Iterator[Loop]:
        """The copies of a step that ``for`` and ``repeat`` make."""
        ...

    def wanted(self, visit: Visit) -> bool:
        """Whether ``when`` keeps this copy of a step."""
        ...


Alone = Callable[[Variant, Mapping[str, tuple[Any, Span]]], Graph | None]
"""A function that elaborates a spec by itself, with values for its parameters."""


class Builder:
    """One elaboration: the nodes made so far, the blocks found, the diagnostics."""

    walk: Walk
    alone: Alone

    def __init__(self, loader: Loader, maximum_nodes: int, maximum_depth: int) -> None:
        self.loader = loader
        self.diagnostics: Diagnostics = loader.diagnostics
        self.watch = Watch()
        self.blocks = Blocks(loader, self.watch)
        self.making = Making(None if loader.shelf is None else loader.shelf.ops)
        self.fewest = Fewest() if loader.shelf is None else loader.shelf.fewest
        self.defaults = Defaults(loader, self.watch)
        self.work = loader.work
        self.nodes = Nodes(self.diagnostics, self.work, maximum_nodes)
        self.maximum_depth = maximum_depth
        self.numbers: tuple[tuple[str, int], ...] = ()
        """The spec's own sizes, in the order of their names."""
        self.parts: list[Part] = []
        self._labels: tuple[Graph, Counter[str | None]] | None = None
        self.branches: dict[Step, list[tuple[Scalar | None, tuple[Step, ...], bool]]] = {}
        self.constant: dict[Step, Op] = {}
        self.merging: set[Step] = set()
        """Merges with more than one branch in some use."""
        self.lone: dict[Step, tuple[Step, Step]] = {}
        """Merges with only one branch so far, and the branch that ``when`` removed."""

    def names(self, place: Place, loop: Loop, current: int, fixed: bool = False) -> dict[str, Any]:
        """The names that an expression of a step can use.  ``fixed``: it must not depend on sizes (``when``)."""
        use = place.use
        records = use.records if not fixed else self.records(use.inputs, True)
        return {**use.values, **records, **loop.names, "previous": self.record(current, fixed)}

    def records(self, inputs: Mapping[str, int], fixed: bool = False) -> dict[str, Any]:
        """The inputs of a block as expressions see them: a list for one that is several, ``input`` for the first."""
        found: dict[str, Any] = {}
        for name, index in inputs.items():
            head, dot, _ = name.partition(".")
            if dot:
                found.setdefault(head, []).append(self.record(index, fixed))
            else:
                found[name] = self.record(index, fixed)
        found["input"] = self.record(next(iter(inputs.values()), UNKNOWN), fixed)
        return found

    def record(self, index: int, fixed: bool = False) -> TensorRecord:
        """``input`` or ``previous``, as seen by expressions."""
        return TensorRecord(self.nodes.shape(index), self._fixed if fixed else self._pinned)

    def _pinned(self, shape: Shape) -> list[int]:
        return [self.nodes.pin(dim) for dim in shape.spatial]

    def _fixed(self, shape: Shape) -> list[int]:
        if any(isinstance(dim, Size) for dim in shape.spatial):
            raise Fault(
                "size-dependent",
                f"`when` must not depend on the input's size, and this is {formula(shape)}",
                None,
                "test channels or a parameter instead; the network must be the same at every size",
            )
        return self._pinned(shape)

    def name(self, visit: Visit) -> str:
        """The name of a counted step, given or its position; it is then taken in its scope."""
        step, place, key = visit.step, visit.place, visit.key
        position = str(place.count)
        place.count += 1
        if step.name is None and key is None:
            place.names[position] = Entry(UNKNOWN, step.what_span)
            return position
        span = step.name_span or step.what_span
        name = step.name if key is None else key
        if not isinstance(name, str):
            name = text(name, self.names(place, visit.loop, visit.current), span, "a name", self.work)
        assert name is not None
        place.claim(name, span, Entry(UNKNOWN, span))
        return name

    def container(self, place: Place, name: str, visit: Visit) -> Place:
        """The container for the next part of a dotted name: a new scope, which shares its names with earlier ones."""
        span = visit.step.name_span or visit.step.what_span
        known = place.names.get(name)
        if known is None or known.place is None or known.place.scope.kind != "container":
            place.claim(name, span, Entry(UNKNOWN, span))
        loop = visit.loop
        scope = Scope(
            "container",
            name,
            place.join(name),
            place.scope,
            loops=loop.loops,
            copy=loop.copy,
            depth=place.use.depth,
        )
        place.scope.items.append(scope)
        inner = Place(scope, place.use, place, modules=True, start=place.start)
        if known is not None and known.place is not None:
            inner.names = known.place.names
        place.names[name] = Entry(UNKNOWN, span, place=inner)
        return inner

    def open(self, kind: ScopeKind, visit: Visit) -> Scope:
        """A new scope for a step, added to the items of the surrounding scope."""
        step, place, loop = visit.step, visit.place, visit.loop
        name = self.name(visit)
        scope = Scope(
            kind,
            name,
            place.join(name),
            place.scope,
            step=step,
            loops=loop.loops,
            copy=loop.copy,
            aside=step.aside,
            checkpoint=step.checkpoint,
            depth=place.use.depth,
        )
        place.scope.items.append(scope)
        return scope

    def begin(self, visit: Visit, inner: Place) -> Place:
        """Let the steps of an open scope be named by its path as well; gives the place of the scope."""
        visit.place.names[inner.scope.name] = Entry(UNKNOWN, visit.step.what_span, place=inner)
        return inner

    def close(self, visit: Visit, inner: Place, value: int, node: Node | None = None) -> int:
        """Register the value of a scope under its name."""
        inner.scope.output = value
        entry = Entry(value, visit.step.what_span, place=inner, node=node, step=visit.step)
        visit.place.names[inner.scope.name] = entry
        self.label(visit, entry)
        return value

    def branched(self, merge: Branched) -> None:
        """Note which branches a merge has in a use, for the warning of one that has a single branch in every use."""
        self.watch.act(merge)
        if merge.step in self.merging:
            return
        if merge.many:
            self.merging.add(merge.step)
            self.lone.pop(merge.step, None)
        elif merge.dropped is not None:
            self.lone[merge.step] = (merge.step, merge.dropped)

    def labels_once(self, graph: Graph, label: str) -> bool:
        """Whether a label occurs only once in a graph that is spliced in."""
        if self._labels is None or self._labels[0] is not graph:
            self._labels = (graph, Counter(node.label for node in graph.nodes))
        return self._labels[1][label] == 1

    def label(self, visit: Visit, entry: Entry) -> None:
        """Register a step's label, if it has one."""
        step, place = visit.step, visit.place
        if step.label is None:
            return
        span = step.label_span or step.what_span
        name = text(step.label, {**place.use.values, **visit.loop.names}, span, "a label", self.work)
        place.label(name, span, entry)
        if entry.value in place.use.inputs.values():
            self.watch.unequal += 1  # the label stays on a node outside
        if entry.value >= 0:
            self.nodes.all[entry.value].label = self.nodes.all[entry.value].label or name

    def report(self, fault: Fault, place: Place, span: Span | None = None) -> None:
        """Keep a fault, with the stack of block uses around it."""
        found = fault.diagnostic
        self.diagnostics.add(replace(found, span=found.span or span, stack=place.stack()))
