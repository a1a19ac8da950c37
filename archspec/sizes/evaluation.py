"""Sizes as numbers, once the symbols have values."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from archspec.sizes.terms import Dim, Product, Size, Step, Symbol, Total


def value(dim: Dim, values: Mapping[str, int]) -> int:
    """Return ``dim`` for the symbols ``values``; raises ``ValueError`` with the name of a symbol without a value."""
    return dim if isinstance(dim, int) else Evaluation(values).of(dim)


class Evaluation:
    """The sizes of a graph for the symbols ``values``; each size is computed only once."""

    def __init__(self, values: Mapping[str, int]) -> None:
        self.values = dict(values)
        self._known: dict[Size, int] = {}

    def of(self, dim: Dim) -> int:
        """Return the value of ``dim``; raises ``ValueError`` with the name of a symbol without a value."""
        if isinstance(dim, int):
            return dim
        known = self._known
        found = known.get(dim)
        if found is not None:
            return found
        pending: list[Size] = [dim]  # no recursion, since a chain can have 100,000 levels
        while pending:
            size = pending[-1]
            if isinstance(size, Step):
                inner = known.get(size.base)
                if inner is None:
                    pending.append(size.base)
                    continue
                known[size] = (size.a * inner + size.b) // size.c
            elif isinstance(size, Total):
                missing = [part for part, _ in size.terms if part not in known]
                if missing:
                    pending.extend(missing)
                    continue
                known[size] = sum(coefficient * known[part] for part, coefficient in size.terms)
            elif isinstance(size, Product):
                missing = [part for part in size.factors if part not in known]
                if missing:
                    pending.extend(missing)
                    continue
                known[size] = prod(known[part] for part in size.factors)
            elif isinstance(size, Symbol):
                if size.name not in self.values:
                    raise ValueError(f"no value is given for the size {size.name}")
                known[size] = self.values[size.name]
            pending.pop()
        return known[dim]

    def known(self, dim: Dim) -> int | None:
        """Return the value of ``dim``; None if a symbol has none."""
        if isinstance(dim, int):
            return dim
        return self.of(dim) if dim.symbols <= self.values.keys() else None
