"""What formulas of a class may speak of: the parameters of the spec, and what its expressions mean in terms of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archspec import expressions
from archspec.analyses.flow import Flow
from archspec.diagnostics import Fault
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families import algebra
from archspec.families.templates import Parameter
from archspec.graph import Scope
from archspec.ops import ShapeError
from archspec.source import Items, Scalar
from archspec.source import Mapping as Mapping_

Bound = Mapping[str, Any]
"""What loops inside a class have bound around a step: its value, a formula for it, or ``...`` where there is none."""
NONE_BOUND: Bound = {}


def input_key(position: int) -> str:
    """What the channels of an input are called in formulas."""
    return f"$in{position}"


class Arguments:
    """The constructor arguments of one class in the making, and what else its uses know by name.

    ``candidates`` may become arguments; ``parameters`` are those that some formula has used.
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
        """Whether what the class is called with is what the spec calls ``input`` there."""
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
        declared = self.uses[0].input_names
        return declared[position] if len(declared) == count else f"input_{position + 1}"

    def _offer_words(self) -> None:
        """Parameters, ``let`` and loop variables that the uses' own scopes know."""
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
        """What the innermost loop around the uses has bound.  A block does not see the loops of those who use it."""
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
        """Channels of a value; None where it has no such axis."""
        try:
            return self.graph.nodes[index].shape.channels
        except ShapeError:
            return None

    def hint(self, node: Any, previous: Tree | None, bound: Bound) -> list[Tree]:
        """An argument as the spec writes it, over this class's arguments; nothing where it cannot be said so."""
        tree = located(node)
        return [] if tree is None else self.said(tree, previous, bound)

    def said(self, tree: Tree, previous: Tree | None = None, bound: Bound = NONE_BOUND) -> list[Tree]:
        """A formula of the spec over this class's arguments; nothing where it cannot be said so."""
        known: dict[str, Tree] = {}
        if self.reads_input:
            known["input.channels"] = t.Name(algebra.AT, input_key(0))
        if previous is not None:
            known["previous.channels"] = previous
        for name in self.lets:
            if name not in self.locals:
                self._expand(name, known, set())
        tree = algebra.unrolled(tree, self._lengths())
        here = algebra.names_in(tree) & bound.keys()
        if any(not isinstance(bound[name], Tree) and not algebra.is_plain(bound[name]) for name in here):
            return []
        turn = {
            name: value if isinstance(value := bound[name], Tree) else algebra.constant(value) for name in sorted(here)
        }
        tree = algebra.put(algebra.fold(tree, turn) if turn else tree, known)
        return [tree] if algebra.translatable(tree) else []

    def _lengths(self) -> dict[str, int]:
        """How many items the lists have that the class is given, where that is the same at every use."""
        found: dict[str, int] = {}
        for key, parameter in self.candidates.items():
            lengths = {len(value) if isinstance(value, tuple) else 0 for value in parameter.values}
            if len(lengths) == 1 and 0 < max(lengths) <= algebra.MOST_WRITTEN_OUT:
                found[key] = max(lengths)
        return found

    def parts(self, trees: Iterable[Tree]) -> list[Tree]:
        """Formulas, lists among them taken apart."""
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
        """Every ``when`` in the block the uses are written in, over this class's arguments."""
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
        """The formula itself, the arguments it needs being the class's from now on."""
        for key in algebra.names_in(tree):
            if key in self.locals:
                self.used.add(key)
                self.use(self.locals[key])
            elif key in self.candidates and key not in self.parameters:
                self.parameters[key] = self.candidates[key]
        return tree

    def snapshot(self) -> tuple[Any, ...]:
        """What :meth:`restore` goes back to."""
        return dict(self.parameters), dict(self.candidates), [dict(names) for names in self.names], set(self.used)

    def restore(self, mark: tuple[Any, ...]) -> None:
        """Forget the arguments found since."""
        self.parameters, self.candidates, self.names, self.used = mark

    def _needed(self, tree: Tree) -> set[str]:
        """The arguments a formula needs, behind local variables too."""
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
    """What a ``when`` says, with or without ``$``; None where it is no expression."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return None
    try:
        when = expressions.template(node)
        return (when if isinstance(when, t.Expression) else expressions.parse(node.value, None)).tree
    except Fault:
        return None


def _bound_by(step: Mapping_) -> Bound:
    """The names that a step's ``for`` binds, for each of its copies another value."""
    clause = step.get("for")
    if not isinstance(clause, Scalar) or not isinstance(clause.value, str):
        return NONE_BOUND
    try:
        return dict.fromkeys(expressions.parse_clause(clause.value, None).names, ...)
    except Fault:
        return NONE_BOUND


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
