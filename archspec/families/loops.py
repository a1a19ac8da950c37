"""Loops in a class with a forward: repeated steps, where each iteration reads the result of the one before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field

from archspec.analyses.structure import PLAIN_CALL
from archspec.expressions.tree import Tree
from archspec.families import algebra, sums
from archspec.families.align import align
from archspec.families.bodies import ways
from archspec.families.branches import Branches
from archspec.families.chains import Chains
from archspec.families.items import Item
from archspec.families.members import Members
from archspec.families.series import Segment, Stretch, stretches
from archspec.families.solver import Mismatch
from archspec.families.templates import Entry, Ref
from archspec.families.wiring import Wiring

Place = tuple[int, int]
"""A value made in an iteration: the position of the item in the body, and the item's output."""


class _NoLoopError(Mismatch):
    """The steps cannot be written as a loop; they are written one by one."""

    def __init__(self, key: Hashable, why: str) -> None:
        super().__init__(why)
        self.key = key


@dataclass(slots=True)
class _Turns:
    """The items of one loop, and for each use the iteration and place at which each value is made."""

    segment: Segment
    start: int
    """The number of iterations written out before the loop."""
    made: list[dict[int, tuple[int, Place]]] = field(default_factory=list)
    carried: list[Place] = field(default_factory=list)
    """The values that an iteration passes to the next."""
    initial: list[list[Ref | None]] = field(default_factory=list)
    """For each carried value, what the first iteration reads instead, in each use."""
    last: dict[int, dict[int, int]] = field(default_factory=dict)
    """For each use, the values from before the loop that all its iterations read, with the last column to do so."""

    def column(self, column: int) -> list[tuple[Item, int, int]]:
        """One item of the body in each use and iteration, as (item, use, iteration)."""
        rows, counts = self.segment.rows, self.segment.counts
        return [
            (row[turn * self.segment.period + column], use, turn - self.start)
            for use, (row, count) in enumerate(zip(rows, counts, strict=True))
            for turn in range(self.start, count)
        ]


