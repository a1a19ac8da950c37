"""Alignment of items of the same step, in an order that agrees with every use."""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Protocol, TypeVar

from archspec.families.solver import Mismatch


class _Keyed(Protocol):
    @property
    def key(self) -> Hashable: ...


_Kept = TypeVar("_Kept", bound=_Keyed)


def align(rows: Sequence[Sequence[_Kept]]) -> list[list[_Kept | None]]:
    """One column for each step, with its item in each use; raises :class:`Mismatch` when the orders conflict."""
    orders = dict.fromkeys(tuple(item.key for item in row) for row in rows)
    order = {key: index for index, key in enumerate(next(iter(orders)) if len(orders) == 1 else _merged(list(orders)))}
    columns: list[list[_Kept | None]] = [[None] * len(rows) for _ in order]
    for use, row in enumerate(rows):
        for item in row:
            columns[order[item.key]][use] = item
    return columns


def _merged(orders: Sequence[Sequence[Hashable]]) -> list[Hashable]:
    """One order that contains each of these orders; raises :class:`Mismatch` when they conflict."""
    first: dict[Hashable, int] = {}
    after: dict[Hashable, dict[Hashable, None]] = {}
    for keys in orders:
        for key in keys:
            first.setdefault(key, len(first))
            after.setdefault(key, {})
        for key, following in itertools.pairwise(keys):
            after[key][following] = None
    waiting = Counter(following for keys in after.values() for following in keys)
    free = [(index, key) for key, index in first.items() if not waiting[key]]
    merged: list[Hashable] = []
    while free:
        merged.append(free.pop(0)[1])
        for following in after[merged[-1]]:
            waiting[following] -= 1
            if not waiting[following]:
                bisect.insort(free, (first[following], following), key=lambda pair: pair[0])
    if len(merged) < len(first):
        raise Mismatch("the uses run the steps in different orders")
    return merged
