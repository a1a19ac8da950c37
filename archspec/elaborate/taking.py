"""Taking down what a use of a block made, as a stamp for equal uses."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.elaborate.builder import Builder
from archspec.elaborate.places import UNKNOWN, Entry, Place
from archspec.elaborate.stamps import Act, EntryStamp, NodeStamp, PlaceStamp, ScopeStamp, Stamp
from archspec.graph import Node, Scope


class Unequal(Exception):
    """What a use made depends on more than its key says."""


class Taking:
    """One use of a block, or one sequence, while its steps are walked; begun before the first.

    ``inputs`` are the values that it reads.
    """

    def __init__(self, builder: Builder, place: Place, inputs: Sequence[int]) -> None:
        self.builder, self.place = builder, place
        self._whole = place.scope.block is not None
        self._inputs = {value: -2 - position for position, value in reversed([*enumerate(inputs)])}
        self._start = len(builder.nodes.all)
        self._before = self._state()
        watch = builder.watch
        self._outer = watch.acts, watch.deepest, watch.reach, watch.asked
        watch.acts, watch.deepest, watch.reach = {}, place.use.depth, place.use.depth
        watch.asked = place.use.depth + 1
        self._at = self._counts()
        self._numbers: dict[Scope, int] = {}
        self._entries: dict[Entry, EntryStamp] = {}

    def _state(self) -> tuple[int, ...]:
        """What must not change while the steps run."""
        builder = self.builder
        return (builder.diagnostics.told, builder.watch.unequal, len(builder.parts), len(builder.nodes.misfits))

    def _counts(self) -> tuple[int, int, int, int]:
        nodes, work = self.builder.nodes, self.builder.work
        return work.copies, work.spent, len(nodes.trial.pins), len(nodes.seconds)

    def end(self, value: int | None) -> Stamp | None:
        """The stamp of the use, whose value this is; None if it does not hold for equal uses."""
        watch = self.builder.watch
        acts, deepest, reach, asked = watch.acts or {}, watch.deepest, watch.reach, watch.asked
        outer, outer_deepest, outer_reach, outer_asked = self._outer
        if outer is not None:
            outer.update(acts)
        watch.acts, watch.deepest, watch.reach = outer, max(outer_deepest, deepest), min(outer_reach, reach)
        watch.asked = min(outer_asked, asked)
        own = self.place.use.depth
        if not self._whole and (asked <= own or self._labels_outside()):
            return None  # what a name means there is not known from the key
        if value is None or value == UNKNOWN or reach < own or self._state() != self._before:
            return None
        try:
            return self._stamp(value, deepest - own, tuple(acts))
        except Unequal:
            return None

    def _labels_outside(self) -> bool:
        """Whether a label stays on a value from before the sequence; it began without labels."""
        return any(entry.value < self._start for entry in self.place.use.labels.values())

    def _stamp(self, value: int, deepest: int, acts: tuple[Act, ...]) -> Stamp:
        nodes = self.builder.nodes
        items: list[NodeStamp | ScopeStamp] = []
        self._scope(self.place.scope, items)
        if sum(isinstance(item, NodeStamp) for item in items) != len(nodes.all) - self._start:
            raise Unequal
        copies, spent, pins, seconds = self._at
        now = self._counts()
        return Stamp(
            tuple(items),
            self._place(self.place, None),
            self._value(value),
            len(nodes.all) - self._start,
            now[0] - copies,
            now[1] - spent,
            deepest,
            tuple((dim, number, index - self._start) for dim, number, index in nodes.trial.pins[pins:]),
            tuple((self._value(one), self._value(two)) for one, two in [*nodes.seconds.items()][seconds:]),
            acts,
        )

    def _value(self, index: int) -> int:
        if index >= self._start:
            return index - self._start
        if index == UNKNOWN:
            return UNKNOWN
        try:
            return self._inputs[index]
        except KeyError:
            raise Unequal from None

    def _values(self, indices: Sequence[int]) -> tuple[int, ...]:
        return tuple(map(self._value, indices))

    def _scope(self, scope: Scope, items: list[NodeStamp | ScopeStamp]) -> None:
        """The items of a scope, and of the scopes inside, in the order they were made."""
        number = self._numbers[scope] = len(self._numbers)
        for item in scope.items:
            if isinstance(item, Node):
                items.append(self._node(item, number))
            else:
                items.append(self._inner(item, number))
                self._scope(item, items)

    def _node(self, node: Node, scope: int) -> NodeStamp:
        if node.op is None or node.step is None or node.span is not node.step.what_span:
            raise Unequal
        reuse = None
        if node.reuse is not None:
            reuse = self._value(node.reuse.index)
            if reuse < 0:
                raise Unequal
        return NodeStamp(
            node.op,
            self._values(node.inputs),
            node.shape,
            scope,
            node.name,
            node.step,
            node.loops,
            node.copy,
            node.pinned,
            node.label,
            node.named,
            node.counted,
            node.is_module,
            reuse,
            node.aside,
        )

    def _inner(self, scope: Scope, parent: int) -> ScopeStamp:
        reuse = None if scope.reuse is None else self._numbers.get(scope.reuse)
        if scope.reuse is not None and reuse is None:
            raise Unequal
        return ScopeStamp(
            scope.kind,
            scope.name,
            parent,
            scope.block,
            scope.step,
            scope.values,
            scope.loops,
            scope.copy,
            self._values(scope.inputs),
            scope.input_names,
            self._value(scope.output),
            reuse,
            scope.aside,
            scope.checkpoint,
            scope.depth - self.place.use.depth,
        )

    def _place(self, place: Place, around: Place | None) -> PlaceStamp:
        place.fill()
        use = place.use
        own = self._whole if around is None else around.use is not use
        if own and place.scope.block is None:  # of a block written inline
            raise Unequal
        return PlaceStamp(
            self._numbers[place.scope],
            place.modules,
            {name: self._entry(entry, place) for name, entry in place.names.items()},
            {name: self._entry(entry, place) for name, entry in use.labels.items()} if own or around is None else {},
            {name: self._value(index) for name, index in use.inputs.items()} if own else None,
        )

    def _entry(self, entry: Entry, around: Place) -> EntryStamp:
        found = self._entries.get(entry)
        if found is None:
            node = None if entry.node is None else self._value(entry.node.index)
            if node is not None and node < 0:
                raise Unequal
            place = None if entry.place is None else self._place(entry.place, around)
            found = EntryStamp(self._value(entry.value), entry.span, place, node, entry.step)
            self._entries[entry] = found
        return found
