"""The values that the entries of a class read, and their channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families import algebra, sums
from archspec.families.arguments import input_key
from archspec.families.items import Item, Reader
from archspec.families.solver import Mismatch, Solver
from archspec.families.templates import Entry, Ref, Template
from archspec.graph import Scope


def child_of(item: Item, templates: dict[Scope, Template]) -> Template | None:
    """The class that an item is a use of, or None."""
    if item.kind != "call" or not isinstance(item.what, Scope):
        return None
    return templates[item.what.reuse or item.what]


class Wiring:
    """The values of the class being built, its inputs and the results of its entries, with their nodes in every use."""

    def __init__(
        self,
        reader: Reader,
        uses: Sequence[Scope],
        templates: dict[Scope, Template],
        expected: Iterable[str] = (),
    ) -> None:
        self.reader = reader
        self.flow = reader.flow
        self.nodes = reader.nodes
        self.uses = list(uses)
        self.templates = templates
        self.every = list(range(len(self.uses)))
        self.inputs = [reader.inputs_of(scope) for scope in uses]
        if len({len(inputs) for inputs in self.inputs}) != 1:
            raise Mismatch("the uses read different numbers of values")
        self.chain = reader.is_chain(self.uses[0])
        self.solver = Solver(reader.flow, self.uses, self.inputs, expected)
        self.values: list[dict[int, Ref]] = [
            {index: Ref(-1, position) for position, index in reversed(list(enumerate(inputs)))}
            for inputs in self.inputs
        ]
        self.channels: dict[Ref, Tree] = {}
        for position in range(len(self.inputs[0])):
            self.channels[Ref(-1, position)] = self._input_channels(position)
        self.entries: list[Entry] = []
        """The entries of a class with a forward, by number."""
        self.top: list[Entry] = []
        """The entries in no loop."""

    def _input_channels(self, position: int) -> Tree:
        values = [self.solver.channels(inputs[position]) for inputs in self.inputs]
        if all(value == values[0] for value in values):
            return algebra.constant(values[0])
        return algebra.name(input_key(position))

    def mark(self) -> tuple[Any, ...]:
        """The present state, for :meth:`back_to`."""
        aliases = [(entry, entry.alias) for entry in self.entries]
        values = [dict(values) for values in self.values]
        return self.solver.snapshot(), list(self.entries), list(self.top), dict(self.channels), values, aliases

    def back_to(self, mark: tuple[Any, ...]) -> None:
        """Return to a mark, without what was made since; a mark can be used once."""
        solver, self.entries, self.top, self.channels, self.values, aliases = mark
        self.solver.restore(solver)
        for entry, alias in aliases:
            entry.alias = alias

    def reads(self, items: list[Item | None]) -> list[list[Ref | None]]:
        """For each input of an entry, the value that each use reads."""
        count = next(len(self.formal(item)) for item in items if item is not None)
        table: list[list[Ref | None]] = [[] for _ in range(count)]
        for use, item in enumerate(items):
            formal = self.formal(item) if item is not None else None
            if formal is not None and len(formal) != count:
                raise Mismatch("the uses read different numbers of values")
            for position in range(count):
                table[position].append(None if formal is None else self.value(use, formal[position]))
        return table

    def value(self, use: int, index: int) -> Ref:
        """The value of a node in a use; raises :class:`Mismatch` where the class does not have it."""
        if index not in self.values[use]:
            raise Mismatch("a value comes from outside the class")
        return self.values[use][index]

    def formal(self, item: Item) -> Sequence[int]:
        """The nodes an item is called with, in the order of its class's inputs."""
        child = child_of(item, self.templates)
        if child is None or not isinstance(item.what, Scope) or not item.live:
            return item.reads
        if item.what.reuse is not None:
            return self.reader.inputs_of(item.what)
        return child.inputs[child.place[item.what]]

    def phi(self, read: Sequence[Ref | None], before: int) -> Ref:
        """The single value that every use reads, where an entry that a use lacks is replaced by its alias."""
        refs = [(use, ref) for use, ref in enumerate(read) if ref is not None]
        top = max((ref for _, ref in refs), key=lambda ref: (ref.entry, ref.output))
        other = [(use, ref) for use, ref in refs if ref != top]
        if not other:
            return top
        if top.entry < 0:
            raise Mismatch("the uses read different inputs")
        entry = self.entries[top.entry]
        if any(entry.items[use] is not None for use, _ in other):
            raise Mismatch("the uses are wired differently")
        others = dict(other)
        below = self.phi([others.get(use) for use in self.every], top.entry)
        if entry.alias is not None and not self._passes_on(entry.alias, below, others):
            raise Mismatch("the uses are wired differently")
        entry.alias = entry.alias or below
        return top

    def _passes_on(self, ref: Ref, below: Ref, uses: Iterable[int]) -> bool:
        """Whether a value is ``below`` in some uses, since these lack each entry between them."""
        while ref != below:
            other = self.entries[ref.entry] if ref.entry >= 0 else None
            if other is None or other.alias is None or any(other.items[use] is not None for use in uses):
                return False
            ref = other.alias
        return True

    def note_channels(
        self, entry: Entry, number: int, where: Sequence[int], turns: Sequence[int] | None = None
    ) -> None:
        """Find formulas for the output channels of an entry."""
        there = [(use, item) for use, item in zip(where, entry.items, strict=True) if item is not None]
        outputs = max((item.outputs or len(item.gives) for _, item in there), default=0)
        for output in range(outputs):
            values = [self.last_width(item, output) for _, item in there]
            before = [self.channels[ref] for ref in entry.reads if ref in self.channels]
            if len(before) != len(entry.reads):
                before = []
            found = self.channel_formula(entry, values, [use for use, _ in there], output, before, turns)
            if found is not None:
                self.channels[Ref(number, output)] = found

    def last_width(self, item: Item, output: int) -> int | None:
        """The channels of an item's output; None where they are not known."""
        index = next((index for index, place in item.gives.items() if place == output), None)
        return None if index is None else self.solver.channels(index)

    def channel_formula(
        self,
        entry: Entry,
        values: Sequence[int | None],
        where: Sequence[int],
        output: int,
        before: Sequence[Tree],
        turns: Sequence[int] | None = None,
    ) -> Tree | None:
        """A formula for an entry's output channels: a guess from its kind, kept if it is right in every use."""
        if any(value is None for value in values):
            return None
        guesses: list[Tree] = []
        if isinstance(entry.head, Template):
            inner = entry.head.channels[output] if output < len(entry.head.channels) else None
            if inner is not None:
                guesses.append(tidy(algebra.put(inner, {str(slot.keyword): slot.tree for slot in entry.slots})))
        elif entry.kind in ("chain", "loop"):
            if entry.chain_end is not None:
                guesses.append(entry.chain_end)
        elif entry.kind == "module" and entry.slots:
            there = [item for item in entry.items if item is not None]
            names = [argument.slot for argument in there[0].arguments]
            for slot_name in ("channels", "features"):
                if slot_name in names:
                    guesses.append(entry.slots[names.index(slot_name)].tree)
        guesses += before[:1]
        if len(before) > 1:
            guesses.append(sums.total(before))
        constant = algebra.constant(values[0]) if len(set(values)) == 1 else None
        if constant is not None and len(set(where)) == len(self.uses):
            return constant
        for guess in guesses:  # a formula is better than a constant that holds only in the few uses with the entry
            if guess != constant and self.solver.fits(guess, values, where, turns):
                return self._simpler(guess, values, where, turns)
        return constant

    def _simpler(
        self, guess: Tree, values: Sequence[int | None], where: Sequence[int], turns: Sequence[int] | None
    ) -> Tree:
        """An argument with the same values as a formula of several arguments, or the formula itself."""
        several = len(algebra.names_in(guess)) > 1
        names = map(algebra.name, {**self.solver.parameters, **self.solver.candidates}) if several else ()
        return next((name for name in names if self.solver.fits(name, values, where, turns)), guess)


def tidy(tree: Tree) -> Tree:
    """The formula; of a sum, with equal terms collected."""
    if isinstance(tree, t.Arithmetic) and tree.rest[0][0] in "+-":
        return sums.total([tree])
    return tree
