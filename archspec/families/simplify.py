"""Simpler formulas for the same value: constants put in, decided conditions and comprehensions written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archspec.diagnostics import Fault
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families.algebra import AT, TURN, constant, is_plain, names_in, put, rebuilt, value_of, within
from archspec.families.sums import is_whole, total

MOST_WRITTEN_OUT = 8
"""The most items of a list that is written out in place of a comprehension."""
_OPPOSITE = {"==": "!=", "!=": "==", "in": "not in", "not in": "in"}


def at_turn(tree: Tree, turn: Tree) -> Tree:
    """A formula at one iteration of a loop; the last entry of a list is written ``list[-1]``."""
    found = put(tree, {TURN: turn})
    for part in within(found):
        if isinstance(part, t.Index) and part.index == total([t.Call(AT, "len", (part.value,), ()), constant(-1)]):
            return at_turn(_swapped(found, part, t.Index(AT, part.value, constant(-1))), turn)
    return found


def _swapped(tree: Tree, old: Tree, new: Tree) -> Tree:
    return new if tree == old else rebuilt(tree, lambda part: _swapped(part, old, new))


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
        except Fault:
            return tree
        if not fractions and isinstance(value, float):
            return rebuilt(tree, deeper)
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
        rest = [(symbol, part) for symbol, part in rest if not _is_zero(part)]
        if _is_zero(first) and rest and rest[0][0] == "+":
            first, rest = rest[0][1], rest[1:]
        if not rest:
            return first
        found = t.Arithmetic(AT, first, tuple(rest))
        return total([found]) if names_in(found) <= {TURN} and is_whole(found) else found
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
    return rebuilt(tree, deeper)


def _is_zero(tree: Tree) -> bool:
    """Whether a formula is the integer 0, which a sum can do without."""
    return isinstance(tree, t.Literal) and type(tree.value) is int and tree.value == 0


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
    return rebuilt(tree, lambda part: unrolled(part, lengths))


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
