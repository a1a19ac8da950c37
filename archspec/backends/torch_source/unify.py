"""One class from all the uses of a block: their items aligned, what differs between them turned into formulas.

Where the uses have no common skeleton they are parted into several classes; within one structure a class always exists,
with as many constructor arguments as it takes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from archspec import expressions
from archspec.backends.torch_source import algebra
from archspec.backends.torch_source.algebra import Code
from archspec.backends.torch_source.items import Item, Reader, positional
from archspec.backends.torch_source.series import Segment, turns_of
from archspec.backends.torch_source.solver import TURN, Mismatch, Solver, input_key
from archspec.backends.torch_source.templates import Entry, Parameter, Ref, Series, Slot, Template
from archspec.expressions import Expression
from archspec.expressions.tree import Tree
from archspec.graph import Node, Scope
from archspec.ops import ShapeError

MAXIMUM_CLASSES_TRIED = 8
_NUMBER = re.compile(r"(?<![\w.{])\d+(?![\w.}])")


def unify(reader: Reader, scopes: Sequence[Scope], templates: dict[Scope, Template]) -> list[Template]:
    """The classes that all these uses need, in the order of their first use: one, wherever that is possible."""
    try:
        return [_template(reader, scopes, templates)]
    except Mismatch:
        pass
    alike: dict[Hashable, list[Scope]] = {}
    for scope in scopes:
        alike.setdefault(_structure(reader, scope, templates), []).append(scope)
    groups: list[list[Scope]] = []
    found: list[Template] = []
    for some in alike.values():
        for index in range(min(len(groups), MAXIMUM_CLASSES_TRIED)):
            try:
                template = _template(reader, [*groups[index], *some], templates)
            except Mismatch:
                continue
            groups[index] += some
            found[index] = template
            break
        else:
            groups.append(list(some))
            found.append(_template(reader, some, templates))
    return found


def _template(reader: Reader, scopes: Sequence[Scope], templates: dict[Scope, Template]) -> Template:
    """The class of some uses.  What only some of them have is looked at again once all its arguments are known."""
    template = Unifier(reader, scopes, templates).template()
    if any(condition is not None for condition in _conditions(template.entries)):
        expected = {parameter.key for parameter in template.parameters}
        template = Unifier(reader, scopes, templates, expected).template()
    return template


def _conditions(entries: Iterable[Entry | Series]) -> Iterator[Tree | None]:
    for entry in entries:
        if isinstance(entry, Entry):
            yield entry.condition
            yield from _conditions(entry.children)


def _structure(reader: Reader, scope: Scope, templates: dict[Scope, Template]) -> Hashable:
    """What uses that surely share a class have in common: everything but the values of arguments."""
    places = {index: ("in", position) for position, index in enumerate(_inputs_of(reader, scope))}

    def told(items: Iterable[Item]) -> Hashable:
        out: list[Hashable] = []
        for item in items:
            reads = tuple(places.get(index, ("own", index - _base(scope))) for index in item.reads)
            child = _child(item, templates)
            out.append((item.key, item.form, item.name, reads, id(child) if child else 0, told(item.children)))
        return tuple(out)

    base = _base(scope)
    return told(reader.items(scope)), tuple(index - base for index in reader.flow.outputs[scope])


def _base(scope: Scope) -> int:
    return next((node.index for node in scope.nodes()), 0)


def _child(item: Item, templates: dict[Scope, Template]) -> Template | None:
    if item.kind != "call" or not isinstance(item.what, Scope):
        return None
    return templates[item.what.reuse or item.what]


def _inputs_of(reader: Reader, scope: Scope) -> tuple[int, ...]:
    """The nodes a scope is called with: what a block declares, what any other scope reads."""
    read = reader.flow.inputs[scope]
    if scope.kind == "network":
        return tuple(reader.flow.graph.inputs.values())
    if scope.kind != "block" or not scope.inputs:
        return read
    declared = tuple(reader.flow.alias[index] for index in scope.inputs)
    return declared if set(read) <= set(declared) else read


class Unifier:
    """Makes the template of one class."""

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
        self.inputs = [_inputs_of(reader, scope) for scope in uses]
        if len({len(inputs) for inputs in self.inputs}) != 1:
            raise Mismatch("other inputs")
        self.chain = reader.is_chain(self.uses[0])
        self.solver = Solver(reader.flow.graph, self.uses, self.inputs, expected)
        self.values: list[dict[int, Ref]] = [
            {index: Ref(-1, position) for position, index in reversed(list(enumerate(inputs)))} for inputs in self.inputs
        ]
        self.channels: dict[Ref, Tree] = {}
        for position in range(len(self.inputs[0])):
            self.channels[Ref(-1, position)] = self._input_channels(position)
        self.entries: list[Entry] = []
        self.conditions = self.solver.conditions()
        self.chain_end: Tree | None = None

    def _input_channels(self, position: int) -> Tree:
        values = [self.solver.channels(inputs[position]) for inputs in self.inputs]
        if all(value == values[0] for value in values):
            return algebra.constant(values[0])
        return algebra.name(input_key(position))

    def template(self) -> Template:
        """The class; raises :class:`Mismatch` when the uses have none in common."""
        rows = [self.reader.items(scope) for scope in self.uses]
        previous = self.channels.get(Ref(-1, 0))
        if self.chain:
            entries: list[Entry | Series]
            entries, self.chain_end = self.chained(rows, self.every, previous, inline=False)
            outputs, given = self._chain_output()
        else:
            self._aligned(rows)
            entries = list(self.entries)
            outputs, given = self._outputs()
            for entry in self.entries:
                self._say_condition(entry)
        template = Template(
            self.uses, self.chain, entries, self._parameters(), [], [list(inputs) for inputs in self.inputs], outputs, given
        )
        template.place = {scope: index for index, scope in enumerate(self.uses)}
        template.channels = [self._output_channels(template, position) for position in range(len(outputs))]
        template.arguments = [
            {parameter.key: parameter.values[use] for parameter in template.parameters} for use in self.every
        ]
        block = self.uses[0].block
        declared = block.model.inputs if block is not None else None
        if declared and len(declared) == len(self.inputs[0]):
            template.input_names = list(declared)
        self._settle(template)
        return template

    def _settle(self, template: Template) -> None:
        """Keep as local variables the ``let`` values that several members use; put the others where they are used."""
        counts: Counter[str] = Counter()
        for tree in _formulas(template.entries):
            counts.update(_occurrences(tree))
        inline: dict[str, Tree] = {}
        for key, tree in self.solver.locals.items():
            if key not in self.solver.used:
                continue
            tree = algebra.put(tree, inline)
            if counts[key] < 2 or isinstance(tree, (expressions.tree.Name, expressions.tree.Literal)):
                inline[key] = tree
            else:
                template.locals[key] = tree
        if inline:
            _substitute(template.entries, inline)
        everything = {**self.solver.locals}
        for _ in everything:
            template.channels = [None if tree is None else algebra.put(tree, everything) for tree in template.channels]

    def _parameters(self) -> list[Parameter]:
        order = {key: index for index, key in enumerate(self.solver.candidates)}
        return sorted(self.solver.parameters.values(), key=lambda parameter: order[parameter.key])

    # -- items side by side --------------------------------------------------------------------------------------------

    def _aligned(self, rows: list[list[Item]]) -> None:
        for number, items in enumerate(align(rows)):
            entry = self.entry(items, self.every, None, number)
            for use, item in enumerate(items):
                if item is not None:
                    for index, output in item.gives.items():
                        self.values[use][index] = Ref(number, output)
            self.entries.append(entry)

    def entry(
        self,
        items: list[Item | None],
        where: Sequence[int],
        turns: Sequence[int] | None,
        number: int,
        previous: Tree | None = None,
    ) -> Entry:
        """The entry of items that belong together, one for each use (or each use and turn of a loop)."""
        there = [(item, use) for item, use in zip(items, where, strict=True) if item is not None]
        first = there[0][0]
        names = {item.name for item, _ in there}
        entry = Entry(first.kind, first.name, items)
        if turns is None and len(names) > 1 and not self.chain:
            raise Mismatch("names differ")
        present = [use for _, use in there]
        own_turns = None
        if turns is not None:
            own_turns = [turn for item, turn in zip(items, turns, strict=True) if item is not None]
        if number >= 0:
            entry.reads = [self.phi(read, number) for read in self._reads(items)]
            previous = self.channels.get(entry.reads[0]) if entry.reads else None
        if any(item.form != first.form for item, _ in there):
            there = [(self._other_form(item, [one for one, _ in there]), use) for item, use in there]
            first = there[0][0]
            entry.kind = first.kind
            replaced = iter(there)
            entry.items = [next(replaced)[0] if item is not None else None for item in items]
        fill = getattr(self, f"_fill_{first.kind}")
        fill(entry, [item for item, _ in there], present, own_turns, previous)
        if number >= 0:
            self._note_channels(entry, number, previous)
        return entry

    def _reads(self, items: list[Item | None]) -> list[list[Ref | None]]:
        """For each input of an entry, what each use reads."""
        count = next(len(self._formal(item)) for item in items if item is not None)
        table: list[list[Ref | None]] = [[] for _ in range(count)]
        for use, item in enumerate(items):
            formal = self._formal(item) if item is not None else None
            if formal is not None and len(formal) != count:
                raise Mismatch("other inputs")
            for position in range(count):
                table[position].append(None if formal is None else self._value(use, formal[position]))
        return table

    def _value(self, use: int, index: int) -> Ref:
        if index not in self.values[use]:
            raise Mismatch("a value from elsewhere")
        return self.values[use][index]

    def _formal(self, item: Item) -> Sequence[int]:
        """The nodes an item is called with, in the order its class wants them."""
        child = _child(item, self.templates)
        if child is None or not isinstance(item.what, Scope) or not item.live:
            return item.reads
        if item.what.reuse is not None:
            return _inputs_of(self.reader, item.what)
        return child.inputs[child.place[item.what]]

    def phi(self, read: Sequence[Ref | None], before: int) -> Ref:
        """The one value that is what every use reads, where entries that some uses lack pass their input on."""
        refs = [(use, ref) for use, ref in enumerate(read) if ref is not None]
        top = max((ref for _, ref in refs), key=lambda ref: (ref.entry, ref.output))
        other = [(use, ref) for use, ref in refs if ref != top]
        if not other:
            return top
        if top.entry < 0:
            raise Mismatch("other inputs")
        entry = self.entries[top.entry]
        if any(entry.items[use] is not None for use, _ in other):
            raise Mismatch("wired differently")
        below = self.phi([dict(other).get(use) for use in self.every], top.entry)
        if entry.alias is not None and entry.alias != below:
            raise Mismatch("wired differently")
        entry.alias = below
        return top

    # -- members -------------------------------------------------------------------------------------------------------

    def _other_form(self, item: Item, others: list[Item]) -> Item:
        """An item in a form that the uses may have in common, where their own forms differ."""
        kinds = {one.kind for one in others}
        if kinds == {"function"} and all(one.module is not None for one in others):
            assert item.module is not None
            texts = {one.function.text for one in others if one.function}
            if len({_NUMBER.sub("#", text) for text in texts}) == 1 and len({len(one.gives) for one in others}) == 1:
                return item
            return Item(
                item.key, "module", "", item.what, item.reads, item.gives, item.module.arguments, item.module, None,
                training=item.training, live=item.live,
            )  # fmt: skip
        if kinds <= {"module", "function"}:
            return item
        raise Mismatch("other kinds of step")

    def _fill_module(
        self, entry: Entry, items: list[Item], where: list[int], turns: list[int] | None, previous: Tree | None
    ) -> None:
        first = items[0]
        assert first.module is not None
        bare = all(argument.needless for item in items for argument in item.arguments)
        modules = [item.module for item in items if item.module is not None]
        if len({(module.call, module.helper, module.wrap) for module in modules}) != 1:
            raise Mismatch("called differently")
        targets = [Code(module.target) for module in modules]
        if len(set(targets)) == 1:
            entry.head = first.module.target
        elif bare and turns is None and first.module.helper is None:
            entry.head = self._chosen(entry, targets, where, first)
        else:
            raise Mismatch("other modules")
        entry.text = first.module.call
        if bare:
            return
        if len({tuple((a.slot, a.keyword) for a in item.arguments) for item in items}) != 1:
            raise Mismatch("other arguments")
        for position, argument in enumerate(first.arguments):
            values = [item.arguments[position].value for item in items]
            hints = self._hints(first, argument.slot, previous)
            if argument.slot in ("in_channels", "in_features") or not hints:
                hints = [*([previous] if previous is not None else []), *hints]
            tree = self.solver.solve(argument.slot, values, where, hints, turns)
            defaults = {repr(item.arguments[position].default) for item in items}
            entry.slots.append(Slot(argument.keyword, tree, argument.default if len(defaults) == 1 else ...))

    def _chosen(self, entry: Entry, targets: list[Code], where: list[int], first: Item) -> Tree:
        """The class of a module, as an argument of the constructor."""
        step = first.what.step if first.what.step is not None else None
        wanted = re.sub(r"\W", "", step.what) if step is not None and step.what.startswith("$") else "layer"
        for key, parameter in self.solver.parameters.items():
            if all(algebra.same(parameter.values[use], target) for use, target in zip(where, targets, strict=True)):
                return algebra.name(key)
        return self.solver.fresh(wanted, dict(zip(where, targets, strict=True)), absent=None)

    def _hints(self, item: Item, slot: str, previous: Tree | None) -> list[Tree]:
        step = item.what.step
        argument = step.argument(slot) if step is not None else None
        return self.solver.hint(argument, previous) if argument is not None else []

    def _fill_function(
        self, entry: Entry, items: list[Item], where: list[int], turns: list[int] | None, previous: Tree | None
    ) -> None:
        functions = [item.function for item in items if item.function is not None]
        texts = [function.text for function in functions]
        if len({(function.helper, function.atomic) for function in functions}) != 1:
            raise Mismatch("other functions")
        entry.text, entry.atomic = texts[0], functions[0].atomic
        if len(set(texts)) == 1:
            return
        if len({_NUMBER.sub("#", text) for text in texts}) != 1:
            raise Mismatch("other functions")
        numbers = [[int(number) for number in _NUMBER.findall(text)] for text in texts]
        marks = iter(range(len(numbers[0])))
        names: list[str] = []
        first = items[0].what
        assert isinstance(first, Node) and first.op is not None
        for position in marks:
            values = [found[position] for found in numbers]
            if len(set(values)) == 1:
                names.append(str(values[0]))
                continue
            wanted = first.op.keyword
            tree = self.solver.solve(wanted, values, where, [previous] if previous is not None else [])
            attribute = f"{wanted}_{len(entry.attributes)}" if entry.attributes else wanted
            entry.attributes[attribute] = tree
            names.append("{" + attribute + "}")
        replaced = iter(names)
        entry.text = _NUMBER.sub(lambda match: next(replaced), texts[0])

    def _fill_call(
        self, entry: Entry, items: list[Item], where: list[int], turns: list[int] | None, previous: Tree | None
    ) -> None:
        children = [_child(item, self.templates) for item in items]
        child = children[0]
        if child is None or any(one is not child for one in children):
            raise Mismatch("other classes")
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
                    known = self.channels.get(entry.reads[position])
                else:
                    known = previous
                hints = [known] if known is not None else []
            else:
                hints = self._hints(items[0], parameter.key, previous)
            tree = self.solver.solve(parameter.wanted, values, where, hints, turns)
            entry.slots.append(Slot(parameter.key, tree, ...))

    def _fill_chain(
        self, entry: Entry, items: list[Item], where: list[int], turns: list[int] | None, previous: Tree | None
    ) -> None:
        if turns is not None:
            raise Mismatch("a chain in a loop")
        taps = {tuple(self._taps(item)) for item in items}
        tapped = any(len(tap) > 1 for tap in taps)
        if tapped and len(taps) != 1:
            raise Mismatch("tapped differently")
        entry.head = "nn.Sequential"
        outer, self.chain = self.chain, True
        entry.children, entry.chain_end = self.chained([item.children for item in items], where, previous, inline=True)
        self.chain = outer
        if tapped and any(isinstance(child, Series) or child.condition for child in entry.children):
            raise Mismatch("tapped where its length varies")

    @staticmethod
    def _taps(item: Item) -> list[tuple[int, int]]:
        """Which child gives which output."""
        return [
            (position, item.gives[index])
            for position, child in enumerate(item.children)
            for index in child.gives
            if index in item.gives
        ]

    # -- chains --------------------------------------------------------------------------------------------------------

    def chained(
        self, rows: list[list[Item]], where: Sequence[int], previous: Tree | None, inline: bool
    ) -> tuple[list[Entry | Series], Tree | None]:
        """The entries of a chain, and the channels it gives; a repeated step is a loop where its turns have formulas."""
        segments = turns_of(rows)
        if segments is not None:
            mark = self.solver.snapshot()
            try:
                return self._looped(segments, where, previous, inline)
            except Mismatch:
                self.solver.restore(mark)
        numbered = all(positional([item.name for item in row]) for row in rows)
        out: list[Entry | Series] = []
        for items in align(rows):
            if not numbered and len({item.name for item in items if item is not None}) > 1:
                raise Mismatch("names differ")
            if any(item is None for item in items) and any(_is_copy(item) for item in items):
                raise Mismatch("loops of different lengths")
            entry = self.entry(items, where, None, -1, previous)
            self._say_condition(entry, where)
            previous = self._chain_channels(entry, items, where, previous)
            out.append(entry)
        return out, previous

    def _looped(
        self, segments: list[Segment], where: Sequence[int], previous: Tree | None, inline: bool
    ) -> tuple[list[Entry | Series], Tree | None]:
        out: list[Entry | Series] = []
        for segment in segments:
            if segment.looped:
                series, previous = self._series(segment, where, previous, inline)
                out += series
                continue
            for items in segment.columns:
                entry = self.entry(items, where, None, -1, previous)
                previous = self._chain_channels(entry, items, where, previous)
                out.append(entry)
        return out, previous

    def _series(
        self, segment: Segment, where: Sequence[int], previous: Tree | None, inline: bool
    ) -> tuple[list[Entry | Series], Tree | None]:
        """A loop; or its first turn by itself and a loop over the others."""
        for start in (0, 1):
            mark = self.solver.snapshot()
            try:
                return self._series_from(segment, where, previous, start, inline)
            except Mismatch:
                self.solver.restore(mark)
        raise Mismatch("no formula for a loop")

    def _series_from(
        self, segment: Segment, where: Sequence[int], previous: Tree | None, start: int, inline: bool
    ) -> tuple[list[Entry | Series], Tree | None]:
        out: list[Entry | Series] = []
        before = previous
        if start:
            for column in range(segment.period):
                items: list[Item | None] = [row[column] for row in segment.rows]
                entry = self.entry(items, where, None, -1, previous)
                previous = self._chain_channels(entry, items, where, previous)
                out.append(entry)
        body: list[Entry] = []
        inside = previous
        if segment.period > 1 and segment.name(0, start) is None and len(set(segment.counts)) == 1:
            raise Mismatch("a list reads better")
        for column in range(segment.period):
            items, uses, turns = [], [], []
            for use, row, count in zip(where, segment.rows, segment.counts, strict=True):
                for turn in range(start, count):
                    items.append(row[turn * segment.period + column])
                    uses.append(use)
                    turns.append(turn - start)
            name = segment.name(column, start)
            unruly = name is not None and (name[1] < 0 or (inline and (len(segment.rows) > 1 or segment.period > 1)))
            if not items or unruly:
                raise Mismatch("names without a rule")
            entry = self.entry(items, uses, turns, -1, inside)
            entry.series_name = name
            if name is not None and inline and any(TURN in algebra.names_in(tree) for tree in _formulas([entry])):
                raise Mismatch("a list reads better")
            inside = self._chain_channels(entry, items, uses, inside, turns)
            body.append(entry)
        count = self.solver.solve("count", [count - start for count in segment.counts], where, self._count_hints(segment, start))
        out.append(Series(body, count))
        last = [row[count * segment.period - 1] for row, count in zip(segment.rows, segment.counts, strict=True)]
        values = [self._last_width(item, 0) for item in last]
        if len(set(values)) == 1 and values[0] is not None:
            return out, algebra.constant(values[0])
        for guess in (inside, previous, before):
            if guess is not None and self.solver.fits(guess, values, where):
                return out, guess
        return out, None

    def _count_hints(self, segment: Segment, start: int) -> list[Tree]:
        """What the spec says of how often a loop runs."""
        step = segment.step
        found: list[Tree] = []
        if step is not None and step.repeat is not None:
            found += self.solver.hint(step.repeat)
        elif step is not None and step.clauses and len(step.clauses[-1].loops) == 1:
            over = step.clauses[-1].loops[0].iterable
            if isinstance(over, expressions.tree.Call) and over.function == "range" and len(over.arguments) == 1:
                found += self.solver.said(over.arguments[0])
        return [algebra.total([tree, algebra.constant(-start)]) for tree in found]

    def _chain_channels(
        self,
        entry: Entry,
        items: Sequence[Item | None],
        where: Sequence[int],
        previous: Tree | None,
        turns: Sequence[int] | None = None,
    ) -> Tree | None:
        there = [(k, item) for k, item in enumerate(items) if item is not None]
        values = [self._last_width(item, 0) for _, item in there]
        uses = [where[k] for k, _ in there]
        own = [turns[k] for k, _ in there] if turns is not None else None
        found = self._channel_formula(entry, values, uses, 0, [previous] if previous is not None else [], own)
        if len(there) == len(items) or found is None:
            return found
        every = [self._last_width(item, 0) if item is not None else None for item in items]
        lacking = [where[k] for k, item in enumerate(items) if item is None]
        for guess in (found, previous):
            if guess is not None and previous is not None:
                known = [value for value in every if value is not None]
                missing = [algebra.value_of(previous, self.solver.names[use]) for use in lacking]
                if self.solver.fits(guess, [*known, *missing], [*uses, *lacking]):
                    return guess
        return None

    # -- channels ------------------------------------------------------------------------------------------------------

    def _note_channels(self, entry: Entry, number: int, previous: Tree | None) -> None:
        there = [(use, item) for use, item in enumerate(entry.items) if item is not None]
        outputs = max((len(item.gives) for _, item in there), default=0)
        for output in range(outputs):
            values = [self._last_width(item, output) for _, item in there]
            before = [self.channels[ref] for ref in entry.reads if ref in self.channels]
            if len(before) != len(entry.reads):
                before = []
            found = self._channel_formula(entry, values, [use for use, _ in there], output, before)
            if found is not None:
                self.channels[Ref(number, output)] = found

    def _last_width(self, item: Item, output: int) -> int | None:
        index = next((index for index, place in item.gives.items() if place == output), None)
        return None if index is None else self.solver.channels(index)

    def _channel_formula(
        self,
        entry: Entry,
        values: Sequence[int | None],
        where: Sequence[int],
        output: int,
        before: Sequence[Tree],
        turns: Sequence[int] | None = None,
    ) -> Tree | None:
        """A formula for the channels an entry gives: a guess from what it is, kept when it is right at every use."""
        if any(value is None for value in values):
            return None
        guesses: list[Tree] = []
        if isinstance(entry.head, Template):
            inner = entry.head.channels[output] if output < len(entry.head.channels) else None
            if inner is not None:
                guesses.append(_tidy(algebra.put(inner, {str(slot.keyword): slot.tree for slot in entry.slots})))
        elif entry.kind == "chain":
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
            guesses.append(algebra.total(before))
        if len(set(values)) == 1:
            return algebra.constant(values[0])
        for guess in guesses:
            if self.solver.fits(guess, values, where, turns):
                return guess
        return None

    # -- conditions and outputs ----------------------------------------------------------------------------------------

    def _say_condition(self, entry: Entry, where: Sequence[int] | None = None) -> None:
        """When an entry that some uses lack is there."""
        if all(item is not None for item in entry.items):
            return
        if where is None and entry.alias is None:
            if not entry.reads:
                raise Mismatch("an optional parameter")
            entry.alias = entry.reads[0]
        first = entry.first
        if len(first.gives) > 1 or (len(entry.reads) > 1 and entry.kind != "function"):
            raise Mismatch("optional, and more than a chain")
        if where is None and entry.kind != "function" and entry.alias != entry.reads[0]:
            raise Mismatch("optional, and not in a chain")
        present = {use: item is not None for use, item in zip(where or self.every, entry.items, strict=True)}
        if isinstance(entry.head, Tree):
            key = next(iter(algebra.names_in(entry.head)))
            if all((self.solver.parameters[key].values[use] is not None) == there for use, there in present.items()):
                entry.condition = expressions.tree.Comparison(
                    algebra.AT, entry.head, (("is not", algebra.constant(None)),)
                )
                return
        hints: list[Tree] = []
        step = entry.first.what.step
        previous = self.channels.get(entry.reads[0]) if entry.reads else None
        if step is not None and isinstance(step.when, Expression):
            hints += self.solver.said(step.when.tree, previous)
        hints += self.conditions
        entry.condition = self.solver.condition(self._flag(entry), present, hints)
        if entry.condition not in self.conditions:
            self.conditions.append(entry.condition)

    @staticmethod
    def _flag(entry: Entry) -> str:
        """What an argument is called that says whether an entry is there."""
        what = entry.first.what
        if what.step is not None and what.step.what.startswith("$") and what.step.what[1:].isidentifier():
            return what.step.what[1:]
        if entry.name and not entry.name.isdigit():
            return f"has_{entry.name}"
        if isinstance(what, Node):
            return f"has_{what.op.keyword}" if what.op is not None else "has_input"
        return f"has_{what.block.name if what.block is not None else what.kind}"

    def _chain_output(self) -> tuple[list[Ref], list[dict[int, int]]]:
        return [Ref(0)], [{index: 0 for index in self.flow.outputs[scope]} for scope in self.uses]

    def _outputs(self) -> tuple[list[Ref], list[dict[int, int]]]:
        outputs: list[Ref] = []
        given: list[dict[int, int]] = [{} for _ in self.uses]
        last = len(self.entries)
        mains: list[Ref | None] = []
        for use, scope in enumerate(self.uses):
            value = self.flow.value(scope)
            mains.append(self.values[use].get(value) if value in self.flow.outputs[scope] else None)
        if any(ref is not None for ref in mains):
            outputs.append(self.phi(mains, last))
            for use, scope in enumerate(self.uses):
                if mains[use] is not None:
                    given[use][self.flow.value(scope)] = 0
        others: dict[Ref, int] = {}
        for use, scope in enumerate(self.uses):
            for index in self.flow.outputs[scope]:
                if index not in given[use]:
                    ref = self._value(use, index)
                    if ref not in others:
                        others[ref] = len(outputs)
                        outputs.append(ref)
                    given[use][index] = others[ref]
        return outputs, given

    def _output_channels(self, template: Template, position: int) -> Tree | None:
        values: list[int | None] = []
        where: list[int] = []
        for use, given in enumerate(template.given):
            index = next((index for index, output in given.items() if output == position), None)
            if index is not None:
                values.append(self.solver.channels(index))
                where.append(use)
        if not values or any(value is None for value in values):
            return None
        if len(set(values)) == 1:
            return algebra.constant(values[0])
        guess = self.chain_end if self.chain else self.channels.get(template.outputs[position])
        return guess if guess is not None and self.solver.fits(guess, values, where) else None


def _formulas(entries: Iterable[Entry | Series]) -> Iterator[Tree]:
    for entry in entries:
        if isinstance(entry, Series):
            yield entry.count
            yield from _formulas(entry.body)
            continue
        yield from (slot.tree for slot in entry.slots)
        yield from entry.attributes.values()
        if entry.condition is not None:
            yield entry.condition
        yield from _formulas(entry.children)


def _substitute(entries: Iterable[Entry | Series], known: dict[str, Tree]) -> None:
    for entry in entries:
        if isinstance(entry, Series):
            entry.count = algebra.put(entry.count, known)
            _substitute(entry.body, known)
            continue
        entry.slots = [replace(slot, tree=algebra.put(slot.tree, known)) for slot in entry.slots]
        entry.attributes = {name: algebra.put(tree, known) for name, tree in entry.attributes.items()}
        if entry.condition is not None:
            entry.condition = algebra.put(entry.condition, known)
        _substitute(entry.children, known)


def _occurrences(tree: Tree) -> Iterator[str]:
    if isinstance(tree, expressions.tree.Name):
        yield tree.name
    for part in expressions.tree.children(tree):
        yield from _occurrences(part)


def _tidy(tree: Tree) -> Tree:
    """A sum with its terms collected."""
    if isinstance(tree, expressions.tree.Arithmetic) and tree.rest[0][0] in "+-":
        return algebra.total([tree])
    return tree


def align(rows: Sequence[Sequence[Item]]) -> list[list[Item | None]]:
    """Items of the same step side by side; raises :class:`Mismatch` when two uses have them in another order."""
    order: list[Hashable] = [item.key for item in rows[0]]
    known = {key: index for index, key in enumerate(order)}
    for row in rows[1:]:
        last = -1
        for item in row:
            if item.key not in known:
                order.insert(last + 1, item.key)
                known = {key: index for index, key in enumerate(order)}
            if known[item.key] <= last:
                raise Mismatch("in another order")
            last = known[item.key]
    columns: list[list[Item | None]] = [[None] * len(rows) for _ in order]
    for use, row in enumerate(rows):
        for item in row:
            columns[known[item.key]][use] = item
    return columns


def _is_copy(item: Item | None) -> bool:
    return item is not None and isinstance(item.key, tuple) and bool(item.key[2:]) and bool(item.key[2])
