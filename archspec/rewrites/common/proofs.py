"""Checks of rewrites that change the function: equal receptive fields, and the cost saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archspec.analyses import cost, receptive_field
from archspec.analyses.receptive_field import ReceptiveField
from archspec.graph import Graph


def moved_fields(before: Graph, after: Graph, places: Mapping[int, int]) -> list[str]:
    """Paths of the steps in both networks whose receptive field on the first input has changed."""
    old = receptive_field.table(before, before.sizes)
    new = receptive_field.table(after, after.sizes)
    moved: list[str] = []
    for index, place in places.items():
        one, other = old.get(before.nodes[index].path), new.get(after.nodes[place].path)
        if (one is None) != (other is None) or (one is not None and other is not None and not _same(one, other)):
            moved.append(before.nodes[index].path)
    return moved


def _same(one: ReceptiveField, other: ReceptiveField) -> bool:
    """Whether every output row reads the same pixels, along each axis."""
    if one is other:
        return True
    if one.whole_axes != other.whole_axes or one.axes.keys() != other.axes.keys():
        return False
    pairs = [(field, other.axes[axis]) for axis, field in one.axes.items()]
    known = [(a.table, b.table) for a, b in pairs if a is not None and b is not None]
    if len(known) != sum(a is not None or b is not None for a, b in pairs):
        return False
    return all((a.period, a.shift, a.rows) == (b.period, b.shift, b.rows) for a, b in known)


def saving(before: Graph, after: Graph, changed: Iterable[int]) -> str:
    """The saving of multiply-adds in the steps that had these indices, and in the network; no other step changed.

    The saving of parameters, if the spec has no input size.
    """
    old, new = cost.of_nodes(before, before.sizes), cost.of_nodes(after, after.sizes)
    numbers: list[int | None] = [one.multiply_adds for one in (*old.values(), *new.values())]
    if None in numbers:
        what = "parameters"
        counts = [{index: one.parameters for index, one in costs.items()} for costs in (old, new)]
    else:
        what = "multiply-adds"
        counts = [{index: one.multiply_adds or 0 for index, one in costs.items()} for costs in (old, new)]
    whole, saved = sum(counts[0].values()), sum(counts[0].values()) - sum(counts[1].values())
    parts = sum(counts[0][index] for index in changed)
    inside, overall = saved / max(parts, 1), saved / max(whole, 1)
    word = "fewer" if saved >= 0 else "more"
    return f"{abs(inside):.0%} {word} {what} in them, {abs(overall):.1%} in the network"
