"""The members of a class: the calls that make them, with formulas for the arguments that differ between uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from archspec.expressions.tree import Tree
from archspec.families import algebra
from archspec.families.algebra import Code
from archspec.families.arguments import Bound
from archspec.families.items import Item
from archspec.families.solver import Mismatch
from archspec.families.templates import Entry, Ref, Series, Slot
from archspec.families.wiring import Wiring, child_of
from archspec.graph import Inlined, Node, Scope
from archspec.syntax import Mapping

_WHOLE = re.compile(r"(?<![\w.{])\d+(?![\w.}])")
_NUMBER = re.compile(r"(?<![\w.{])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.}])")

Chained = Callable[
    [list[list[Item]], Sequence[int], Tree | None, bool, Sequence[int] | None],
    tuple[list[Entry | Series], Tree | None],
]
"""Builds the entries of a chain: :meth:`archspec.families.chains.Chains.chained`."""


Repeated = Callable[[Sequence[Item], Sequence[int], Sequence[int], Tree | None], tuple[Series, Tree | None]]
"""Builds a loop inside another: :meth:`archspec.families.chains.Chains.repeated`."""


class Members:
    """Builds entries from items."""

    def __init__(self, wiring: Wiring, chained: Chained, repeated: Repeated) -> None:
        self.wiring = wiring
        self.solver = wiring.solver
        self._chained = chained
        self._repeated = repeated

    def entry(
        self,
        items: list[Item | None],
        where: Sequence[int],
        turns: Sequence[int] | None,
        number: int,
        previous: Tree | None = None,
        reads: list[Ref] | None = None,
    ) -> Entry:
        """The entry of matching items, one for each use (or for each use and iteration of a loop)."""
        there = [(item, use) for item, use in zip(items, where, strict=True) if item is not None]
        first = there[0][0]
        names = {item.name for item, _ in there}
        entry = Entry(first.kind, first.name, items)
        if turns is None and len(names) > 1 and not self.wiring.chain:
            raise Mismatch("the uses give the step different names")
        present = [use for _, use in there]
        own_turns = None
        if turns is not None:
            own_turns = [turn for item, turn in zip(items, turns, strict=True) if item is not None]
        if number >= 0:
            entry.number = number
            entry.reads = (
                reads if reads is not None else [self.wiring.phi(read, number) for read in self.wiring.reads(items)]
            )
            previous = self.wiring.channels.get(entry.reads[0]) if entry.reads else None
        if any(item.form != first.form for item, _ in there):
            there = [(self._other_form(item, [one for one, _ in there]), use) for item, use in there]
            first = there[0][0]
            entry.kind = first.kind
            replaced = iter(there)
            entry.items = [next(replaced)[0] if item is not None else None for item in items]
        self.solver.member = first.name if first.name.isidentifier() else ""
        self._fill(entry, [item for item, _ in there], present, own_turns, previous)
        if number >= 0:
            self.wiring.note_channels(entry, number, where, turns)
        return entry

    def _fill(
        self, entry: Entry, items: list[Item], where: list[int], turns: list[int] | None, previous: Tree | None
    ) -> None:
        match entry.kind:
            case "module":
                self._fill_module(entry, items, where, turns, previous)
            case "function":
                self._fill_function(entry, items, where, previous)
            case "call":
                self._fill_call(entry, items, where, turns, previous)
            case "chain":
                self._fill_chain(entry, items, where, turns, previous)
            case "loop":
                if turns is None:
                    raise Mismatch("the loop is in no other")
                series, entry.chain_end = self._repeated(items, where, turns, previous)
                entry.children = [series]

    def _other_form(self, item: Item, others: list[Item]) -> Item:
        """An item in a form that all uses may share, where their own forms differ."""
        kinds = {one.kind for one in others}
        if kinds == {"function"} and all(one.module is not None for one in others):
            assert item.module is not None
            texts = {one.function.whole for one in others if one.function}
            if len({_WHOLE.sub("#", text) for text in texts}) == 1 and len({len(one.gives) for one in others}) == 1:
                return item
            return Item(
                item.key, "module", "", item.what, item.reads, item.gives, item.module.arguments, item.module, None,
                training=item.training, live=item.live,
            )  # fmt: skip
        if kinds <= {"module", "function"}:
            return item
        raise Mismatch("the steps are of different kinds")

    def _fill_module(
        self, entry: Entry, items: list[Item], where: list[int], turns: list[int] | None, previous: Tree | None
    ) -> None:
        first = items[0]
        assert first.module is not None
        bare = all(argument.needless for item in items for argument in item.arguments)
        modules = [item.module for item in items if item.module is not None]
        if len({(module.call, module.helper, module.wrap) for module in modules}) != 1:
            raise Mismatch("the modules are called differently")
        targets = [Code(module.target) for module in modules]
        if len(set(targets)) == 1:
            entry.head = first.module.target
        elif bare and turns is None and first.module.helper is None:
            entry.head = self._chosen(entry, targets, where, first)
        else:
            raise Mismatch("the modules are of different classes")
        entry.text = first.module.call
        (entry.prepare,) = self._numbered(entry, items, [(module.prepare,) for module in modules], where, previous)
        if bare:
            return
        if len({tuple((a.slot, a.keyword) for a in item.arguments) for item in items}) != 1:
            raise Mismatch("the modules take different arguments")
        found: dict[int, Slot] = {}
        # Padding often follows from another argument, such as a dilation, and never the other way round.
        order = sorted(range(len(first.arguments)), key=lambda position: first.arguments[position].slot == "padding")
        for position in order:
            argument = first.arguments[position]
            values = [item.arguments[position].value for item in items]
            hints = self._hints(items, argument.slot, previous, where, turns)
            varied = any(not algebra.same(algebra.plain(value), algebra.plain(values[0])) for value in values)
            if argument.inferred or (varied and not hints):
                hints = [*([previous] if previous is not None else []), *hints]
            each = [item.arguments[position].each for item in items]
            if varied and all(each) and not self.solver.says(hints, values, where, turns):
                values = each if self.solver.says(hints, each, where, turns) else values
            tree = self.solver.solve(argument.slot, values, where, hints, turns)
            defaults = {repr(item.arguments[position].default) for item in items}
            found[position] = Slot(argument.keyword, tree, argument.default if len(defaults) == 1 else ...)
        entry.slots += [slot for _, slot in sorted(found.items())]

    def _chosen(self, entry: Entry, targets: list[Code], where: list[int], first: Item) -> Tree:
        """A constructor argument for the class of a module."""
        step = first.what.step if first.what.step is not None else None
        wanted = re.sub(r"\W", "", step.what) if step is not None and step.what.startswith("$") else "layer"
        for key, parameter in self.solver.parameters.items():
            if all(algebra.same(parameter.values[use], target) for use, target in zip(where, targets, strict=True)):
                return algebra.name(key)
        return self.solver.fresh(wanted, dict(zip(where, targets, strict=True)), absent=None)

    def _hints(
        self,
        items: Sequence[Item],
        slot: str,
        previous: Tree | None,
        where: Sequence[int],
        turns: Sequence[int] | None = None,
    ) -> list[Tree]:
        step = items[0].what.step
        argument = step.argument(slot) if step is not None else None
        if argument is None:
            return []
        return self.solver.hint(argument, previous, self.bound(items, where, turns))

    def bound(self, items: Sequence[Item], where: Sequence[int], turns: Sequence[int] | None = None) -> Bound:
        """The values of loop variables inside this class for some copies of a step.

        A value that differs between the copies may be a formula: of the iteration, or an entry of a list argument.
        """
        scope = self.wiring.uses[0]
        outside = 0 if scope.block is not None else len(scope.loops)
        found: dict[str, Any] = {}
        for depth, names in enumerate(items[0].what.loops[outside:], outside):
            outer = dict(found)
            copies = [item.what.copy[depth] for item in items if len(item.what.copy) > depth]
            for name in names:
                values = [algebra.plain(item.what.loops[depth].get(name, ...)) for item in items
                          if len(item.what.loops) > depth]  # fmt: skip
                if len(values) == len(copies) == len(items):
                    given = names.step.argument(name) if isinstance(names, Inlined) else None
                    hints = self.solver.hint(given, None, outer) if given is not None else []
                    found[name] = self.solver.bound(values, copies, where, turns, hints)
        return found

    def _fill_function(self, entry: Entry, items: list[Item], where: list[int], previous: Tree | None) -> None:
        functions = [item.function for item in items if item.function is not None]
        if len({(function.helper, function.atomic) for function in functions}) != 1:
            raise Mismatch("the functions differ")
        entry.atomic = functions[0].atomic
        texts = [(function.prepare, function.text) for function in functions]
        entry.prepare, entry.text = self._numbered(entry, items, texts, where, previous)

    def _numbered(
        self,
        entry: Entry,
        items: list[Item],
        texts: Sequence[tuple[str, ...]],
        where: list[int],
        previous: Tree | None,
    ) -> tuple[str, ...]:
        """Expressions that the uses share, with attributes for numbers that differ: ``F.pad({0}, ({padding}, 0))``."""
        if len(set(texts)) == 1:
            return texts[0]
        if len({tuple(_NUMBER.sub("#", part) for part in text) for text in texts}) != 1:
            raise Mismatch("the functions differ")
        what = items[0].what
        assert isinstance(what, Node)
        assert what.op is not None
        found: list[str] = []
        for place, part in enumerate(texts[0]):
            numbers = [[ast.literal_eval(number) for number in _NUMBER.findall(text[place])] for text in texts]
            word = "padding" if part.startswith("F.pad(") else what.op.keyword
            names = iter(
                [self._number(entry, items, word, values, where, previous) for values in zip(*numbers, strict=True)]
            )
            found.append(_NUMBER.sub(lambda match, names=names: next(names), part))
        return tuple(found)

    def _number(
        self,
        entry: Entry,
        items: list[Item],
        word: str,
        values: Sequence[float],
        where: list[int],
        previous: Tree | None,
    ) -> str:
        if len(set(values)) == 1:
            return algebra.show(algebra.constant(values[0]))
        step = items[0].what.step
        hints = [previous] if previous is not None else []
        for _, written in step.body.entries if step is not None and isinstance(step.body, Mapping) else ():
            hints += self.solver.parts(self.solver.hint(written, previous, self.bound(items, where)))
        tree = self.solver.solve(word, values, where, hints)
        attribute = next((name for name, known in entry.attributes.items() if known == tree), "")
        if not attribute:
            parameter = self.solver.parameters.get(next(iter(algebra.names_in(tree)), ""))
            whole = parameter is not None and tree == algebra.name(parameter.key)
            attribute = parameter.wanted if parameter is not None and whole else word
            if attribute in entry.attributes:
                attribute = f"{attribute}_{len(entry.attributes)}"
            entry.attributes[attribute] = tree
        return f"{{{attribute}}}"

    def _fill_call(
        self, entry: Entry, items: list[Item], where: list[int], turns: list[int] | None, previous: Tree | None
    ) -> None:
        children = [child_of(item, self.wiring.templates) for item in items]
        child = children[0]
        if child is None or any(one is not child for one in children):
            raise Mismatch("the uses call different classes")
        entry.head = child
        first = items[0].what
        assert isinstance(first, Scope)
        for parameter in child.parameters:
            values = []
            for item in items:
                assert isinstance(item.what, Scope)
                values.append(child.arguments[child.place[item.what.reuse or item.what]][parameter.key])
            if parameter.key.startswith("$in"):
                position = int(parameter.key.removeprefix("$in"))
                if position and entry.reads:
                    known = self.wiring.channels.get(entry.reads[position])
                else:
                    known = previous
                hints = [known] if known is not None else []
            else:
                hints = self._hints(items, parameter.key, previous, where, turns)
            tree = self.solver.solve(parameter.wanted, values, where, hints, turns)
            entry.slots.append(Slot(parameter.key, tree, ...))

    def _fill_chain(
        self, entry: Entry, items: list[Item], where: list[int], turns: list[int] | None, previous: Tree | None
    ) -> None:
        cuts = {self._cuts(item) for item in items}
        if len(cuts) != 1:
            raise Mismatch("different values inside the chain are read")
        if turns is not None and cuts != {()}:
            raise Mismatch("values inside a chain are read, and the chain is inside a loop")
        entry.head = "nn.Sequential"
        outer, self.wiring.chain = self.wiring.chain, True
        try:
            rows = [item.children for item in items]
            entry.children, entry.chain_end = self._chained(rows, where, previous, True, turns)
        finally:
            self.wiring.chain = outer

    @staticmethod
    def _cuts(item: Item) -> Hashable:
        """Where a chain is cut into slices: empty for a chain that is called whole.

        Up to the last cut all uses have the same number of steps, so that loops and members under conditions have the
        same positions in each use, or else the same steps.
        """
        taps = [
            (position, item.gives[index])
            for position, child in enumerate(item.children)
            for index in child.gives
            if index in item.gives
        ]
        last = len(item.children) - 1
        inner = [tap for tap in taps if tap[0] != last]
        if not inner:
            return ()
        before = tuple(child.key for child in item.children[: inner[-1][0] + 1])
        return tuple(inner), tuple(output for position, output in taps if position == last), before
