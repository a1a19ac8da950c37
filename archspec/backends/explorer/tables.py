"""Sizes, formulas and fields as tables of plain data, each stored once; the page evaluates them as Python does."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from archspec.analyses import receptive_field
from archspec.analyses.cost import Formula
from archspec.analyses.interior import Interior, interior_rows
from archspec.analyses.tables import Table
from archspec.graph import Graph
from archspec.sizes import Dim, Product, Size, Step, Symbol, Total, factor, text

SAFE = 1 << 53
"""Integers from this one on are written as text: JavaScript's numbers cannot represent them exactly."""
LARGEST_FIELD = 20_000
"""The most characters of one field's table; of a larger one only the size is given."""


def whole(value: int) -> int | str:
    """An integer in a form that JavaScript reads without loss."""
    return value if -SAFE < value < SAFE else hex(value) if value >= 0 else f"-{hex(-value)}"


class Kept:
    """A table of distinct values, each with a number."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._places: dict[Hashable, int] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._places

    def place(self, key: Hashable, make: Callable[[], Any]) -> int:
        """The number of a key's value; the value is made if the key is new."""
        found = self._places.get(key)
        if found is None:
            row = make()
            found = self._places[key] = len(self.rows)
            self.rows.append(row)
        return found


class Numbers:
    """The tables that steps refer to by number."""

    def __init__(self) -> None:
        self.dims = Kept()
        """A number; a symbol's name; ``[of, a, b, c]`` for ⌊(a·x + b)/c⌋; ``[[size, factor], …]`` for a sum;
        ``{product: [size, …]}``."""
        self.formulas = Kept()
        """``[coefficient, size, …]``, a product of a sum."""
        self.tables = Kept()
        self.words: list[tuple[str, bool]] = []
        """Each size as text, and whether it needs parentheses in a product."""

    def dim(self, dim: Dim) -> int:
        """The number of a size; the sizes it depends on have smaller numbers."""
        if not isinstance(dim, Size):
            return self._dim(dim, whole(dim))
        pending = [dim]  # without recursion, since a chain can have 100,000 levels
        found = 0
        while pending:
            size = pending[-1]
            inner = [size.base] if isinstance(size, Step) else []
            inner = [part for part, _ in size.terms] if isinstance(size, Total) else inner
            inner = list(size.factors) if isinstance(size, Product) else inner
            missing = [part for part in inner if part not in self.dims]
            if missing:
                pending += missing
                continue
            found = self._dim(size, self._row(size))
            pending.pop()
        return found

    def _row(self, size: Size) -> Any:
        if isinstance(size, Symbol):
            return size.name
        if isinstance(size, Step):
            return [self.dims.place(size.base, list), *map(whole, (size.a, size.b, size.c))]
        if isinstance(size, Product):
            return {"product": [self.dims.place(part, list) for part in size.factors]}
        assert isinstance(size, Total)
        return [[self.dims.place(part, list), whole(times)] for part, times in size.terms]

    def _dim(self, dim: Dim, row: Any) -> int:
        before = len(self.dims.rows)
        place = self.dims.place(dim, lambda: row)
        if place == before:
            self.words.append((text(dim), factor(dim) != text(dim)))
        return place

    def formula(self, formula: Formula) -> int:
        """The number of a sum of products of sizes."""
        return self.formulas.place(
            formula.terms, lambda: [[whole(times), *map(self.dim, dims)] for times, dims in formula.terms]
        )

    def bytes(self, amount: Formula | int) -> int:
        """The number of an amount of memory."""
        return self.formula(amount if isinstance(amount, Formula) else Formula.of([(amount, ())]))

    def table(self, table: Table) -> int:
        """The number of a field along one axis: period, shift, and ``[first, last]`` of each phase.

        Where there are holes, the pixels read are a bit mask in hexadecimal, the first pixel in the lowest bit.
        """
        return self.tables.place((table.period, table.shift, table.rows), lambda: _table(table))


def _table(table: Table) -> list[Any]:
    masks = ["" if row is None or row[2] is None else f"{row[2]:x}" for row in table.rows]
    if sum(map(len, masks)) > LARGEST_FIELD:
        masks = [""] * len(masks)  # too many holes to be drawn
    rows = [
        None if row is None else [row[0], row[1], mask] if mask else [row[0], row[1]]
        for row, mask in zip(table.rows, masks, strict=True)
    ]
    return [table.period, table.shift, rows]


class Fields:
    """The receptive field of each step on the first input, as data."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int], numbers: Numbers) -> None:
        self.axes: list[str] = []
        self.rows = Kept()
        self.of_node: dict[int, int] = {}
        self._numbers = numbers
        if not graph.inputs:
            return
        source = next(iter(graph.inputs.values()))
        walk = receptive_field.walked(graph, {})
        sized = receptive_field.walked(graph, sizes)
        self.axes = list(walk.axes)
        inside = interior_rows(graph, source)
        for index, state in walk.states.items():
            here = sized.states[index]
            found = []
            for along, at_sizes, interior in zip(state, here, inside[index].values(), strict=True):
                table = along.value or at_sizes.value
                always = along.value is not None
                found.append((table, along.whole or at_sizes.whole, always, interior))
            key = tuple((id(table), seen, always, _key(interior)) for table, seen, always, interior in found)
            self.of_node[index] = self.rows.place(key, lambda found=found: [self._axis(*one) for one in found])
        self._kept = walk, sized

    def _axis(self, table: Table | None, seen: bool, always: bool, interior: Interior | None) -> list[Any]:
        """``[table or -1, sees everything, holds for every size, first interior row, the last ones as sizes]``."""
        lasts = [] if interior is None else [self._numbers.dim(dim) for dim in interior.lasts]
        place = -1 if table is None else self._numbers.table(table)
        return [place, int(seen), int(always), 0 if interior is None else interior.first, lasts]


def _key(interior: Interior | None) -> Hashable:
    return None if interior is None else (interior.first, interior.lasts)


def words(rows: Iterable[tuple[str, bool]]) -> list[Any]:
    """The texts of sizes as data: a string, in a list if it needs parentheses in a product."""
    return [[text] if brackets else text for text, brackets in rows]
