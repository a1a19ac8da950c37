"""One class from all the uses of a block: their items are aligned, and formulas express what differs between them.

Uses without a common structure are split into several classes.  For uses with the same structure a class always exists,
with as many constructor arguments as are needed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

from archspec.expressions.tree import Tree
from archspec.families import algebra
from archspec.families.branches import Branches
from archspec.families.chains import Chains
from archspec.families.conditions import Conditions
from archspec.families.items import Item, Reader
from archspec.families.loops import Loops
from archspec.families.members import Members
from archspec.families.settle import settle
from archspec.families.solver import Mismatch
from archspec.families.templates import Entry, Parameter, Ref, Series, Template, with_turns
from archspec.families.wiring import Wiring, child_of
from archspec.graph import Scope

MAXIMUM_CLASSES_TRIED = 8
"""The most classes of one block that further uses are tried with before they get their own."""


def unify(reader: Reader, scopes: Sequence[Scope], templates: dict[Scope, Template]) -> list[Template]:
    """The classes of all these uses, in the order of their first use; a single class where possible."""
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
    """The class of some uses.  Where it has conditions, it is built again once all its arguments are known."""
    template = Skeleton(reader, scopes, templates).template()
    if any(condition is not None for condition in _conditions(template.entries)):
        expected = {parameter.key for parameter in template.parameters}
        template = Skeleton(reader, scopes, templates, expected).template()
    return template


def _check_names(entries: Sequence[Entry]) -> None:
    """Raise :class:`Mismatch` where two entries have the same name.

    No use has both, but a use calls an ``nn.Identity`` in place of the step it lacks, and by that step's name.
    """
    seen: set[str] = set()
    for entry in entries:
        if entry.name and entry.kind not in ("function", "loop"):
            if entry.name in seen:
                raise Mismatch("two members have the same name")
            seen.add(entry.name)
    inside = [child.name for entry in entries for child in with_turns(entry.children) if entry.kind == "loop"]
    if not seen.isdisjoint(name for name in inside if name):
        raise Mismatch("two members have the same name")


def _conditions(entries: Iterable[Entry | Series]) -> Iterator[Tree | None]:
    for entry in entries:
        if isinstance(entry, Entry):
            yield entry.condition
            yield from _conditions(entry.children)


def _structure(reader: Reader, scope: Scope, templates: dict[Scope, Template]) -> Hashable:
    """The structure of a use, which is everything but the values of arguments; uses with equal ones share a class."""
    places = {index: ("in", position) for position, index in enumerate(reader.inputs_of(scope))}

    def told(items: Iterable[Item]) -> Hashable:
        out: list[Hashable] = []
        for item in items:
            reads = tuple(places.get(index, ("own", index - _base(scope))) for index in item.reads)
            child = child_of(item, templates)
            out.append((item.key, item.form, item.name, reads, child, told(item.children)))
        return tuple(out)

    base = _base(scope)
    return told(reader.items(scope)), tuple(index - base for index in reader.flow.outputs[scope])


def _base(scope: Scope) -> int:
    return next((node.index for node in scope.nodes()), 0)


class Skeleton:
    """Builds the template of one class."""

    def __init__(
        self,
        reader: Reader,
        uses: Sequence[Scope],
        templates: dict[Scope, Template],
        expected: Iterable[str] = (),
    ) -> None:
        self.wiring = Wiring(reader, uses, templates, expected)
        self.solver = self.wiring.solver
        members = Members(
            self.wiring,
            lambda *asked: self.chains.chained(*asked),
            lambda *asked: self.chains.repeated(*asked),
        )
        conditions = Conditions(self.wiring, members)
        self.chains = Chains(self.wiring, members, conditions)
        self.loops = Loops(self.wiring, members, self.chains, Branches(self.wiring, members, conditions))

    def template(self) -> Template:
        """The template; raises :class:`Mismatch` when the uses cannot share a class."""
        rows = [self._items(scope) for scope in self.wiring.uses]
        previous = self.wiring.channels.get(Ref(-1, 0))
        if self.wiring.chain:
            entries, end = self.chains.chained(rows, self.wiring.every, previous, inline=False)
            outputs, given = [Ref(0)], [dict.fromkeys(self.wiring.flow.outputs[scope], 0) for scope in self.wiring.uses]
        else:
            self.loops.aligned(rows)
            _check_names(self.wiring.top)
            entries, end = list[Entry | Series](self.wiring.top), None
            outputs, given = self.loops.given
        inputs = [list(inputs) for inputs in self.wiring.inputs]
        template = Template(
            self.wiring.uses, self.wiring.chain, entries, self._parameters(), [], inputs, outputs, given
        )
        template.place = {scope: index for index, scope in enumerate(self.wiring.uses)}
        guesses = [end] if self.wiring.chain else [self.wiring.channels.get(ref) for ref in outputs]
        template.channels = [self._output_channels(template, *pair) for pair in enumerate(guesses)]
        template.arguments = [
            {parameter.key: parameter.values[use] for parameter in template.parameters} for use in self.wiring.every
        ]
        block = self.wiring.uses[0].block
        if block is not None and len(self.wiring.uses[0].input_names) == len(self.wiring.inputs[0]):
            template.input_names = list(self.wiring.uses[0].input_names)
        settle(template, self.solver)
        return template

    def _items(self, scope: Scope) -> list[Item]:
        """The items of a scope; those that are uses of a class give all the outputs of that class."""
        items = self.wiring.reader.items(scope)
        waiting = list(items)
        while waiting:
            item = waiting.pop()
            waiting += item.children
            child = child_of(item, self.wiring.templates)
            if child is not None and isinstance(item.what, Scope):
                item.gives = _given(child, item.what)
                item.outputs = len(child.outputs)
        return items

    def _parameters(self) -> list[Parameter]:
        order = {key: index for index, key in enumerate(self.solver.candidates)}
        return sorted(self.solver.parameters.values(), key=lambda parameter: order[parameter.key])

    def _output_channels(self, template: Template, position: int, guess: Tree | None) -> Tree | None:
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
        return guess if guess is not None and self.solver.fits(guess, values, where) else None


def _given(child: Template, scope: Scope) -> dict[int, int]:
    """The output of its class for each node that a use gives."""
    if scope.reuse is None:
        return child.given[child.place[scope]]
    firsts = child.given[child.place[scope.reuse]]
    twins = {other.index: one.index for one, other in zip(scope.nodes(), scope.reuse.nodes(), strict=True)}
    return {twins[index]: output for index, output in firsts.items() if index in twins}
