"""No picture is endless: beyond a number of boxes or branches, a note says how many are left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Unit, units_of

MOST = 120
"""Boxes of a picture left to itself, and half of one whose depth is given."""
WIDEST = 8
"""Branches side by side."""


def limited(items: list[Element], most: int = MOST) -> list[Element]:
    """The same picture with no more boxes than fit: a note stands for what is left out."""
    found: list[Element] = []
    for item in items:
        if boxes([item]) <= most // 2 and not (isinstance(item, Parallel) and len(item.branches) > WIDEST):
            found.append(item)
        elif isinstance(item, Parallel) and len(item.branches) > WIDEST and boxes(item.branches[0]) * WIDEST < most:
            hidden = item.branches[WIDEST - 3 : -1]
            item.branches[WIDEST - 3 : -1] = [[_note(hidden[0], f"… {len(hidden):,} more branches")]]
            found.append(item)
        elif isinstance(item, Group) and boxes(item.items) > most // 2 and len(item.items) > 1:
            item.items = limited(item.items, most // 2)
            found.append(item)
        else:
            sink = [item.sink] if isinstance(item, Parallel) and item.sink is not None else []
            found += [_note([item], f"… {boxes([item]):,} boxes"), *sink]
    if boxes(found) <= most:
        return found
    kept, count = 0, 0
    while kept < len(found) and count + boxes([found[kept]]) <= most * 3 // 4:
        count += boxes([found[kept]])
        kept += 1
    rest = max(kept, len(found) - most // 8)
    hidden_items = found[kept:rest]
    return [*found[:kept], _note(hidden_items, f"… {boxes(hidden_items):,} more boxes"), *found[rest:]]


def _note(items: Sequence[Element], words: str) -> Unit:
    units = list(units_of(items))
    last = units[-1] if units else None
    return Unit(last.index if last else -1, words, "note", last.shape if last else None, key="more", nodes=[])


def boxes(items: Iterable[Element]) -> int:
    """How many boxes are drawn for a series; merges are no boxes."""
    return sum(not unit.sign for unit in units_of(list(items)))
