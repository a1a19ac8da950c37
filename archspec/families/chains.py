"""Chains, which become ``nn.Sequential``: their loops, and the members that some uses lack."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.analyses.structure import positional
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families import algebra, simplify, sums
from archspec.families.algebra import TURN
from archspec.families.align import align
from archspec.families.bodies import copy_of, step_of
from archspec.families.conditions import Conditions
from archspec.families.items import Item
from archspec.families.members import Members
from archspec.families.series import GROUPED, Segment, turns_of
from archspec.families.settle import formulas
from archspec.families.solver import Mismatch
from archspec.families.templates import Entry, Series
from archspec.families.wiring import Wiring, tidy

WRITTEN_OUT = 16
"""The most members that are written one by one rather than as a loop over a list in the same class."""


class Chains:
    """Builds the entries of chains."""

    def __init__(self, wiring: Wiring, members: Members, conditions: Conditions) -> None:
        self.wiring = wiring
        self.solver = wiring.solver
        self.members = members
        self.conditions = conditions

    def chained(
        self,
        rows: list[list[Item]],
        where: Sequence[int],
        previous: Tree | None,
        inline: bool,
        turns: Sequence[int] | None = None,
    ) -> tuple[list[Entry | Series], Tree | None]:
        """The entries of a chain and its output channels; repeated steps form a loop where formulas fit it.

        ``turns`` are the iterations of the loop that the chain itself is in; its own repeated steps are written out.
        """
        for segments in turns_of(rows) if turns is None else ():
            mark = self.solver.snapshot()
            try:
                return self._looped(segments, where, previous, inline)
            except Mismatch:
                self.solver.restore(mark)
        numbered = all(positional([item.name for item in row]) for row in rows)
        again = {step_of(item) for row in rows for item in row if any(copy_of(item))}
        out: list[Entry | Series] = []
        for items in align(rows):
            if not numbered and len({item.name for item in items if item is not None}) > 1:
                raise Mismatch("the uses give the step different names")
            if any(item is None for item in items) and any(item and step_of(item) in again for item in items):
                raise Mismatch("the loops have different lengths")
            lacking = {(use, item is None) for use, item in zip(where, items, strict=True)}
            if turns is not None and len(lacking) > len(set(where)):
                raise Mismatch("only some iterations have the step")
            entry = self.members.entry(items, where, turns, -1, previous)
            self.conditions.say(entry, where)
            previous = self._chain_channels(entry, items, where, previous, turns)
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
                if not segment.numbered and len({item.name for item in items if item is not None}) > 1:
                    raise Mismatch("the uses give the step different names")
                entry = self.members.entry(items, where, None, -1, previous)
                self.conditions.say(entry, where)
                previous = self._chain_channels(entry, items, where, previous)
                out.append(entry)
        return out, previous

    def _series(
        self, segment: Segment, where: Sequence[int], previous: Tree | None, inline: bool
    ) -> tuple[list[Entry | Series], Tree | None]:
        """One loop; or its first iteration apart and a loop over the rest; or a loop with a case for the first."""
        for start, apart in ((0, False), (1, False), (0, True)):
            mark, outer = self.solver.snapshot(), self.solver.first_apart
            self.solver.first_apart = outer or apart
            try:
                return self._series_from(segment, where, previous, start, inline)
            except Mismatch:
                self.solver.restore(mark)
            finally:
                self.solver.first_apart = outer
        raise Mismatch("no formula fits the loop")

    def _series_from(
        self, segment: Segment, where: Sequence[int], previous: Tree | None, start: int, inline: bool
    ) -> tuple[list[Entry | Series], Tree | None]:
        out: list[Entry | Series] = []
        before = previous
        if start and not min(segment.counts):
            raise Mismatch("some uses lack the first iteration")
        if start:
            for column in range(segment.period):
                items: list[Item | None] = [row[column] for row in segment.rows]
                entry = self.members.entry(items, where, None, -1, previous)
                previous = self._chain_channels(entry, items, where, previous)
                out.append(entry)
        mark = self.solver.snapshot()
        body, end = self._turns(segment, where, previous, start, inline)
        between = _handed_on(body, previous, end) if start == 0 and max(segment.counts) > 1 else None
        if between is not None:
            self.solver.restore(mark)
            body, end = self._turns(segment, where, between, start, inline)
        if max(segment.counts) <= WRITTEN_OUT and self._reads_own_table(body):
            raise Mismatch("a list is easier to read than this loop")
        count = self.solver.solve(
            "count", [count - start for count in segment.counts], where, self.count_hints(segment, where, start)
        )
        out.append(Series(body, count))
        values = [
            self.wiring.last_width(row[-1], 0) if row else self._width(previous, use)
            for use, row in zip(where, segment.rows, strict=True)
        ]
        if len(set(values)) == 1 and values[0] is not None:
            return out, algebra.constant(values[0])
        at_end = tidy(simplify.at_turn(end, sums.total([count, algebra.constant(-1)]))) if end is not None else None
        for guess in (at_end, end, previous, before):
            if guess is not None and self.solver.fits(guess, values, where):
                return out, guess
        return out, None

    def _width(self, channels: Tree | None, use: int) -> int | None:
        """The channels that a formula gives in a use; None where there is no formula."""
        return None if channels is None else algebra.value_of(channels, self.solver.names[use])

    def _reads_own_table(self, body: Sequence[Entry]) -> bool:
        """Whether a loop's members take their numbers from a list in the same class.

        Members written one by one are then as short, and easier to read.
        """
        tables = {key for key, tree in self.solver.locals.items() if isinstance(tree, t.Listing)}
        names = {name for tree in formulas(body) for name in algebra.names_in(tree)}
        return TURN in names and not tables.isdisjoint(names)

    def _turns(
        self, segment: Segment, where: Sequence[int], previous: Tree | None, start: int, inline: bool
    ) -> tuple[list[Entry], Tree | None]:
        """The entries of a loop's body, and the output channels of an iteration."""
        body: list[Entry] = []
        inside = previous
        rare = len(set(segment.counts)) == 1 and segment.counts[0] - start < GROUPED
        if segment.period > 1 and (inline or segment.name(0, start) is None) and rare:
            raise Mismatch("a list is easier to read than this loop")
        for column in range(segment.period):
            items, uses, turns = [], [], []
            for use, row, count in zip(where, segment.rows, segment.counts, strict=True):
                for turn in range(start, count):
                    items.append(row[turn * segment.period + column])
                    uses.append(use)
                    turns.append(turn - start)
            name = segment.name(column, start)
            unruly = name is not None and (name[1] < 0 or (inline and len(segment.rows) > 1))
            if not items or unruly:
                raise Mismatch("the names in the loop follow no rule")
            entry = self.members.entry(items, uses, turns, -1, inside)
            entry.series_name = name
            if name is not None and inline and any(TURN in algebra.names_in(tree) for tree in formulas([entry])):
                raise Mismatch("a list is easier to read than this loop")
            inside = self._chain_channels(entry, items, uses, inside, turns)
            body.append(entry)
        return body, inside

    def repeated(
        self, items: Sequence[Item], where: Sequence[int], turns: Sequence[int], previous: Tree | None
    ) -> tuple[Series, Tree | None]:
        """A loop inside another, and its output channels; ``turns`` are the iterations of the outer one.

        Its members may differ from one iteration of the outer loop to the next, not among its own.
        """
        rows = [item.children for item in items]
        period = sum(copy_of(child) == copy_of(rows[0][0]) for child in rows[0])
        counts = [len(row) // period for row in rows]
        body: list[Entry] = []
        inside = previous
        for column in range(period):
            copies = [
                (child, use, turn)
                for row, use, turn in zip(rows, where, turns, strict=True)
                for child in row[column::period]
            ]
            members, uses, outer = (
                [child for child, _, _ in copies],
                [use for _, use, _ in copies],
                [turn for _, _, turn in copies],
            )
            entry = self.members.entry(list(members), uses, outer, -1, inside)
            inside = self._chain_channels(entry, members, uses, inside, outer)
            body.append(entry)
        segment = Segment(True, [list(row) for row in rows], period, counts, numbered=True)
        count = self.solver.solve("count", counts, where, self.count_hints(segment, where, 0), turns)
        return Series(body, count), inside

    def count_hints(self, segment: Segment, where: Sequence[int], start: int) -> list[Tree]:
        """Formulas from the spec for the number of a loop's iterations, the last of which may lack a step."""
        step = segment.step
        rows = [(item, use) for use, row in zip(where, segment.rows, strict=True) for item in row]
        bound = self.members.bound([item for item, _ in rows], [use for _, use in rows])
        found: list[Tree] = []
        if step is not None and step.repeat is not None:
            found += self.solver.hint(step.repeat, None, bound)
        elif step is not None and step.clauses and len(step.clauses[-1].loops) == 1:
            over = step.clauses[-1].loops[0].iterable
            if isinstance(over, t.Call) and over.function == "range" and len(over.arguments) == 1:
                found += self.solver.said(over.arguments[0], None, bound)
        found += self.solver.lengths()
        return [sums.total([tree, algebra.constant(-less)]) for less in (start, start + 1) for tree in found]

    def _chain_channels(
        self,
        entry: Entry,
        items: Sequence[Item | None],
        where: Sequence[int],
        previous: Tree | None,
        turns: Sequence[int] | None = None,
    ) -> Tree | None:
        there = [(k, item) for k, item in enumerate(items) if item is not None]
        values = [self.wiring.last_width(item, 0) for _, item in there]
        uses = [where[k] for k, _ in there]
        own = [turns[k] for k, _ in there] if turns is not None else None
        found = self.wiring.channel_formula(entry, values, uses, 0, [previous] if previous is not None else [], own)
        if len(there) == len(items) or found is None:
            return found
        every = [self.wiring.last_width(item, 0) if item is not None else None for item in items]
        lacking = [where[k] for k, item in enumerate(items) if item is None]
        for guess in (found, previous):
            if guess is not None and previous is not None:
                known = [value for value in every if value is not None]
                missing = [algebra.value_of(previous, self.solver.names[use]) for use in lacking]
                if self.solver.fits(guess, [*known, *missing], [*uses, *lacking]):
                    return guess
        return None


def _handed_on(body: Sequence[Entry], before: Tree | None, end: Tree | None) -> Tree | None:
    """The input channels of an iteration, where those before the loop fit later iterations only by chance; else None.

    The output channels then depend on the iteration, and each iteration reads those of the one before it.
    """
    if before is None or end is None or TURN not in algebra.names_in(end) or TURN in algebra.names_in(before):
        return None
    if not any(slot.tree == before for slot in body[0].slots):
        return None
    first = t.Comparison(algebra.AT, algebra.name(TURN), (("==", algebra.constant(0)),))
    earlier = simplify.at_turn(end, sums.total([algebra.name(TURN), algebra.constant(-1)]))
    return t.Conditional(algebra.AT, first, before, earlier)