class Loops:
    """Builds the entries of classes with a forward."""

    given: tuple[list[Ref], list[dict[int, int]]]
    """The outputs of the class, and for each use the output of each node."""

    def __init__(self, wiring: Wiring, members: Members, chains: Chains, branches: Branches) -> None:
        self.wiring = wiring
        self.solver = wiring.solver
        self.members = members
        self.chains = chains
        self.branches = branches

    def aligned(self, rows: list[list[Item]]) -> None:
        """Fill the wiring's ``entries``, its ``top`` (those in no loop or shared condition), and ``given``."""
        without: set[Hashable] = set()
        possible = ways(rows) or [{}]
        while True:
            mark = self.wiring.mark()
            parts = stretches(rows, possible[0], without)
            loops = {part.key for row in parts for part in row if part.period}
            try:
                self._columns(align(parts))
                self.given = self.branches.outputs()
                for entry in reversed(self.wiring.top):
                    self.branches.conditions.pass_on(entry)
                for entry in self.wiring.top:
                    self.branches.finish(entry)
                return
            except Mismatch as failed:
                if not loops:
                    raise
                self.wiring.back_to(mark)
                if len(possible) > 1:
                    possible, without = possible[1:], set()
                else:
                    without |= {failed.key} if isinstance(failed, _NoLoopError) else loops

    def _columns(self, columns: list[list[Stretch | None]]) -> None:
        left = [
            Counter(index for items in columns for index in self.branches.read_by(items[use]))
            for use in self.wiring.every
        ]
        later = [counter.keys() for counter in left]  # the values read further on, updated at each step
        position = 0
        while position < len(columns):
            column = columns[position]
            first = next(part for part in column if part is not None)
            run = self._run(columns, position)
            for use, counter in enumerate(left):
                for items in columns[position : position + run]:
                    for index in self.branches.read_by(items[use]):
                        counter[index] -= 1
                        if not counter[index]:
                            del counter[index]
            if first.period:
                rows = [part.items if part is not None else [] for part in column]
                counts = [len(row) // first.period for row in rows]
                self._loop(first.key, Segment(True, rows, first.period, counts, False), later)
            else:
                singles = [[part.items[0] if part is not None else None for part in one]
                           for one in columns[position : position + run]]  # fmt: skip
                if (run == 1 and not self._takes_more(singles[0])) or not self.branches.together(singles, later):
                    for items in singles:
                        self.branches.single(items)
            position += run

    def _run(self, columns: list[list[Stretch | None]], position: int) -> int:
        """The number of consecutive items from here on that the same uses lack."""
        lacking = [part is None for part in columns[position]]
        end = position + 1
        while any(lacking) and end < len(columns) and [part is None for part in columns[end]] == lacking:
            end += 1
        period = any(part is not None and part.period for column in columns[position:end] for part in column)
        return end - position if not period else 1

    def _takes_more(self, items: list[Item | None]) -> bool:
        """Whether an item that some uses lack is more than a module called on the value that replaces its result."""
        item = next(item for item in items if item is not None)
        if None not in items or item.kind == "function":
            return False
        called = item.module is not None and item.kind == "module" and item.module.whole != PLAIN_CALL
        return called or len(item.gives) > 1 or len(self.wiring.formal(item)) > 1

    def _loop(self, key: Hashable, segment: Segment, later: Sequence[Collection[int]]) -> None:
        """Add a loop; or its first iteration apart and a loop over the rest."""
        why = ""
        for start, apart in ((0, False), (0, True), (1, False)):
            mark = self.wiring.mark()
            self.solver.first_apart = apart
            try:
                self._loop_from(segment, start, later)
                return
            except Mismatch as failed:
                why = str(failed)
                self.wiring.back_to(mark)
            finally:
                self.solver.first_apart = False
        raise _NoLoopError(key, why)

    def _loop_from(self, segment: Segment, start: int, later: Sequence[Collection[int]]) -> None:
        if start and not min(segment.counts):
            raise Mismatch("some uses lack the first iteration")
        for column in range(segment.period) if start else ():
            self.branches.single([row[column] for row in segment.rows])
        if max(segment.counts) - start < 2:
            raise Mismatch("the loop is too short")
        turns = _Turns(segment, start, [{} for _ in self.wiring.every])
        for column in range(segment.period):
            for item, use, turn in turns.column(column):
                if item.what.reuse is not None or item.training:
                    raise Mismatch("reused weights or training-only steps cannot be in a loop")
                for index, output in item.gives.items():
                    turns.made[use][index] = turn, (column, output)
        begin = len(self.wiring.entries)
        reads = [self._turn_reads(turns, column, begin) for column in range(segment.period)]
        if not turns.carried:
            raise Mismatch("the iterations do not follow one another")
        loop = Entry("loop", "", [row[0] if row[start * segment.period :] else None for row in segment.rows])
        loop.number = begin + 1 + segment.period
        loop.reads = [self.wiring.phi(initial, begin) for initial in turns.initial]
        loop.begin = [Ref(begin, position) for position in range(len(turns.carried))]
        loop.carried = [Ref(begin + 1 + column, output) for column, output in turns.carried]
        if any(item is None for item in loop.items):
            if len(loop.reads) > 1:
                raise Mismatch("a loop without iterations passes on several values")
            loop.alias = loop.reads[0]
        self._hold(turns, later)
        for ref, inside in zip(loop.reads, loop.begin, strict=True):
            if ref in self.wiring.channels:  # only a guess: every formula is checked
                self.wiring.channels[inside] = self.wiring.channels[ref]
        self.wiring.entries.append(Entry("loop", "", []))  # numbers the values that an iteration starts from
        for column, own in enumerate(reads):
            items = turns.column(column)
            name = segment.name(column, start)
            if name is None or name[1] < 0:
                raise Mismatch("the names in the loop follow no rule")
            entry = self.members.entry(
                [item for item, _, _ in items], [use for _, use, _ in items], [turn for _, _, turn in items],
                begin + 1 + column, reads=own,
            )  # fmt: skip
            entry.series_name = name
            self.wiring.entries.append(entry)
            loop.children.append(entry)
        counts = [count - start for count in segment.counts]
        loop.count = self.solver.solve(
            "count", counts, self.wiring.every, self.chains.count_hints(segment, self.wiring.every, start)
        )
        if not algebra.is_constant(loop.count):
            key = next(iter(algebra.names_in(loop.count)))
            plain = loop.count == algebra.name(key)
            name = self.solver.candidates[key].wanted if plain else "count"
            loop.text, loop.attributes = f"{{{name}}}", {name: loop.count}
        self._after(turns, loop)
        self.wiring.entries.append(loop)
        self.wiring.top.append(loop)

    def _turn_reads(self, turns: _Turns, column: int, begin: int) -> list[Ref]:
        """The reads of one item of the body: from its own iteration, the one before, or from before the loop."""
        items = turns.column(column)
        formals = [self.wiring.formal(item) for item, _, _ in items]
        if len({len(formal) for formal in formals}) != 1:
            raise Mismatch("the uses read different numbers of values")
        found: list[Ref] = []
        for position in range(len(formals[0])):
            outer: dict[int, dict[int, int]] = {}
            inner: set[tuple[bool, Place]] = set()
            for (_, use, turn), formal in zip(items, formals, strict=True):
                made = turns.made[use].get(formal[position])
                if made is None:
                    outer.setdefault(use, {})[turn] = formal[position]
                elif made[0] in (turn, turn - 1):
                    inner.add((made[0] == turn, made[1]))
                else:
                    raise Mismatch("an iteration reads from an earlier one")
            found.append(self._turn_read(turns, outer, inner, begin, column))
        return found

    def _turn_read(
        self, turns: _Turns, outer: dict[int, dict[int, int]], inner: set[tuple[bool, Place]], begin: int, column: int
    ) -> Ref:
        if len(inner) > 1:
            raise Mismatch("the iterations read different values")
        before: list[Ref | None] = [
            self.wiring.value(use, next(iter(outer[use].values()))) if use in outer else None
            for use in self.wiring.every
        ]
        if not inner:
            for use, read in outer.items():
                if len(set(read.values())) > 1:
                    raise Mismatch("the iterations read different values")
                turns.last.setdefault(use, {}).update(dict.fromkeys(read.values(), column))
            return self.wiring.phi(before, begin)
        own, place = inner.pop()
        if own:
            if outer:
                raise Mismatch("the iterations read different values")
            return Ref(begin + 1 + place[0], place[1])
        if any(turn for read in outer.values() for turn in read):
            raise Mismatch("the iterations read different values")
        if place not in turns.carried:
            turns.carried.append(place)
            turns.initial.append(before)
        position = turns.carried.index(place)
        if turns.initial[position] != before:
            raise Mismatch("the iterations start from different values")
        return Ref(begin, position)

    def _hold(self, turns: _Turns, later: Sequence[Collection[int]]) -> None:
        """Refuse a loop that would keep values alive after their last use in the last iteration."""
        for use, values in turns.last.items():
            kept = {*self.wiring.inputs[use], *self.wiring.flow.outputs[self.wiring.uses[use]], *later[use]}
            row = turns.segment.rows[use]
            ends = {value for value, column in values.items() if _frees_last(row, column, turns.segment.period)}
            if not values.keys() <= kept | ends:
                raise Mismatch("a value is read in each iteration and not after the loop")

    def _after(self, turns: _Turns, loop: Entry) -> None:
        """Record the values that can be read after the loop, and their channels."""
        period = turns.segment.period
        for position, (column, output) in enumerate(turns.carried):
            ref = Ref(loop.number, position)
            values: list[int | None] = []
            where: list[int] = []
            for use, row in enumerate(turns.segment.rows):
                for index, place in row[column - period].gives.items() if row[turns.start * period :] else ():
                    if place == output:
                        self.wiring.values[use][index] = ref
                        values.append(self.solver.channels(index))
                        where.append(use)
            guess = self._channels_after(loop, position, values, where)
            if guess is not None:
                self.wiring.channels[ref] = guess

    def _channels_after(
        self, loop: Entry, position: int, values: Sequence[int | None], where: Sequence[int]
    ) -> Tree | None:
        if not values or None in values or len(where) < len(self.wiring.uses):
            return None
        if len(set(values)) == 1:
            return algebra.constant(values[0])
        before = self.wiring.channels.get(loop.reads[position])
        guesses = [before, self.wiring.channels.get(loop.carried[position])]
        if before is not None and loop.count is not None:
            for entry in loop.children:
                assert isinstance(entry, Entry)
                growth = self.wiring.channels.get(Ref(entry.number))
                if growth is not None:
                    guesses.append(sums.total([before, sums.product(loop.count, growth)]))
        return next((guess for guess in guesses if guess is not None and self.solver.fits(guess, values, where)), None)


def _frees_last(row: Sequence[Item], column: int, period: int) -> bool:
    """Whether what a column of a loop reads can be let go no earlier than at the end of the iteration."""
    made = row[column].module or row[column].function
    return column == period - 1 and (made is None or made.prepare == "{0}")
