"""Finds the formulas of a class: each gives a value that differs between uses from the constructor's arguments.

Every formula is evaluated at every use and compared with the value.  A wrong guess therefore costs only readability:
the value becomes a constructor argument of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archspec.analyses.flow import Flow
from archspec.diagnostics import Fault
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families import algebra, simplify, sums
from archspec.families.algebra import TURN
from archspec.families.arguments import Arguments
from archspec.families.templates import Parameter
from archspec.graph import Scope


class Mismatch(Exception):
    """The uses cannot share a class."""


class Solver(Arguments):
    """Finds formulas."""

    def __init__(
        self, flow: Flow, uses: Sequence[Scope], inputs: Sequence[Sequence[int]], expected: Iterable[str] = ()
    ) -> None:
        super().__init__(flow, uses, inputs, expected)
        self.first_apart = False
        """Whether a formula may have a case for the first iteration of a loop."""
        every = range(len(uses))
        for key, parameter in self.candidates.items():
            if self._is_fixed(key) and isinstance(parameter.values[0], tuple) and parameter.values[0]:
                self.locals[key] = algebra.constant(parameter.values[0])
        for name in self.lets:
            if name not in self.candidates or self._is_fixed(name):
                continue
            values = self.candidates[name].values
            forms = self._forms(self.said(self.lets[name]), values, every)
            found = next((form for form in forms if self.fits(form, values, every)), None) or self._equal(name)
            if found is not None:
                self.locals[name] = found

    def _equal(self, name: str) -> Tree | None:
        """Another argument that has the values of a ``let`` in every use; None where none has."""
        own = algebra.plain(tuple(self.candidates[name].values))
        others = (key for key in self.candidates if key not in self.lets)
        equal = (key for key in others if algebra.same(algebra.plain(tuple(self.candidates[key].values)), own))
        return next(map(algebra.name, equal), None)

    def solve(
        self,
        wanted: str,
        values: Sequence[Any],
        where: Sequence[int],
        hints: Iterable[Tree] = (),
        turns: Sequence[int] | None = None,
    ) -> Tree:
        """A formula whose value is ``values[k]`` in use ``where[k]`` (and iteration ``turns[k]`` of a loop)."""
        values = [algebra.plain(value) for value in values]
        hints = list(hints)
        if all(algebra.same(value, values[0]) for value in values):
            if turns is None and len(where) < len(self.uses):
                for form in self._forms(hints, values, where):
                    if self._needed(form) <= self.parameters.keys() | self.expected and self.fits(form, values, where):
                        return self.use(form)
            return self._worked_out(values[0], hints) if turns is None else algebra.constant(values[0])
        for form in self._forms(hints, values, where):
            if self.fits(form, values, where, turns):
                return self.use(form)
        found = self._matching(values, where) or (self._extended(values, where) if turns is None else None)
        if found is not None:
            return found
        if turns is not None:
            series = self._series(wanted, values, where, turns, hints)
            if series is None and self.first_apart:
                series = self._first_apart(wanted, values, where, turns, hints)
            if series is not None:
                return series
        by_use: dict[int, Any] = {}
        for use, value in zip(where, values, strict=True):
            if use in by_use and not algebra.same(by_use[use], value):
                raise Mismatch(f"{wanted} varies within one use")
            by_use[use] = value
        return self.fresh(wanted, by_use)

    def _worked_out(self, value: Any, hints: Iterable[Tree]) -> Tree:
        """A value as a formula; a fraction that the spec computes is kept as its computation: ``0.2 * 3 / 16``."""
        for tree in hints if isinstance(value, float) and value else ():
            names = algebra.names_in(tree)
            if all(map(self._is_fixed, names)):
                found = simplify.fold(tree, {name: self._value(name) for name in names}, fractions=False)
                if algebra.translatable(found) and algebra.same(algebra.value_of(found, {}), value):
                    return found
        return algebra.constant(value)

    def says(
        self, hints: Iterable[Tree], values: Sequence[Any], where: Sequence[int], turns: Sequence[int] | None
    ) -> bool:
        """Whether one of the spec's formulas has these values."""
        values = [algebra.plain(value) for value in values]
        return any(self.fits(form, values, where, turns) for form in self._forms(hints, values, where))

    def fits(self, tree: Tree, values: Sequence[Any], where: Sequence[int], turns: Sequence[int] | None = None) -> bool:
        """Whether a formula has these values."""
        seen: dict[tuple[Any, ...], Any] = {}
        needed = sorted(algebra.names_in(tree))
        if any(key not in self.candidates and key != TURN for key in needed) or (TURN in needed and turns is None):
            return False
        for index, (use, value) in enumerate(zip(where, values, strict=True)):
            names = self.names[use] if turns is None else {**self.names[use], TURN: turns[index]}
            key = tuple(repr(names.get(name)) for name in needed)
            try:
                if key not in seen:
                    seen[key] = algebra.value_of(tree, names)
            except Fault:
                return False
            if not algebra.same(algebra.plain(seen[key]), value):
                return False
        return True

    def _forms(self, hints: Iterable[Tree], values: Sequence[Any], where: Sequence[int]) -> Iterator[Tree]:
        """The spec's formulas, simplest first, with arguments that never vary replaced by their values."""
        for tree in hints:
            names = algebra.names_in(tree)
            fixed = {name: self._value(name) for name in names if self._is_fixed(name)}
            varying = [name for name in self.candidates if name in names and name not in fixed]
            if fixed:
                for key in varying:
                    multiple = self._multiple(key, values, where)
                    if multiple is not None:
                        yield multiple
                tree = self._folded(tree, fixed)
            if not varying and TURN not in names:
                continue
            yield tree
            whole = _whole(tree)
            if whole is not None:
                yield whole

    def _folded(self, tree: Tree, fixed: Mapping[str, Tree]) -> Tree:
        """A formula with values for arguments that never vary; a list indexed by the iteration keeps its name."""
        folded = simplify.fold(tree, fixed)
        if any(isinstance(part, t.Index) and isinstance(part.value, t.Listing) for part in algebra.within(folded)):
            return simplify.fold(tree, {name: value for name, value in fixed.items() if name not in self.locals})
        return folded

    def _matching(self, values: Sequence[Any], where: Sequence[int]) -> Tree | None:
        """An argument with these values, or an integer multiple or fraction of one."""
        for pool in (self.parameters, self.candidates):
            for key, parameter in pool.items():
                if all(algebra.same(parameter.values[use], value) for use, value in zip(where, values, strict=True)):
                    return self.use(algebra.name(key))
        for key in {**self.parameters, **self.candidates}:
            found = self._multiple(key, values, where)
            if found is not None:
                return self.use(found)
        return None

    def _multiple(self, key: str, values: Sequence[Any], where: Sequence[int]) -> Tree | None:
        """An argument, or an integer multiple or fraction of it, that has these values; None where none has."""
        own = [self.candidates[key].values[use] for use in where]
        known = algebra.name(key)
        if all(algebra.same(one, value) for one, value in zip(own, values, strict=True)):
            return known
        if not all(type(number) is int and number > 0 for number in (*own, *values)):
            return None
        for many, few, symbol in ((values, own, "*"), (own, values, "//")):
            factor = many[0] // few[0]
            if factor > 1 and all(a == b * factor for a, b in zip(many, few, strict=True)):
                number = algebra.constant(factor)
                sides = (number, known) if symbol == "*" else (known, number)
                return t.Arithmetic(algebra.AT, sides[0], ((symbol, sides[1]),))
        return None

    def _series(
        self, wanted: str, values: Sequence[Any], where: Sequence[int], turns: Sequence[int], hints: Iterable[Tree]
    ) -> Tree | None:
        """``base + i * growth``, where the values have this form."""
        if not all(type(value) is int for value in values) or max(turns) < 2:
            return None
        first: dict[int, int] = {}
        growth: dict[int, int] = {}
        for use, turn, value in zip(where, turns, values, strict=True):
            if turn == 0:
                first[use] = value
            elif turn == 1 and use in first:
                growth[use] = value - first[use]
        if not growth:
            return None
        usual = next(iter(growth.values()))
        for use, turn, value in zip(where, turns, values, strict=True):
            if use not in first or value != first[use] + turn * growth.get(use, usual):
                return None
        growths, grown = list(growth.values()), list(growth)
        third = {use for use, turn in zip(where, turns, strict=True) if turn == 2}
        open_ended = any(value and use not in third for use, value in growth.items())
        if len(set(growths)) > 1 and open_ended and self._matching(growths, grown) is None:
            return None  # any two values have this form: it takes a third, or an argument for the difference
        step = self.solve("growth", growths, grown, [])
        base = self.solve(wanted, list(first.values()), list(first), hints)
        if step == algebra.constant(0):
            return base if self.fits(base, values, where, turns) else None
        many = (
            t.Arithmetic(algebra.AT, step, (("*", algebra.name(TURN)),))
            if step != algebra.constant(1)
            else algebra.name(TURN)
        )
        tree = t.Arithmetic(algebra.AT, base, (("+", many),))
        return self.use(tree) if self.fits(tree, values, where, turns) else None

    def _first_apart(
        self, wanted: str, values: Sequence[Any], where: Sequence[int], turns: Sequence[int], hints: Iterable[Tree]
    ) -> Tree | None:
        """``first if i == 0 else rest``, with one value of a use in all further iterations, or an entry of a list."""
        cases = list(zip(where, values, turns, strict=True))
        rest = [(use, value) for use, value, turn in cases if turn]
        first = [(use, value) for use, value, turn in cases if not turn]
        if not rest:
            return None
        before = sums.total([algebra.name(TURN), algebra.constant(-1)])
        own, uses = [value for _, value in rest], [use for use, _ in rest]
        later = [turn for turn in turns if turn]
        varied = any(not algebra.same(value, own[0]) for value in own)
        found = (entry for entry in self._entries(before) if varied and self.fits(entry, own, uses, later))
        otherwise = next(map(self.use, found), None)
        if otherwise is None:
            for use, value in rest:
                if not algebra.same(value, next(other for one, other in rest if one == use)):
                    return None
            otherwise = self.solve(f"next_{wanted}", own, uses, hints)
        then = self.solve(wanted, [value for _, value in first], [use for use, _ in first], hints)
        test = t.Comparison(algebra.AT, algebra.name(TURN), (("==", algebra.constant(0)),))
        return self.use(t.Conditional(algebra.AT, test, then, otherwise))

    def fresh(self, wanted: str, values: Mapping[int, Any], absent: Any = ...) -> Tree:
        """A new argument.  Uses without a value get ``absent``, or a value that a later member needs."""
        every = range(len(self.uses))
        filler = next(iter(values.values())) if absent is ... else absent
        filled = [values.get(use, filler) for use in every]
        if not all(algebra.is_plain(value) for value in filled):
            raise Mismatch(f"{wanted} has no literal")
        if self.member and any(parameter.wanted == wanted for parameter in self.candidates.values()):
            wanted = f"{self.member}_{wanted}"
        number, key = 1, f"{wanted}@1"
        while key in self.candidates:
            number += 1
            key = f"{wanted}@{number}"
        known = set(values) if absent is ... else set(every)
        self.candidates[key] = self.parameters[key] = Parameter(key, wanted, filled, known=known)
        for names, value in zip(self.names, filled, strict=True):
            names[key] = value
        return algebra.name(key)

    def _extended(self, values: Sequence[Any], where: Sequence[int]) -> Tree | None:
        """An argument that has values in some uses only and can take these in the others; None where there is none."""
        for key, parameter in self.parameters.items():
            if parameter.known is None or len(parameter.known) == len(self.uses):
                continue
            pairs = list(zip(where, values, strict=True))
            shared = [pair for pair in pairs if pair[0] in parameter.known]
            if shared and all(algebra.same(parameter.values[use], value) for use, value in shared):
                filled = list(parameter.values)
                for use, value in pairs:
                    filled[use] = self.names[use][key] = value
                known = parameter.known | set(where)
                self.parameters[key] = self.candidates[key] = replace(parameter, values=filled, known=known)
                return algebra.name(key)
        return None

    def bound(
        self,
        values: Sequence[Any],
        copies: Sequence[int],
        where: Sequence[int],
        turns: Sequence[int] | None,
        hints: Iterable[Tree] = (),
    ) -> Any:
        """A loop variable as a value, a formula, or ``...`` for neither; ``copies`` are its iterations' indices.

        ``hints`` are formulas of the spec for it, where it is an argument of a block written inline.
        """
        if all(algebra.same(value, values[0]) for value in values):
            return values[0]
        said = next((form for form in self._forms(hints, values, where) if self.fits(form, values, where, turns)), None)
        if said is not None:
            return said
        if turns is None:
            index = algebra.constant(copies[0])
            offset = 0 if len(set(copies)) == 1 else None
        else:
            offset = copies[0] - turns[0]
            index = sums.total([algebra.name(TURN), algebra.constant(offset)])
            if any(copy != turn + offset for copy, turn in zip(copies, turns, strict=True)):
                offset = None
        if offset is None:
            return ...
        if turns is not None and all(type(value) is int for value in values):
            shift = values[0] - turns[0]
            counted = sums.total([algebra.name(TURN), algebra.constant(shift)])
            if self.fits(counted, values, where, turns):
                return counted
        return next((form for form in self._entries(index) if self.fits(form, values, where, turns)), ...)

    def _entries(self, index: Tree) -> Iterator[Tree]:
        """The entry at an index of each list argument, and the parts of that entry."""
        for key in self._lists():
            entry = t.Index(algebra.AT, algebra.name(key), index)
            yield entry
            first = next((value[0] for value in self.candidates[key].values if value), None)
            for part in range(len(first)) if isinstance(first, tuple) else ():
                yield t.Index(algebra.AT, entry, algebra.constant(part))

    def lengths(self) -> list[Tree]:
        """Formulas for the lengths of the list arguments."""
        return [t.Call(algebra.AT, "len", (algebra.name(key),), ()) for key in self._lists()]

    def _lists(self) -> list[str]:
        return [key for key, parameter in self.candidates.items() if all(type(v) is tuple for v in parameter.values)]

    def condition(self, wanted: str, present: Mapping[int, bool], hints: Iterable[Tree]) -> Tree:
        """A formula that is true in exactly the uses that ``present`` says have an item."""
        where, values = list(present), list(present.values())
        for tree in hints:
            names = algebra.names_in(tree)
            tree = simplify.fold(tree, {name: self._value(name) for name in names if self._is_fixed(name)})
            needed = [self.candidates[name] for name in self._needed(tree) if name in self.candidates]
            words = any(isinstance(parameter.values[0], str) for parameter in needed)
            if not words and self.fits(tree, values, where):
                return self.use(tree)
        for key, parameter in {**self.parameters, **self.candidates}.items():
            if all(algebra.same(parameter.values[use], there) for use, there in present.items()):
                return self.use(algebra.name(key))
        return self.fresh(wanted, present)


def _whole(tree: Tree) -> Tree | None:
    """The formula with ``//`` for ``/``, for a spec that gives 16.0 where an integer is needed; None without ``/``."""
    if isinstance(tree, t.Arithmetic) and any(symbol == "/" for symbol, _ in tree.rest):
        return t.Arithmetic(tree.at, tree.first, tuple(("//" if s == "/" else s, part) for s, part in tree.rest))
    return None
