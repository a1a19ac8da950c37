"""Sums and products of formulas: equal terms are collected, integers added and multiplied."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families.algebra import AT, constant


def is_whole(tree: Tree) -> bool:
    """Whether a formula is an integer sum or product of names and integers, so that its terms may be reordered."""
    if isinstance(tree, t.Arithmetic):
        return all(symbol in "+-*" for symbol, _ in tree.rest) and all(map(is_whole, t.children(tree)))
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
