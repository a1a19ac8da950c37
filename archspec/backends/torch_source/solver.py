"""Finds the formulas of a class: for a value that differs between its uses, one over the constructor's arguments.

What is found is always evaluated at every use and compared, so a guess that is wrong costs beauty and nothing else: the
value becomes a constructor argument of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archspec import expressions
from archspec.backends.torch_source import algebra
from archspec.backends.torch_source.templates import Parameter
from archspec.diagnostics import Fault
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.graph import Graph, Scope
from archspec.ops import ShapeError
from archspec.source import Items, Scalar
from archspec.source import Mapping as Mapping_

TURN = "$i"
"""The loop variable, in formulas."""


def input_key(position: int) -> str:
    """What the channels of an input are called in formulas."""
    return f"$in{position}"


class Mismatch(Exception):
    """The uses cannot share a class."""


class Solver:
    """The constructor arguments of one class in the making."""

    def __init__(
        self, graph: Graph, uses: Sequence[Scope], inputs: Sequence[Sequence[int]], expected: Iterable[str] = ()
    ) -> None:
        self.graph = graph
        self.expected = frozenset(expected)
        """Arguments that the class will have in the end, as far as is known."""
        self.uses = uses
        self.parameters: dict[str, Parameter] = {}
        self.candidates: dict[str, Parameter] = {}
        self.lets: dict[str, Tree] = {}
        self.locals: dict[str, Tree] = {}
        """``let`` values that are formulas over the arguments."""
        self.used: set[str] = set()
        self.member = ""
        """The member whose arguments are being sought; it lends its name where an argument's own is taken."""
        self.names: list[dict[str, Any]] = [{} for _ in uses]
        count = len(inputs[0])
        for position in range(count):
            wanted = "in_channels" if position == 0 else f"{self._input_name(position, count)}_channels"
            self._offer(input_key(position), wanted, [self.channels(reads[position]) for reads in inputs])
        self._offer_words()

    def _input_name(self, position: int, count: int) -> str:
        block = self.uses[0].block
        declared = list(block.model.inputs or ()) if block is not None else []
        return declared[position] if len(declared) == count else f"input_{position + 1}"

    def _offer_words(self) -> None:
        """Parameters, ``let`` and loop variables that the uses' own scopes know."""
        owners = [scope.owner for scope in self.uses]
        block = owners[0].block
        if block is None or any(owner.block is not block for owner in owners):
            return
        for name in block.model.params:
            default = located(block.model.params[name])
            fixed = default.value if isinstance(default, t.Literal) and default.value is not None else ...
            self._offer(name, name, [owner.values.get(name) for owner in owners], fixed)
        for name, node in block.model.let.items():
            tree = located(node)
            if tree is not None:
                self.lets[name] = tree
        for name in self.uses[0].loops[-1] if self.uses[0].loops else ():
            values = [scope.loops[-1].get(name) if scope.loops else None for scope in self.uses]
            if name not in self.candidates:
                self._offer(name, name, values)
        for name in block.model.let:
            values = [algebra.plain(owner.values.get(name)) for owner in owners]
            self._offer(name, name, values)
            if name in self.lets and name in self.candidates and not self._is_fixed(name):
                every = range(len(values))
                forms = self._forms(self.said(self.lets[name]), values, every)
                found = next((form for form in forms if self.fits(form, values, every)), None)
                if found is not None:
                    self.locals[name] = found

    def _offer(self, key: str, wanted: str, values: list[Any], default: Any = ...) -> None:
        values = [algebra.plain(value) for value in values]
        if key in self.candidates or any(value is None or not algebra.is_plain(value) for value in values):
            return
        self.candidates[key] = Parameter(key, wanted, values, default)
        for names, value in zip(self.names, values, strict=True):
            names[key] = value

    def channels(self, index: int) -> int | None:
        """Channels of a value; None where it has no such axis."""
        try:
            return self.graph.nodes[index].shape.channels
        except ShapeError:
            return None

    # -- formulas from the spec ---------------------------------------------------------------------------------------

    def hint(self, node: Any, previous: Tree | None = None) -> list[Tree]:
        """An argument as the spec writes it, over this class's arguments; nothing where it cannot be said so."""
        tree = located(node)
        return [] if tree is None else self.said(tree, previous)

    def said(self, tree: Tree, previous: Tree | None = None) -> list[Tree]:
        """A formula of the spec over this class's arguments; nothing where it cannot be said so."""
        known: dict[str, Tree] = {"input.channels": t.Name(algebra.AT, input_key(0))}
        if previous is not None:
            known["previous.channels"] = previous
        for name in self.lets:
            if name not in self.locals:
                self._expand(name, known, set())
        tree = algebra.put(tree, known)
        return [tree] if algebra.translatable(tree) else []

    def _expand(self, name: str, known: dict[str, Tree], open_: set[str]) -> None:
        if name in known or name in open_ or name not in self.lets or name in self.locals:
            return
        for inner in algebra.names_in(self.lets[name]):
            self._expand(inner, known, {*open_, name})
        found = algebra.put(self.lets[name], known)
        if algebra.translatable(found):
            known[name] = found

    # -- solving -------------------------------------------------------------------------------------------------------

    def solve(
        self,
        wanted: str,
        values: Sequence[Any],
        where: Sequence[int],
        hints: Iterable[Tree] = (),
        turns: Sequence[int] | None = None,
    ) -> Tree:
        """A formula that has ``values[k]`` in use ``where[k]`` (and turn ``turns[k]`` of a loop)."""
        values = [algebra.plain(value) for value in values]
        hints = list(hints)
        if all(algebra.same(value, values[0]) for value in values):
            if turns is None and len(where) < len(self.uses):
                for form in self._forms(hints, values, where):
                    if self._needed(form) <= self.parameters.keys() | self.expected and self.fits(form, values, where):
                        return self.use(form)
            return algebra.constant(values[0])
        for form in self._forms(hints, values, where):
            if self.fits(form, values, where, turns):
                return self.use(form)
        found = self._matching(values, where) or (self._extended(values, where) if turns is None else None)
        if found is not None:
            return found
        if turns is not None:
            series = self._series(wanted, values, where, turns, hints)
            if series is not None:
                return series
        by_use: dict[int, Any] = {}
        for use, value in zip(where, values, strict=True):
            if use in by_use and not algebra.same(by_use[use], value):
                raise Mismatch(f"{wanted} varies within one use")
            by_use[use] = value
        return self.fresh(wanted, by_use)

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
            except (Fault, ArithmeticError, TypeError, ValueError):
                return False
            if not algebra.same(algebra.plain(seen[key]), value):
                return False
        return True

    def use(self, tree: Tree) -> Tree:
        """The formula itself, the arguments it needs being the class's from now on."""
        for key in algebra.names_in(tree):
            if key in self.locals:
                self.used.add(key)
                self.use(self.locals[key])
            elif key in self.candidates and key not in self.parameters:
                self.parameters[key] = self.candidates[key]
        return tree

    def _needed(self, tree: Tree) -> set[str]:
        """The arguments a formula needs, behind local variables too."""
        found: set[str] = set()
        for key in algebra.names_in(tree):
            found |= self._needed(self.locals[key]) if key in self.locals else {key}
        return found

    def conditions(self) -> list[Tree]:
        """Every ``when`` in the block the uses are written in, over this class's arguments."""
        block = self.uses[0].owner.block
        found: list[Tree] = []
        waiting: list[Any] = list(block.model.steps or ()) if block is not None and len(self.uses) > 1 else []
        while waiting:
            node = waiting.pop()
            if isinstance(node, Items):
                waiting += node.items
            elif isinstance(node, Mapping_):
                for key, value in node.entries:
                    if key.text == "when" and isinstance(value, Scalar) and isinstance(value.value, str):
                        try:
                            when = expressions.template(value)
                            if not isinstance(when, t.Expression):
                                when = expressions.parse(value.value, None)
                        except Fault:
                            continue
                        found += self.said(when.tree)
                    else:
                        waiting.append(value)
        return found

    def _forms(self, hints: Iterable[Tree], values: Sequence[Any], where: Sequence[int]) -> Iterator[Tree]:
        """What the spec says, simplest first: arguments that never vary stand there as the numbers they are."""
        for tree in hints:
            names = algebra.names_in(tree)
            fixed = {name: self._value(name) for name in names if self._is_fixed(name)}
            varying = [name for name in self.candidates if name in names and name not in fixed]
            if fixed:
                for key in varying:
                    multiple = self._multiple(key, values, where)
                    if multiple is not None:
                        yield multiple
                tree = algebra.fold(tree, fixed)
            if not varying and TURN not in names:
                continue
            yield tree
            whole = _whole(tree)
            if whole is not None:
                yield whole

    def _value(self, key: str) -> Tree:
        return algebra.constant(self.candidates[key].values[0])

    def _is_fixed(self, key: str) -> bool:
        if key not in self.candidates:
            return False
        values = self.candidates[key].values
        return all(algebra.same(value, values[0]) for value in values)

    def _matching(self, values: Sequence[Any], where: Sequence[int]) -> Tree | None:
        """An argument that has these values, or a whole multiple or fraction of one."""
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
        """An argument, a whole multiple or a whole fraction of it."""
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
        """``base + i * growth``, where that is what the values are."""
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
        step = self.solve("growth", list(growth.values()), list(growth), [])
        base = self.solve(wanted, list(first.values()), list(first), hints)
        many = (
            t.Arithmetic(algebra.AT, step, (("*", algebra.name(TURN)),))
            if step != algebra.constant(1)
            else algebra.name(TURN)
        )
        tree = t.Arithmetic(algebra.AT, base, (("+", many),))
        return self.use(tree) if self.fits(tree, values, where, turns) else None

    def fresh(self, wanted: str, values: Mapping[int, Any], absent: Any = ...) -> Tree:
        """An argument of its own.  Uses that need none get ``absent``, or whatever a later member wants there."""
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
        """An argument made for some uses only that may have these values in the others."""
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

    def condition(self, wanted: str, present: Mapping[int, bool], hints: Iterable[Tree]) -> Tree:
        """A formula that is true in exactly those of the uses that have an item."""
        where, values = list(present), list(present.values())
        for tree in hints:
            names = algebra.names_in(tree)
            tree = algebra.fold(tree, {name: self._value(name) for name in names if self._is_fixed(name)})
            needed = [self.candidates[name] for name in self._needed(tree) if name in self.candidates]
            words = any(isinstance(parameter.values[0], str) for parameter in needed)
            if not words and self.fits(tree, values, where):
                return self.use(tree)
        for key, parameter in {**self.parameters, **self.candidates}.items():
            if all(algebra.same(parameter.values[use], there) for use, there in present.items()):
                return self.use(algebra.name(key))
        return self.fresh(wanted, present)

    # -- going back ------------------------------------------------------------------------------------------------

    def snapshot(self) -> tuple[Any, ...]:
        """What :meth:`restore` goes back to."""
        return dict(self.parameters), dict(self.candidates), [dict(names) for names in self.names], set(self.used)

    def restore(self, mark: tuple[Any, ...]) -> None:
        """Forget the arguments found since."""
        self.parameters, self.candidates, self.names, self.used = mark


def _whole(tree: Tree) -> Tree | None:
    """The formula with whole division for division: what a spec's 16.0 is where a whole number is wanted."""
    if isinstance(tree, t.Arithmetic) and any(symbol == "/" for symbol, _ in tree.rest):
        return t.Arithmetic(tree.at, tree.first, tuple(("//" if s == "/" else s, part) for s, part in tree.rest))
    return None


def located(node: Any) -> Tree | None:
    """A value of a spec as a formula; None where it is text with values in it, or more than a list."""
    if isinstance(node, Scalar):
        try:
            found = expressions.template(node)
        except Fault:
            return None
        if isinstance(found, t.Expression):
            return found.tree
        return algebra.constant(node.value) if found is None and algebra.is_plain(node.value) else None
    if isinstance(node, Items):
        items = [located(item) for item in node.items]
        return None if None in items else t.Listing(algebra.AT, tuple(item for item in items if item is not None), "(")
    return None
