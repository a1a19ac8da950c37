"""Trees to values, with names given by the caller, within a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archspec.diagnostics import Fault, did_you_mean, printable
from archspec.expressions import tree as t
from archspec.expressions import values as v
from archspec.expressions.budget import Budget, Work
from archspec.expressions.functions import FUNCTIONS, call


def evaluate(
    expression: t.Expression, names: Mapping[str, object], work: Work | None = None, budget: Budget | None = None
) -> Any:
    """The value of an expression; lists, tuples, ``range`` and the like all give lists.

    The steps used are added to ``work``.  Raises :class:`Fault` at the part that fails: ``unknown-name``,
    ``unknown-attribute``, ``expression-type``, ``expression-value`` or ``expression-limit``.
    """
    tree = expression.tree
    if isinstance(tree, t.Name):  # the most frequent kind: `$channels`
        plain = names.get(tree.name)
        if isinstance(plain, int | float | str):
            return plain
    budget = budget or Budget()
    evaluator = _Evaluator(expression, names, budget)
    try:
        value = evaluator.value(tree)
        try:
            v.check_result(value, budget)
        except Fault as fault:
            raise evaluator.placed(fault, tree) from None
        return value
    finally:
        if work is not None:
            work.spend(budget, expression.span)


def iterate(
    clause: t.Clause, names: Mapping[str, object], work: Work | None = None, budget: Budget | None = None
) -> Iterator[dict[str, Any]]:
    """The loop variables of each iteration of a clause, in order; raises as :func:`evaluate` does."""
    budget = budget or Budget()
    evaluator = _Evaluator(clause, names, budget)
    work = work or Work()
    try:
        for _ in evaluator.turns(clause.loops):
            yield dict(evaluator.locals)
    except Fault:
        work.spend(budget, clause.span)
        raise
    work.spend(budget, clause.span)


def interpolate(interpolation: t.Interpolation, names: Mapping[str, object], work: Work | None = None) -> str:
    """The text with each expression replaced by its value: whole floats as integers, booleans as YAML writes them.

    Raises :class:`Fault` as :func:`evaluate` does, and ``interpolation`` for a value that is not a number, text or
    boolean.
    """
    longest = Budget().text
    out: list[str] = []
    for index, part in enumerate(interpolation.parts):
        if isinstance(part, str):
            out.append(part)
            continue
        value = evaluate(part, names, work)
        shown = v.as_text(value)
        if shown is not None:
            out.append(shown)
        else:
            after = interpolation.parts[index + 1] if index + 1 < len(interpolation.parts) else ""
            continues = isinstance(after, str) and after[:1] in (".", "[")
            hint = (
                f"write the whole expression in `$(…)`: `$({printable(part.text + str(after), 60)})`"
                if continues
                else None
            )
            said = f"{v.kind(value)} cannot be put into a text"
            if isinstance(value, v.Record):
                said = f"`{printable(part.text, 60)}` has several parts, and a text can take only one of them"
            raise Fault("interpolation", said, part.span, hint)
    length = sum(map(len, out))
    if length > longest:
        said = f"too much to evaluate: a text of {length:,} characters; {longest:,} are allowed"
        raise Fault("expression-limit", said, interpolation.span)
    return "".join(out)


class _Evaluator:
    def __init__(self, home: t.Located, names: Mapping[str, object], budget: Budget) -> None:
        self.home, self.names, self.budget = home, names, budget
        self.locals: dict[str, Any] = {}

    def value(self, tree: t.Tree) -> Any:
        try:
            self.budget.spend()
            return _COMPUTE[type(tree)](self, tree)
        except (Fault, RecursionError) as error:
            raise self.placed(error, tree) from None

    def placed(self, error: Fault | RecursionError, tree: t.Tree) -> Fault:
        """The fault with a part's span, unless it has one already: operators give none, and the innermost is best."""
        if isinstance(error, RecursionError):
            return Fault("expression-limit", "too much to evaluate: nested too deeply", self.home.span)
        found = error.diagnostic
        if found.span is not None or self.home.span is None:
            return error
        return Fault(found.code, found.message, self.home.place(tree.at), found.hint, found.details)

    def name(self, tree: t.Name) -> Any:
        if tree.name in self.locals:
            return self.locals[tree.name]
        if tree.name in self.names:
            return self.names[tree.name]
        raise self.unknown_name(tree.name)

    def unknown_name(self, name: str) -> Fault:
        python = {"true": "True", "false": "False", "null": "None", "none": "None"}.get(name)
        known = sorted({*self.locals, *self.names})
        if python:
            hint = f"in an expression write `{python}`"
        elif name in FUNCTIONS:
            hint = f"`{name}` is a function: `{name}(…)`"
        else:
            listed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
            hint = did_you_mean(name, [*known, *FUNCTIONS]) or (f"known here: {listed}" if known else None)
        return Fault("unknown-name", f"there is no `{name[:60]}` here", hint=hint)

    def listing(self, tree: t.Listing) -> list[Any]:
        self.budget.make(len(tree.items))
        return [self.value(item) for item in tree.items]

    def table(self, tree: t.Table) -> dict[Any, Any]:
        self.budget.make(len(tree.entries))
        made: dict[Any, Any] = {}
        for key, value in tree.entries:
            found = self.value(key)
            if not isinstance(found, None | bool | int | float | str):
                raise self.placed(v.wrong_type(f"{v.kind(found)} cannot be a key"), key)
            made[found] = self.value(value)
        return made

    def unary(self, tree: t.Unary) -> Any:
        operand = self.value(tree.operand)
        if tree.operator == "not":
            return not v.truth(operand)
        return v.negative(operand) if tree.operator == "-" else v.positive(operand)

    def arithmetic(self, tree: t.Arithmetic) -> Any:
        value = self.value(tree.first)
        for symbol, operand in tree.rest:
            value = v.arithmetic(symbol, value, self.value(operand), self.budget)
        return value

    def power(self, tree: t.Power) -> Any:
        return v.arithmetic("**", self.value(tree.base), self.value(tree.exponent), self.budget)

    def comparison(self, tree: t.Comparison) -> bool:
        left = self.value(tree.first)
        for symbol, operand in tree.rest:
            right = self.value(operand)
            if not self.compare(symbol, left, right):
                return False
            left = right
        return True

    def compare(self, symbol: str, left: Any, right: Any) -> bool:
        match symbol:
            case "==":
                return v.equal(left, right, self.budget)
            case "!=":
                return not v.equal(left, right, self.budget)
            case "in":
                return v.contains(right, left, self.budget)
            case "not in":
                return not v.contains(right, left, self.budget)
            case _:
                return v.ordered(symbol, left, right, self.budget)

    def logic(self, tree: t.Logic) -> Any:
        decisive = tree.operator == "or"
        value: Any = None
        for operand in tree.operands:
            value = self.value(operand)
            if v.truth(value) is decisive:
                break
        return value

    def conditional(self, tree: t.Conditional) -> Any:
        return self.value(tree.then if v.truth(self.value(tree.test)) else tree.otherwise)

    def index(self, tree: t.Index) -> Any:
        return v.indexed(self.value(tree.value), self.value(tree.index))

    def slice(self, tree: t.Slice) -> Any:
        value = self.value(tree.value)
        bounds = [None if bound is None else self.value(bound) for bound in (tree.start, tree.stop, tree.step)]
        return v.sliced(value, bounds, self.budget)

    def attribute(self, tree: t.Attribute) -> Any:
        value = self.value(tree.value)
        if not isinstance(value, v.Record):
            hint = f'a key is read with `["{tree.name}"]`' if isinstance(value, dict) else None
            raise Fault("unknown-attribute", f"{v.kind(value)} has no `.{tree.name}`", hint=hint)
        known = sorted(value.attribute_names())
        if tree.name not in known:
            hint = did_you_mean(tree.name, known) or (
                "it has " + ", ".join(f"`.{name}`" for name in known) if known else None
            )
            raise Fault("unknown-attribute", f"{value.kind} has no `.{tree.name}`", hint=hint)
        return value.attribute(tree.name)

    def call(self, tree: t.Call) -> Any:
        arguments = [self.value(argument) for argument in tree.arguments]
        keywords = {name: self.value(argument) for name, argument in tree.keywords}
        return call(tree.function, arguments, keywords, self.budget)

    def comprehension(self, tree: t.Comprehension) -> list[Any]:
        around = self.locals
        self.locals = dict(around)
        made: list[Any] = []
        for _ in self.turns(tree.loops):
            self.budget.make(1)
            made.append(self.value(tree.element))
        self.locals = around
        return made

    def turns(self, loops: tuple[t.Loop, ...]) -> Iterator[None]:
        """Bind the variables of each iteration in ``locals``, then yield."""
        loop, inner = loops[0], loops[1:]
        iterable = self.value(loop.iterable)
        try:
            items = v.elements(iterable, "a loop runs over", self.budget)
        except Fault as fault:
            raise self.placed(fault, loop.iterable) from None
        for item in items:
            try:
                self.budget.spend()
                self.bind(loop.target, item)
            except Fault as fault:
                raise self.placed(fault, loop.iterable) from None
            if all(v.truth(self.value(condition)) for condition in loop.conditions):
                if inner:
                    yield from self.turns(inner)
                else:
                    yield

    def bind(self, target: t.Target, item: Any) -> None:
        if isinstance(target, str):
            self.locals[target] = item
            return
        if not isinstance(item, list | tuple | str):
            raise v.wrong_type(f"{v.kind(item)} cannot be unpacked into {len(target)} names")
        if len(item) != len(target):
            raise v.wrong_value(f"{len(item)} elements for {len(target)} names")
        for part, value in zip(target, item, strict=True):
            self.bind(part, value)


_COMPUTE: dict[type[t.Tree], Callable[[_Evaluator, Any], Any]] = {
    t.Literal: lambda _, tree: tree.value,
    t.Name: _Evaluator.name,
    t.Listing: _Evaluator.listing,
    t.Table: _Evaluator.table,
    t.Unary: _Evaluator.unary,
    t.Arithmetic: _Evaluator.arithmetic,
    t.Power: _Evaluator.power,
    t.Comparison: _Evaluator.comparison,
    t.Logic: _Evaluator.logic,
    t.Conditional: _Evaluator.conditional,
    t.Index: _Evaluator.index,
    t.Slice: _Evaluator.slice,
    t.Attribute: _Evaluator.attribute,
    t.Call: _Evaluator.call,
    t.Comprehension: _Evaluator.comprehension,
}
