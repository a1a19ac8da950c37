"""Steps that some uses of a class with a forward lack, one by one or several under one condition."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from archspec.expressions.tree import Tree
from archspec.families import algebra
from archspec.families.conditions import Conditions
from archspec.families.items import Item
from archspec.families.members import Members
from archspec.families.series import Stretch
from archspec.families.solver import Mismatch
from archspec.families.templates import Entry, Ref
from archspec.families.wiring import Wiring


class Branches:
    """Builds the entries of classes with a forward, except loops."""

    def __init__(self, wiring: Wiring, members: Members, conditions: Conditions) -> None:
        self.wiring = wiring
        self.solver = wiring.solver
        self.members = members
        self.conditions = conditions

    def read_by(self, part: Stretch | None) -> list[int]:
        return [index for item in part.items for index in self.wiring.formal(item)] if part is not None else []

    def single(self, items: list[Item | None]) -> None:
        number = len(self.wiring.entries)
        entry = self.members.entry(items, self.wiring.every, None, number)
        for use, item in enumerate(items):
            if item is not None:
                for index, output in item.gives.items():
                    self.wiring.values[use][index] = Ref(number, output)
        self.wiring.entries.append(entry)
        self.wiring.top.append(entry)

    def together(self, columns: list[list[Item | None]], later: Sequence[Collection[int]]) -> bool:
        """Put items that the same uses lack under one condition; false where that is impossible.

        ``later`` holds, for each use, the values read after them.
        """
        mark = self.wiring.mark()
        try:
            self._branch(columns, later)
        except Mismatch:
            self.wiring.back_to(mark)
            return False
        return True

    def _branch(self, columns: list[list[Item | None]], later: Sequence[Collection[int]]) -> None:
        begin = len(self.wiring.entries)
        branch = Entry("loop", "", columns[0])
        branch.number, branch.begin = begin + 1 + len(columns), [Ref(begin)]
        self.wiring.entries.append(Entry("loop", "", []))
        given: dict[Ref, dict[int, int]] = {}
        for items in columns:
            number = len(self.wiring.entries)
            if any(item is not None and (item.what.reuse or item.training or "." in item.name) for item in items):
                raise Mismatch("reused weights or training-only steps cannot be under a condition")
            entry = self.members.entry(items, self.wiring.every, None, number)
            for use, item in enumerate(items):
                for index, output in item.gives.items() if item is not None else ():
                    self.wiring.values[use][index] = Ref(number, output)
                    if index in later[use] or index in self.wiring.flow.outputs[self.wiring.uses[use]]:
                        given.setdefault(Ref(number, output), {})[use] = index
            self.wiring.entries.append(entry)
            branch.children.append(entry)
        if len(given) != 1:
            raise Mismatch("a condition yields several values")
        ((value, where),) = given.items()
        branch.carried = [value]
        for use, index in where.items():
            self.wiring.values[use][index] = Ref(branch.number)
        if value in self.wiring.channels:
            self.wiring.channels[Ref(branch.number)] = self.wiring.channels[value]
        outer = self._outer(branch)
        if not outer:
            raise Mismatch("no value replaces the step where it is absent")
        made = self.wiring.values
        held = [{made[use][index] for index in later[use] if index in made[use]} for use in self.wiring.every]
        ended = [ref for ref in outer if ref.entry >= 0 and not all(ref in values for values in held)]
        there = [values for values, item in zip(held, columns[0], strict=True) if item is not None]
        if len(ended) > 1 or any(ref in values for ref in ended for values in there):
            raise Mismatch("a value is read under the condition and not after it")
        branch.reads = ended or outer[:1]  # its result replaces the value that is not read after it
        child = branch.children[0]
        assert isinstance(child, Entry)
        flag = self.conditions.flag(child)
        self.conditions.find(branch, flag)
        assert branch.condition is not None
        branch.text, branch.attributes = self._kept(branch.condition, flag)
        self.wiring.entries.append(branch)
        self.wiring.top.append(branch)

    def _kept(self, condition: Tree, flag: str) -> tuple[str, dict[str, Tree]]:
        """A condition as the forward tests it, and the attributes that it reads.

        A comparison of one argument with a number reads the argument itself; others are kept under the name ``flag``.
        """
        names = sorted(algebra.names_in(condition))
        if len(names) == 1 and names[0] in self.solver.candidates:
            word = self.solver.candidates[names[0]].wanted
            return algebra.show(condition, {names[0]: f"{{{word}}}"}), {word: algebra.name(names[0])}
        return f"{{{flag}}}", {flag: condition}

    def _outer(self, branch: Entry) -> list[Ref]:
        """The values made before a branch that its steps read, without parameters."""
        read = [ref for child in branch.children if isinstance(child, Entry) for ref in child.reads]
        return list(dict.fromkeys(ref for ref in read if ref.entry < branch.begin[0].entry))

    def finish(self, entry: Entry) -> None:
        """Set the condition of an entry that some uses lack, once all its reads are known."""
        if entry.kind != "loop":
            self.conditions.say(entry)
        elif entry.condition is not None:
            read = entry.reads[0]
            if entry.alias is not None and not self.conditions.reads_alias(entry):
                raise Mismatch("the replacement is not the first value read")
            for child in entry.children:
                assert isinstance(child, Entry)
                child.reads = [entry.begin[0] if ref == read else ref for ref in child.reads]

    def outputs(self) -> tuple[list[Ref], list[dict[int, int]]]:
        """The outputs of the class, in the order they are made, and for each use the output of each node."""
        made: list[dict[int, Ref]] = [{} for _ in self.wiring.uses]
        mains: list[Ref | None] = []
        for use, scope in enumerate(self.wiring.uses):
            for index in self.wiring.flow.outputs[scope]:
                made[use][index] = self.wiring.value(use, index)
            mains.append(made[use].get(self.wiring.flow.value(scope)))
        if any(ref is not None for ref in mains):
            main = self.wiring.phi(mains, len(self.wiring.entries))
            for use, scope in enumerate(self.wiring.uses):
                if mains[use] is not None:
                    made[use][self.wiring.flow.value(scope)] = main
        found = {ref for refs in made for ref in refs.values()}
        outputs = sorted(found, key=lambda ref: (ref.entry, ref.output))
        places = {ref: place for place, ref in enumerate(outputs)}
        return outputs, [{index: places[ref] for index, ref in refs.items()} for refs in made]
