"""Formulas over constructor arguments: building, substitution, evaluation, printing.

They are the trees of :mod:`archspec.expressions`, and may have names of the emitter's own, which no spec can contain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archspec import expressions
from archspec.diagnostics import Fault
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree

AT = (0, 0)
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""Each comparison operator, and the one that holds with the sides exchanged."""
PYTHON = {name: name for name in ("abs", "enumerate", "len", "max", "min", "range", "reversed", "round", "sum", "zip")}
PYTHON |= {name: f"math.{name}" for name in ("ceil", "floor", "log2")} | {"divisible": "divisible"}
"""Functions of the language, and their equivalents in emitted text; :data:`DIVISIBLE` is the source of one."""
DIVISIBLE = '''
def divisible(value: float, by: int) -> int:
    """The multiple of `by` nearest to a value, at least one and not below 90% of it."""
    rounded = max(by, int(value + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * value else rounded
'''
TURN = "$i"
"""The name of a loop's iteration index in formulas."""
MOST_WRITTEN_OUT = 8
"""The most items of a list that is written out in place of a comprehension."""
_OPPOSITE = {"==": "!=", "!=": "==", "in": "not in", "not in": "in"}


class Code(str):
    """A value that is Python source, such as ``nn.ReLU``."""

    __slots__ = ()


def constant(value: Any) -> Tree:
    """A plain value."""
    if isinstance(value, (list, tuple)):
        return t.Listing(AT, tuple(constant(item) for item in value), "(")
    if isinstance(value, Code):
        return t.Name(AT, value)
    return t.Literal(AT, value)


def name(text: str) -> Tree:
    """A name."""
    return t.Name(AT, text)


def plain(value: Any) -> Any:
    """A value with lists as tuples and any string as a plain ``str``, so that equal values compare equal."""
    if isinstance(value, str) and not isinstance(value, Code):
        return str(value)
    return tuple(plain(item) for item in value) if isinstance(value, (list, tuple)) else value


