"""Local variables of a constructor: ``let`` values that several of its members use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families import algebra, simplify, sums
from archspec.families.solver import Solver
from archspec.families.templates import Entry, Series, Template


def settle(template: Template, solver: Solver) -> None:
    """Keep ``let`` values that are used several times as local variables, and substitute the others."""
    counts: Counter[str] = Counter()
    for tree in formulas(template.entries):
        counts.update(_occurrences(tree))
    inline: dict[str, Tree] = {}
    for key, tree in solver.locals.items():
        if key not in solver.used:
            continue
        tree = algebra.put(tree, inline)
        if counts[key] < 2 or isinstance(tree, (t.Name, t.Literal)):
            inline[key] = tree
        else:
            template.locals[key] = tree
    if inline:
        _substitute(template.entries, inline)
    for _ in solver.locals:  # repeated, since one may depend on others
        template.channels = [None if tree is None else algebra.put(tree, solver.locals) for tree in template.channels]


def formulas(entries: Iterable[Entry | Series]) -> Iterator[Tree]:
    """Every formula in the entries."""
    for entry in entries:
        if isinstance(entry, Series):
            yield entry.count
            yield from formulas(entry.body)
            continue
        yield from (slot.tree for slot in entry.slots)
        yield from entry.attributes.values()
        if entry.condition is not None:
            yield entry.condition
        if entry.count is not None:
            yield entry.count
        yield from formulas(entry.children)


def _substitute(entries: Iterable[Entry | Series], known: dict[str, Tree]) -> None:
    for entry in entries:
        if isinstance(entry, Series):
            entry.count = simplify.fold(entry.count, known)
            _substitute(entry.body, known)
            continue
        entry.slots = [replace(slot, tree=_put(slot.tree, known)) for slot in entry.slots]
        entry.attributes = {name: simplify.fold(tree, known) for name, tree in entry.attributes.items()}
        if entry.condition is not None:
            entry.condition = simplify.fold(entry.condition, known)
        if entry.count is not None:
            entry.count = simplify.fold(entry.count, known)
        _substitute(entry.children, known)


def _put(tree: Tree, known: dict[str, Tree]) -> Tree:
    """A formula with names replaced; terms of a sum that became equal are collected."""
    found = simplify.fold(tree, known)
    if found != tree and isinstance(found, t.Arithmetic) and found.rest[0][0] in "+-" and sums.is_whole(found):
        terms = [found.first, *(part for _, part in found.rest)]
        if len(set(terms)) < len(terms):
            return sums.total([found])
    return found


def _occurrences(tree: Tree) -> Iterator[str]:
    if isinstance(tree, t.Name):
        yield tree.name
    for part in t.children(tree):
        yield from _occurrences(part)
