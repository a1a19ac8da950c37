"""The names that an expression needs from its surroundings."""

from __future__ import annotations

from archspec.expressions import tree as t


def free_names(what: t.Expression | t.Clause | t.Interpolation) -> frozenset[str]:
    """The names that an expression needs from its surroundings, without functions and loop variables."""
    if isinstance(what, t.Interpolation):
        return frozenset().union(*(free_names(part) for part in what.parts if isinstance(part, t.Expression)))
    return frozenset(name.name for name in free_mentions(what))


def free_mentions(what: t.Expression | t.Clause) -> list[t.Name]:
    """Each occurrence of such a name, in the order written."""
    found: list[t.Name] = []
    if isinstance(what, t.Clause):
        free_in_loops(what.loops, frozenset(), found)
    else:
        free_in(what.tree, frozenset(), found)
    return sorted(found, key=lambda name: name.at)


def free_in(tree: t.Tree, bound: frozenset[str], found: list[t.Name]) -> None:
    """Add to ``found`` the names a part needs from its surroundings, except those in ``bound``."""
    if isinstance(tree, t.Name):
        if tree.name not in bound:
            found.append(tree)
    elif isinstance(tree, t.Comprehension):
        free_in(tree.element, free_in_loops(tree.loops, bound, found), found)
    else:
        for part in t.children(tree):
            free_in(part, bound, found)


def free_in_loops(loops: tuple[t.Loop, ...], bound: frozenset[str], found: list[t.Name]) -> frozenset[str]:
    """Add to ``found`` the names loops need from their surroundings; returns the names bound after them."""
    for loop in loops:
        free_in(loop.iterable, bound, found)
        bound |= frozenset(t.bound(loop.target))
        for condition in loop.conditions:
            free_in(condition, bound, found)
    return bound