def is_plain(value: Any) -> bool:
    """Whether a value can be written as a Python literal."""
    if isinstance(value, (list, tuple)):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and value - value == 0)


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal and of one type: 1, 1.0 and True all differ."""
    if type(left) is not type(right):
        return isinstance(left, str) and isinstance(right, str) and left == right
    if isinstance(left, tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def value_of(tree: Tree, names: Mapping[str, Any]) -> Any:
    """The value of a formula; raises :class:`Fault`."""
    if isinstance(tree, t.Literal):
        return tree.value
    if isinstance(tree, t.Name):
        if tree.name in names:
            return names[tree.name]
        raise Fault("unknown-name", tree.name)
    return plain(expressions.evaluate(t.Expression("", None, False, tree), names))


def show(tree: Tree, names: Mapping[str, str] | None = None) -> str:
    """A formula as Python text, with constants on the right of comparisons."""
    return expressions.to_python(t.Expression("", None, False, _turned(tree)), names, PYTHON)


def _turned(tree: Tree) -> Tree:
    """A formula with ``channels != 8`` for ``8 != channels``, which arises when a number replaces a name."""
    match tree:
        case t.Comparison(first=t.Literal() as first, rest=((symbol, operand),)) if symbol in _MIRRORED:
            if not isinstance(operand, t.Literal):
                return replace(tree, first=_turned(operand), rest=((_MIRRORED[symbol], first),))
        case t.Listing(items=items):
            return replace(tree, items=tuple(map(_turned, items)))
    return _rebuilt(tree, _turned)


def names_in(tree: Tree) -> frozenset[str]:
    """The names a formula needs."""
    return expressions.free_names(t.Expression("", None, False, tree))


def within(tree: Tree) -> Iterator[Tree]:
    """A formula and all its parts."""
    yield tree
    for part in t.children(tree):
        yield from within(part)


def is_constant(tree: Tree) -> bool:
    """Whether a formula is a single plain value."""
    if isinstance(tree, t.Listing):
        return all(is_constant(item) for item in tree.items)
    return isinstance(tree, t.Literal)


def translatable(tree: Tree) -> bool:
    """Whether the formula means the same in Python as in a spec."""
    if isinstance(tree, t.Call) and tree.function not in PYTHON:
        return False
    if isinstance(tree, (t.Table, t.Comprehension, t.Attribute)):
        return False
    return all(translatable(part) for part in t.children(tree))


def put(tree: Tree, known: Mapping[str, Tree]) -> Tree:
    """A formula with names replaced by other formulas; ``input.channels`` counts as a name too."""
    match tree:
        case t.Name(name=name):
            return known.get(name, tree)
        case t.Attribute(value=t.Name(name=holder), name=attribute) if f"{holder}.{attribute}" in known:
            return known[f"{holder}.{attribute}"]
        case _:
            return _rebuilt(tree, lambda part: put(part, known))


def _rebuilt(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """A formula with ``change`` applied to each of its direct parts."""
    match tree:
        case t.Listing(items=items):  # a list of the spec becomes a tuple, the type that torch declares
            return replace(tree, items=tuple(map(change, items)), bracket="(")
        case t.Unary(operand=operand):
            return replace(tree, operand=change(operand))
        case t.Arithmetic(first=first, rest=rest) | t.Comparison(first=first, rest=rest):
            return replace(tree, first=change(first), rest=tuple((symbol, change(part)) for symbol, part in rest))
        case t.Power(base=base, exponent=exponent):
            return replace(tree, base=change(base), exponent=change(exponent))
        case t.Logic(operands=operands):
            return replace(tree, operands=tuple(map(change, operands)))
        case t.Conditional(test=test, then=then, otherwise=otherwise):
            return replace(tree, test=change(test), then=change(then), otherwise=change(otherwise))
        case t.Index(value=value, index=index):
            return replace(tree, value=change(value), index=change(index))
        case t.Slice(value=value, start=start, stop=stop, step=step):
            bounds = [change(bound) if bound is not None else None for bound in (start, stop, step)]
            return replace(tree, value=change(value), start=bounds[0], stop=bounds[1], step=bounds[2])
        case t.Call(arguments=arguments, keywords=keywords):
            given = tuple((keyword, change(value)) for keyword, value in keywords)
            return replace(tree, arguments=tuple(map(change, arguments)), keywords=given)
        case _:
            return tree


def at_turn(tree: Tree, turn: Tree) -> Tree:
    """A formula at one iteration of a loop; the last entry of a list is written ``list[-1]``."""
    found = put(tree, {TURN: turn})
    for part in within(found):
        if isinstance(part, t.Index) and part.index == total([t.Call(AT, "len", (part.value,), ()), constant(-1)]):
            return at_turn(_swapped(found, part, t.Index(AT, part.value, constant(-1))), turn)
    return found


def _swapped(tree: Tree, old: Tree, new: Tree) -> Tree:
    return new if tree == old else _rebuilt(tree, lambda part: _swapped(part, old, new))


def fold(tree: Tree, known: Mapping[str, Tree], fractions: bool = True) -> Tree:
    """A formula with names replaced by values, simplified as far as these decide it.

    Without ``fractions``, a part whose value is a float is kept as an expression.
    """
    return _fold(put(tree, known), fractions)


def _fold(tree: Tree, fractions: bool = True) -> Tree:
    def deeper(part: Tree) -> Tree:
        return _fold(part, fractions)

    if not names_in(tree) and not isinstance(tree, (t.Literal, t.Listing)):
        try:
            value = value_of(tree, {})
        except (Fault, ArithmeticError, TypeError, ValueError):
            return tree
        if not fractions and isinstance(value, float):
            return _rebuilt(tree, deeper)
        return constant(value) if is_plain(value) else tree
    if isinstance(tree, t.Conditional):
        test = deeper(tree.test)
        if isinstance(test, t.Literal) and isinstance(test.value, bool):
            return deeper(tree.then if test.value else tree.otherwise)
        return replace(tree, test=test, then=deeper(tree.then), otherwise=deeper(tree.otherwise))
    if isinstance(tree, t.Arithmetic):
        first, rest = deeper(tree.first), [(symbol, deeper(part)) for symbol, part in tree.rest]
        one = constant(1)
        if rest[0][0] in "*//":
            kept = [(symbol, part) for symbol, part in rest if part != one]
            if first == one and kept and kept[0][0] == "*":
                first, kept = kept[0][1], kept[1:]
            return t.Arithmetic(AT, first, tuple(kept)) if kept else first
        found = t.Arithmetic(AT, first, tuple(rest))
        return total([found]) if names_in(found) <= {TURN} and _is_whole(found) else found
    if isinstance(tree, t.Unary) and tree.operator == "not":
        operand = deeper(tree.operand)
        if isinstance(operand, t.Comparison) and len(operand.rest) == 1 and operand.rest[0][0] in _OPPOSITE:
            symbol, right = operand.rest[0]
            return replace(operand, rest=((_OPPOSITE[symbol], right),))
        return replace(tree, operand=operand)
    if isinstance(tree, t.Logic):
        short = tree.operator == "or"
        operands: list[Tree] = []
        for operand in map(deeper, tree.operands):
            if isinstance(operand, t.Literal) and isinstance(operand.value, bool):
                if operand.value is short:
                    return operand
                continue
            operands.append(operand)
        if not operands:
            return constant(not short)
        return operands[0] if len(operands) == 1 else t.Logic(AT, tree.operator, tuple(operands))
    return _rebuilt(tree, deeper)


def unrolled(tree: Tree, lengths: Mapping[str, int]) -> Tree:
    """A formula with comprehensions over lists of known length written out.

    ``[k // 2 for k in kernel]`` is ``(kernel[0] // 2, kernel[1] // 2)``, which has a type that torch's modules accept.
    """
    if isinstance(tree, t.Comprehension) and tree.bracket == "[" and len(tree.loops) == 1:
        loop = tree.loops[0]
        given = _items_of(loop.iterable, lengths) if not loop.conditions else None
        bound = [_bound(loop.target, item) for item in given or ()]
        if given is not None and None not in bound:
            turns = [put(tree.element, known) for known in bound if known is not None]
            return t.Listing(AT, tuple(unrolled(turn, lengths) for turn in turns), "(")
    return _rebuilt(tree, lambda part: unrolled(part, lengths))


def _items_of(iterable: Tree, lengths: Mapping[str, int]) -> list[Tree] | None:
    """The items that a loop runs over, or None where their number is not known."""
    match iterable:
        case t.Listing(items=items):
            return list(items)
        case t.Name(name=name) if name in lengths:
            return [t.Index(AT, iterable, constant(at)) for at in range(lengths[name])]
        case t.Call(function="enumerate", arguments=(inner,), keywords=()):
            own = _items_of(inner, lengths)
            return own and [t.Listing(AT, (constant(at), item), "(") for at, item in enumerate(own)]
        case t.Call(function="zip", arguments=arguments, keywords=()):
            parts = [_items_of(argument, lengths) for argument in arguments]
            known = [part for part in parts if part is not None]
            return [t.Listing(AT, row, "(") for row in zip(*known, strict=False)] if len(known) == len(parts) else None
        case t.Call(function="range", arguments=(t.Literal(value=int(count)),), keywords=()):
            return [constant(at) for at in range(count)] if count <= MOST_WRITTEN_OUT else None
        case _:
            return None


def _bound(target: t.Target, item: Tree) -> dict[str, Tree] | None:
    """The values of a loop's variables for one item; None where the item cannot be unpacked."""
    if isinstance(target, str):
        return {target: item}
    if isinstance(item, t.Listing) and len(item.items) != len(target):
        return None
    found: dict[str, Tree] = {}
    for at, part in enumerate(target):
        inner = _bound(part, item.items[at] if isinstance(item, t.Listing) else t.Index(AT, item, constant(at)))
        if inner is None:
            return None
        found |= inner
    return found


def _is_whole(tree: Tree) -> bool:
    """Whether a formula is an integer sum or product of names and integers, so that its terms may be reordered."""
    if isinstance(tree, t.Arithmetic):
        return all(symbol in "+-*" for symbol, _ in tree.rest) and all(map(_is_whole, t.children(tree)))
    return isinstance(tree, t.Name) or (isinstance(tree, t.Literal) and type(tree.value) is int)


def total(trees: Sequence[Tree]) -> Tree:
    """The sum of formulas, with equal terms collected and numbers added: ``a + a + 1 + 2`` is ``2 * a + 3``."""
    terms: dict[Tree, int] = {}
    number = 0
    for tree in trees:
        for sign, term in _terms(tree):
            factor, rest = _factor(term)
            if rest is None:
                number += sign * factor
            else:
                terms[rest] = terms.get(rest, 0) + sign * factor
    parts = [(coefficient, tree) for tree, coefficient in terms.items() if coefficient]
    if not parts:
        return constant(number)
    parts.sort(key=lambda part: part[0] < 0)
    first = times(parts[0][0], parts[0][1])
    rest = [("+" if c > 0 else "-", times(abs(c), tree)) for c, tree in parts[1:]]
    if number:
        rest.append(("+" if number > 0 else "-", constant(abs(number))))
    return t.Arithmetic(AT, first, tuple(rest)) if rest else first


def times(factor: int, tree: Tree) -> Tree:
    """An integer multiple of a formula."""
    if factor == 1:
        return tree
    if isinstance(tree, t.Literal) and isinstance(tree.value, int):
        return constant(factor * tree.value)
    if isinstance(tree, t.Arithmetic) and tree.rest[0][0] == "*":
        return t.Arithmetic(AT, constant(factor), (("*", tree.first), *tree.rest))
    return t.Arithmetic(AT, constant(factor), (("*", tree),))


def product(left: Tree, right: Tree) -> Tree:
    """The product of two formulas, with an integer first."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, t.Literal) and isinstance(one.value, int):
            return times(one.value, other)
    return t.Arithmetic(AT, left, (("*", right),))


def _terms(tree: Tree) -> list[tuple[int, Tree]]:
    """The terms of a sum with their factors; those of an integer multiple of a sum too."""
    if isinstance(tree, t.Arithmetic) and tree.rest[0][0] in "+-":
        out = _terms(tree.first)
        for symbol, part in tree.rest:
            out += [(sign if symbol == "+" else -sign, term) for sign, term in _terms(part)]
        return out
    factor, rest = _factor(tree)
    if isinstance(rest, t.Arithmetic) and rest.rest[0][0] in "+-" and factor != 1:
        return [(factor * sign, term) for sign, term in _terms(rest)]
    return [(1, tree)]


def _factor(tree: Tree) -> tuple[int, Tree | None]:
    if isinstance(tree, t.Literal) and type(tree.value) is int:
        return tree.value, None
    if isinstance(tree, t.Arithmetic) and len(tree.rest) == 1 and tree.rest[0][0] == "*":
        for one, other in ((tree.first, tree.rest[0][1]), (tree.rest[0][1], tree.first)):
            if isinstance(one, t.Literal) and type(one.value) is int:
                return one.value, other
    return 1, tree
