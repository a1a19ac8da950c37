"""Formulas over constructor arguments: building, substitution, evaluation, printing.

They are the trees of :mod:`archspec.expressions`, and may have names of the emitter's own, which no spec can contain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    return rebuilt(tree, _turned)


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
            return rebuilt(tree, lambda part: put(part, known))


def rebuilt(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
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
