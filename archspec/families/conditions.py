"""The conditions of entries that some uses of a class lack."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.analyses.structure import PLAIN_CALL
from archspec.expressions import Expression
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families import algebra
from archspec.families.members import Members
from archspec.families.solver import Mismatch
from archspec.families.templates import Entry, Ref
from archspec.families.wiring import Wiring
from archspec.graph import Node


class Conditions:
    """Finds the conditions of entries."""

    def __init__(self, wiring: Wiring, members: Members) -> None:
        self.wiring = wiring
        self.solver = wiring.solver
        self.members = members
        self.known = self.solver.conditions()
        """The spec's ``when`` formulas, and the conditions found so far."""

    def say(self, entry: Entry, where: Sequence[int] | None = None) -> None:
        """Set the condition of an entry that some uses lack; raises :class:`Mismatch` where it cannot be optional."""
        if all(item is not None for item in entry.items):
            return
        if where is None and entry.alias is None:
            if not entry.reads:
                raise Mismatch("a parameter is optional")
            entry.alias = entry.reads[0]
        first = entry.first
        if len(first.gives) > 1 or (len(entry.reads) > 1 and entry.kind != "function"):
            raise Mismatch("an optional step reads or gives several values")
        if first.module is not None and entry.kind == "module" and first.module.whole != PLAIN_CALL:
            raise Mismatch("an optional module is called with more than one value")
        if where is None and entry.kind != "function" and not self.reads_alias(entry):
            raise Mismatch("an optional step does not read the value that replaces it")
        self.find(entry, self.flag(entry), where)

    def pass_on(self, entry: Entry) -> None:
        """Let an optional function be replaced by a value it reads, where that is its alias in each use that lacks it.

        The alias then lives no longer than its last reader in the uses that have the function.  The entries between
        them must be lacking in the same uses, where each is replaced by one of the values that it reads.
        """
        if entry.kind == "function" and entry.alias is not None and entry.alias not in entry.reads:
            lacking = [use for use, item in enumerate(entry.items) if item is None]
            entry.alias = self._handed_on(entry.reads, entry.alias, lacking, set()) or entry.alias

    def _handed_on(self, reads: Sequence[Ref], alias: Ref, lacking: Sequence[int], tried: set[Ref]) -> Ref | None:
        """The first of some values that is ``alias`` in the uses ``lacking``, or is made to be it; None without one."""
        for ref in reads:
            if ref == alias:
                return ref
            other = self.wiring.entries[ref.entry] if ref.entry >= 0 and ref not in tried else None
            tried.add(ref)
            if other is None or other not in self.wiring.top or any(other.items[use] is not None for use in lacking):
                continue
            if other.alias is not None or other.kind != "function":
                if self._handed_on([other.alias or other.reads[0]], alias, lacking, tried):
                    return ref
                continue
            found = self._handed_on(other.reads, alias, lacking, tried)
            if found is not None:
                other.alias = found
                return ref
        return None

    def reads_alias(self, entry: Entry) -> bool:
        """Whether an entry reads its alias, the value that replaces its own in uses that lack it.

        Other entries may lie between them, if no use has both one of those and this entry.
        """
        ref, between = entry.alias, list[Entry]()
        while ref is not None and ref != entry.reads[0]:
            other = self.wiring.entries[ref.entry] if ref.entry >= 0 else None
            if other is None or any(
                mine is not None and its is not None for mine, its in zip(entry.items, other.items, strict=True)
            ):
                return False
            between.append(other)
            ref = other.alias or next(iter(other.reads), None)
        if ref is None or entry.alias is None:
            return False
        for other in between:
            other.alias = other.alias or other.reads[0]
        entry.reads = [entry.alias, *entry.reads[1:]]
        return True

    def find(self, entry: Entry, flag: str, where: Sequence[int] | None = None) -> None:
        """Set an entry's condition: a formula that is true in exactly those uses that have it."""
        present = {use: item is not None for use, item in zip(where or self.wiring.every, entry.items, strict=True)}
        if isinstance(entry.head, Tree):
            key = next(iter(algebra.names_in(entry.head)))
            if all((self.solver.parameters[key].values[use] is not None) == there for use, there in present.items()):
                entry.condition = t.Comparison(algebra.AT, entry.head, (("is not", algebra.constant(None)),))
                return
        hints: list[Tree] = []
        step = entry.first.what.step
        previous = self.wiring.channels.get(entry.reads[0]) if entry.reads else None
        if step is not None and isinstance(step.when, Expression):
            uses = zip(where or self.wiring.every, entry.items, strict=True)
            there = [(item, use) for use, item in uses if item is not None]
            bound = self.members.bound([item for item, _ in there], [use for _, use in there])
            hints += self.solver.said(step.when.tree, previous, bound)
        hints += self.known
        entry.condition = self.solver.condition(flag, present, hints)
        if entry.condition not in self.known:
            self.known.append(entry.condition)

    @staticmethod
    def flag(entry: Entry) -> str:
        """The name of an argument that says whether an entry is present."""
        what = entry.first.what
        if what.step is not None and what.step.what.startswith("$") and what.step.what[1:].isidentifier():
            return what.step.what[1:]
        if entry.name and not entry.name.isdigit():
            return f"has_{entry.name}"
        if isinstance(what, Node):
            return f"has_{what.op.keyword}" if what.op is not None else "has_input"
        return f"has_{what.block.name if what.block is not None else what.kind}"
