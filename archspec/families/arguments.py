"""The names in formulas of a class: the parameters of the spec, and its expressions in terms of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archspec import expressions
from archspec.analyses.flow import Flow
from archspec.diagnostics import Fault
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families import algebra, simplify
from archspec.families.templates import Parameter
from archspec.graph import Scope
from archspec.ops import ShapeError
from archspec.syntax import Items, Scalar
from archspec.syntax import Mapping as Mapping_

Bound = Mapping[str, Any]
"""The loop variables around a step inside a class: a value, a formula for it, or ``...`` where neither is known."""
NONE_BOUND: Bound = {}


def input_key(position: int) -> str:
    """The name of an input's channels in formulas."""
    return f"$in{position}"


class Arguments:
    """The constructor arguments of the class being built, and the other names that its uses know.

    ``candidates`` may become arguments; ``parameters`` are the candidates that some formula uses.
    """

    def __init__(
        self, flow: Flow, uses: Sequence[Scope], inputs: Sequence[Sequence[int]], expected: Iterable[str] = ()
    ) -> None:
        self.graph = flow.graph
        self.reads_input = all(
            reads and reads[0] == flow.alias[scope.owner.inputs[0]]
            for scope, reads in zip(uses, inputs, strict=True)
            if scope.owner.inputs
        )
        """Whether the class's first input is the value that the spec calls ``input`` there."""
        self.expected = frozenset(expected)
        """Arguments that the finished class is expected to have."""
        self.uses = uses
        self.parameters: dict[str, Parameter] = {}
        self.candidates: dict[str, Parameter] = {}
        self.lets: dict[str, Tree] = {}
        self.locals: dict[str, Tree] = {}
        """``let`` values that are formulas over the arguments."""
        self._formulas: dict[int, Tree | None] = {}
        """What each value of the spec says, by the identity of its node."""
        self.used: set[str] = set()
        self.member = ""
        """The member being solved, whose name is the prefix of an argument where the argument's own name is taken."""
        self.names: list[dict[str, Any]] = [{} for _ in uses]
        count = len(inputs[0])
        for position in range(count):
            wanted = "in_channels" if position == 0 else f"{self._input_name(position, count)}_channels"
            self._offer(input_key(position), wanted, [self.channels(reads[position]) for reads in inputs])
        self._offer_words()

    def _input_name(self, position: int, count: int) -> str:
        declared = self.uses[0].input_names
        return declared[position] if len(declared) == count else f"input_{position + 1}"

    def _offer_words(self) -> None:
        """Offer the parameters, ``let`` names and loop variables of the uses' own scopes as candidates."""
        owners = [scope.owner for scope in self.uses]
        block = owners[0].block
        if block is None or any(owner.block is not block for owner in owners):
            return
        loops = self._loops()
        for name in block.model.params:
            if name in loops:
                continue
            default = located(block.model.params[name])
            stated = default is not None and algebra.is_constant(default) and default != algebra.constant(None)
            fixed = algebra.value_of(default, {}) if default is not None and stated else ...
            self._offer(name, name, [owner.values.get(name) for owner in owners], fixed)
        for name, node in block.model.let.items():
            tree = located(node)
            if tree is not None and loops.keys().isdisjoint((name, *algebra.names_in(tree))):
                self.lets[name] = tree
        for name, values in loops.items():
            self._offer(name, name, values)
        for name in block.model.let:
            values = [algebra.plain(owner.values.get(name)) for owner in owners]
            self._offer(name, name, values)

    def _loops(self) -> dict[str, list[Any]]:
        """The variables of the innermost loop around the uses.  A block does not see the loops around its uses."""
        if self.uses[0].block is not None or not self.uses[0].loops:
            return {}
        bound = [scope.loops[-1] if scope.loops else {} for scope in self.uses]
        return {name: [names.get(name) for names in bound] for name in bound[0]}

    def _offer(self, key: str, wanted: str, values: list[Any], default: Any = ...) -> None:
        values = [algebra.plain(value) for value in values]
        if key in self.candidates or any(value is None or not algebra.is_plain(value) for value in values):
            return
        self.candidates[key] = Parameter(key, wanted, values, default)
        for names, value in zip(self.names, values, strict=True):
            names[key] = value

    def channels(self, index: int) -> int | None:
        """The channels of a value; None where it has no channel axis."""
        try:
            return self.graph.nodes[index].shape.channels
        except ShapeError:
            return None

    def hint(self, node: Any, previous: Tree | None, bound: Bound) -> list[Tree]:
        """An argument as the spec writes it, as a formula over this class's arguments; empty where there is none."""
        if id(node) not in self._formulas:  # copies of a step share what is written
            self._formulas[id(node)] = located(node)
        tree = self._formulas[id(node)]
        return [] if tree is None else self.said(tree, previous, bound)

    def said(self, tree: Tree, previous: Tree | None = None, bound: Bound = NONE_BOUND) -> list[Tree]:
        """An expression of the spec as a formula over this class's arguments; empty where there is none."""
        known: dict[str, Tree] = {}
        if self.reads_input:
            known["input.channels"] = t.Name(algebra.AT, input_key(0))
        if previous is not None:
            known["previous.channels"] = previous
        for name in self.lets:
            if name not in self.locals:
                self._expand(name, known, set())
        tree = simplify.unrolled(tree, self._lengths())
        here = algebra.names_in(tree) & bound.keys()
        if any(not isinstance(bound[name], Tree) and not algebra.is_plain(bound[name]) for name in here):
            return []
        turn = {
            name: value if isinstance(value := bound[name], Tree) else algebra.constant(value) for name in sorted(here)
        }
        tree = algebra.put(simplify.fold(tree, turn) if turn else tree, known)
        return [tree] if algebra.translatable(tree) else []

    def _lengths(self) -> dict[str, int]:
        """The lengths of the list arguments that have the same length in every use."""
        found: dict[str, int] = {}
        for key, parameter in self.candidates.items():
            lengths = {len(value) if isinstance(value, tuple) else 0 for value in parameter.values}
            if len(lengths) == 1 and 0 < max(lengths) <= simplify.MOST_WRITTEN_OUT:
                found[key] = max(lengths)
        return found

    def parts(self, trees: Iterable[Tree]) -> list[Tree]:
        """The formulas, with lists replaced by their items."""
        found: list[Tree] = []
        waiting = list(trees)
        while waiting:
            tree = waiting.pop(0)
            if isinstance(tree, t.Name) and isinstance(self.locals.get(tree.name), t.Listing):
                tree = self.locals[tree.name]
            if isinstance(tree, t.Listing):
                waiting += tree.items
            else:
                found.append(tree)
        return found

    def _expand(self, name: str, known: dict[str, Tree], open_: set[str]) -> None:
        if name in known or name in open_ or name not in self.lets or name in self.locals:
            return
        for inner in algebra.names_in(self.lets[name]):
            self._expand(inner, known, {*open_, name})
        found = algebra.put(self.lets[name], known)
        if algebra.translatable(found):
            known[name] = found

    def conditions(self) -> list[Tree]:
        """Every ``when`` in the block of the uses, as formulas over this class's arguments."""
        block = self.uses[0].owner.block
        found: list[Tree] = []
        steps = list(block.model.steps or ()) if block is not None and len(self.uses) > 1 else []
        waiting: list[tuple[Any, Bound]] = [(step, NONE_BOUND) for step in steps]
        while waiting:
            node, bound = waiting.pop()
            if isinstance(node, Items):
                waiting += [(item, bound) for item in node.items]
            elif isinstance(node, Mapping_):
                bound = {**bound, **_bound_by(node)}
                for key, value in node.entries:
                    tree = _condition(value) if key.text == "when" else None
                    if tree is not None:
                        found += self.said(tree, None, bound)
                    elif key.text != "when":
                        waiting.append((value, bound))
        return found

    def use(self, tree: Tree) -> Tree:
        """The formula itself, after the arguments it needs have become arguments of the class."""
        for key in algebra.names_in(tree):
            if key in self.locals:
                self.used.add(key)
                self.use(self.locals[key])
            elif key in self.candidates and key not in self.parameters:
                self.parameters[key] = self.candidates[key]
        return tree

    def snapshot(self) -> tuple[Any, ...]:
        """The state that :meth:`restore` returns to."""
        return dict(self.parameters), dict(self.candidates), [dict(names) for names in self.names], set(self.used)

    def restore(self, mark: tuple[Any, ...]) -> None:
        """Return to a snapshot, without the arguments found since."""
        self.parameters, self.candidates, self.names, self.used = mark

    def _needed(self, tree: Tree) -> set[str]:
        """The arguments a formula needs, those of its local variables included."""
        found: set[str] = set()
        for key in algebra.names_in(tree):
            found |= self._needed(self.locals[key]) if key in self.locals else {key}
        return found

    def _value(self, key: str) -> Tree:
        return algebra.constant(self.candidates[key].values[0])

    def _is_fixed(self, key: str) -> bool:
        if key not in self.candidates:
            return False
        values = self.candidates[key].values
        return all(algebra.same(value, values[0]) for value in values)


def _condition(node: Any) -> Tree | None:
    """The expression of a ``when``, with or without ``$``; None where it is not an expression."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return None
    try:
        when = expressions.template(node)
        return (when if isinstance(when, t.Expression) else expressions.parse(node.value, None)).tree
    except Fault:
        return None


def _bound_by(step: Mapping_) -> Bound:
    """The names that a step's ``for`` binds, as ``...``: each copy of the step has other values."""
    clause = step.get("for")
    if not isinstance(clause, Scalar) or not isinstance(clause.value, str):
        return NONE_BOUND
    try:
        return dict.fromkeys(expressions.parse_clause(clause.value, None).names, ...)
    except Fault:
        return NONE_BOUND


def located(node: Any) -> Tree | None:
    """A value of a spec as a formula; None for text with expressions in it, and for mappings."""
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
