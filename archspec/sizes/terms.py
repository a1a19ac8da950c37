"""Symbolic sizes: interned chains of ``floor((a·x + b) / c)`` over a symbol.

Every op that changes a size applies one such *step* with ``a, c ≥ 1``, so every size is a monotone function of H (or
W).  A composition of steps is not always a step (``2·⌊H/2⌋``), so a size is a chain.  :func:`step` normalises, so that
equal sizes are usually the same object, but not always (``⌊(2·⌊3·H/2⌋+1)/3⌋`` is H).  Identity is thus a quick test
that can only confirm equality; :mod:`archspec.sizes.decide` decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import gcd
from typing import TypeAlias
from weakref import WeakValueDictionary

MAXIMUM_FACTOR_BITS = 1024
"""Steps are merged up to factors of this many bits, so that 100,000 strided layers need linear memory."""


class Size:
    """A symbolic size: a :class:`Symbol`, a :class:`Step` on a size, a :class:`Total` or a :class:`Product` of sizes.

    Sizes are interned and immutable, and made only by :func:`symbol`, :func:`step`, :func:`total` and :func:`product`;
    two of the same construction are the same object.  ``depth`` is the number of levels below, ``symbols`` are the
    symbols that the size depends on.
    """

    __slots__ = ("depth", "growth_cache", "symbols", "__weakref__")

    depth: int
    symbols: frozenset[str]
    growth_cache: object | None

    def __copy__(self) -> Size:
        return self

    def __deepcopy__(self, memo: object) -> Size:
        return self


class Symbol(Size):
    """The size of a free input axis, such as H."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name
        self.depth = 0
        self.symbols = frozenset((name,))
        self.growth_cache = None

    def __repr__(self) -> str:
        return f"<size {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Symbol], tuple[str]]:
        return symbol, (self.name,)


class Step(Size):
    """``floor((a·base + b) / c)`` in lowest terms."""

    __slots__ = ("base", "a", "b", "c")

    def __init__(self, base: Size, a: int, b: int, c: int) -> None:
        self.base = base
        self.a = a
        self.b = b
        self.c = c
        self.depth = base.depth + 1
        self.symbols = base.symbols
        self.growth_cache = None

    def __repr__(self) -> str:
        return f"<size: ({self.a}·x + {self.b}) // {self.c} of a size of {self.depth - 1} levels>"

    def __reduce__(self) -> tuple[Callable[[Size, list[tuple[int, int, int]]], Size], tuple[object, ...]]:
        bottom, steps = chain(self)  # the whole chain at once, since pickle would recurse for each level
        return _rebuild, (bottom, steps)


class Total(Size):
    """A sum of sizes with positive integer coefficients: the size of a concatenation along the axis."""

    __slots__ = ("terms",)

    def __init__(self, terms: tuple[tuple[Size, int], ...]) -> None:
        self.terms = terms
        self.depth = 1 + max(size.depth for size, _ in terms)
        self.symbols = frozenset().union(*(size.symbols for size, _ in terms))
        self.growth_cache = None

    def __repr__(self) -> str:
        return f"<size: a sum of {len(self.terms)} sizes>"

    def __reduce__(self) -> tuple[Callable[[tuple[tuple[Size, int], ...]], Total], tuple[object, ...]]:
        return _total_of, (self.terms,)


class Product(Size):
    """A product of sizes over different symbols: the number of places of a map laid out in one row.

    It is opaque to what decides conditions: every condition on it has two symbols, and is tried at given sizes.  Two
    products are equal for all sizes where their factors are the same, since sizes are interned.
    """

    __slots__ = ("factors",)

    def __init__(self, factors: tuple[Size, ...]) -> None:
        self.factors = factors
        self.depth = 1 + max(size.depth for size in factors)
        self.symbols = frozenset().union(*(size.symbols for size in factors))
        self.growth_cache = None

    def __repr__(self) -> str:
        return f"<size: a product of {len(self.factors)} sizes>"

    def __reduce__(self) -> tuple[Callable[[tuple[Size, ...]], Product], tuple[object, ...]]:
        return _product_of, (self.factors,)


Dim: TypeAlias = int | Size
"""A dimension: a constant or a symbolic size."""

# Weak, so that unused sizes are freed; a key keeps its base alive only as long as the size itself.
_symbols: WeakValueDictionary[str, Symbol] = WeakValueDictionary()
_steps: WeakValueDictionary[tuple[Size, int, int, int], Step] = WeakValueDictionary()
_products: WeakValueDictionary[tuple[Size, ...], Product] = WeakValueDictionary()
_totals: WeakValueDictionary[tuple[tuple[Size, int], ...], Total] = WeakValueDictionary()


def symbol(name: str) -> Symbol:
    """Return the size of the free axis ``name``: one object per name."""
    found = _symbols.get(name)
    return _symbols.setdefault(name, Symbol(name)) if found is None else found


def step(dim: Dim, a: int, b: int, c: int) -> Dim:
    """Return ``floor((a·dim + b) / c)``, normalised; a constant gives a constant.

    Raises ``ValueError`` unless ``a`` and ``c`` are at least 1: all algorithms here need monotone sizes.
    """
    if a == 1 and c == 1 and b == 0:
        return dim
    if a < 1 or c < 1:
        raise ValueError(f"a size step needs factors of at least 1, not {a} and {c}")
    if isinstance(dim, int):
        return (a * dim + b) // c
    while True:
        if a != 1 and c != 1:
            common = gcd(a, c)
            if common > 1:  # the inner value is whole, so b may be floored as well
                a, b, c = a // common, b // common, c // common
        if not isinstance(dim, Step):
            break
        if dim.c == 1 and a.bit_length() + dim.a.bit_length() <= MAXIMUM_FACTOR_BITS:
            dim, a, b = dim.base, a * dim.a, a * dim.b + b
        elif a == 1 and c.bit_length() + dim.c.bit_length() <= MAXIMUM_FACTOR_BITS:
            dim, a, b, c = dim.base, dim.a, dim.b + b * dim.c, dim.c * c
        else:
            whole = dim.b // dim.c
            if whole:  # moved outwards, so that chains that differ only there share their inner levels
                b += a * whole
                dim = _step_of(dim.base, dim.a, dim.b - whole * dim.c, dim.c)
            break
    if a == 1 and c == 1 and b == 0:
        return dim
    return _step_of(dim, a, b, c)


def total(dims: Sequence[Dim]) -> Dim:
    """Return the sum of ``dims``: the size of their concatenation along the axis.

    Equal parts are collected (``H`` and ``H − 2`` add up to ``2·H−2``), so only a sum of different parts is a
    :class:`Total`.  Raises ``ValueError`` without any part.
    """
    if not dims:
        raise ValueError("a total needs at least one size")
    constant = 0
    parts: dict[Size, int] = {}
    for dim in dims:
        constant += _gather(dim, 1, parts)
    if not parts:
        return constant
    if len(parts) == 1:
        ((only, coefficient),) = parts.items()
        return step(only, coefficient, constant, 1)
    common = gcd(*parts.values())
    ordered = sorted(parts.items(), key=_order)  # an order that does not depend on other live sizes
    return step(_total_of(tuple((size, coefficient // common) for size, coefficient in ordered)), common, constant, 1)


def product(dims: Sequence[Dim]) -> Dim:
    """Return the product of ``dims``: the size of their axes joined into one.

    Raises ``ValueError`` if two of them have a symbol in common: a square is not a chain of steps, and nothing here
    could decide a condition on it.
    """
    coefficient = 1
    factors: list[Size] = []
    for dim in dims:
        if isinstance(dim, Step) and dim.b == 0 and dim.c == 1:
            coefficient, dim = coefficient * dim.a, dim.base
        if isinstance(dim, int):
            coefficient *= dim
        else:
            factors += dim.factors if isinstance(dim, Product) else (dim,)
    if coefficient < 1:
        raise ValueError("a product of sizes needs factors of at least 1")
    names = [name for size in factors for name in size.symbols]
    if len(names) != len(set(names)):
        raise ValueError("two factors depend on the same symbol")
    if not factors:
        return coefficient
    whole = factors[0] if len(factors) == 1 else _product_of(tuple(sorted(factors, key=lambda size: min(size.symbols))))
    return step(whole, coefficient, 0, 1)


def joined(dim: Dim) -> bool:
    """Whether a size is at least 1 wherever each factor of the product that it is made from is."""
    if isinstance(dim, int):
        return False
    bottom, steps = chain(dim)
    reached = 1
    for a, b, c in steps:
        reached = (a * reached + b) // c
    return isinstance(bottom, Product) and reached >= 1


def symbols(dim: Dim) -> frozenset[str]:
    """Return the names of the symbols that ``dim`` depends on: none for a constant."""
    return frozenset() if isinstance(dim, int) else dim.symbols


def base(dim: Dim) -> str | None:
    """Return the one symbol that ``dim`` depends on, or None for a constant and for a total over several symbols."""
    names = symbols(dim)
    return next(iter(names)) if len(names) == 1 else None


def simplest(dims: Iterable[Dim]) -> Dim:
    """Return the simplest of sizes that must be equal at a merge: a constant, else the shallowest, else the first.

    If they differ, torch fails at the merge, so the choice does not matter.  Raises ``ValueError`` without any size.
    """
    return min(dims, key=_complexity)


def chain(size: Size) -> tuple[Size, list[tuple[int, int, int]]]:
    """Return the base of ``size`` (a symbol or a total) and the steps on it, innermost first."""
    steps: list[tuple[int, int, int]] = []
    while isinstance(size, Step):
        steps.append((size.a, size.b, size.c))
        size = size.base
    steps.reverse()
    return size, steps


def _step_of(inner: Size, a: int, b: int, c: int) -> Step:
    key = (inner, a, b, c)
    found = _steps.get(key)
    if found is None:
        found = _steps[key] = Step(inner, a, b, c)
    return found


def _total_of(terms: tuple[tuple[Size, int], ...]) -> Total:
    found = _totals.get(terms)
    if found is None:
        found = _totals[terms] = Total(terms)
    return found


def _product_of(factors: tuple[Size, ...]) -> Product:
    found = _products.get(factors)
    if found is None:
        found = _products[factors] = Product(factors)
    return found


def _rebuild(bottom: Size, steps: list[tuple[int, int, int]]) -> Size:
    for a, b, c in steps:
        bottom = _step_of(bottom, a, b, c)
    return bottom


def _gather(dim: Dim, factor: int, parts: dict[Size, int]) -> int:
    """Add ``factor·dim`` to ``parts``, and return the remaining constant."""
    if isinstance(dim, int):
        return factor * dim
    constant = 0
    if isinstance(dim, Step) and dim.c == 1:
        constant, factor, dim = factor * dim.b, factor * dim.a, dim.base
    elif isinstance(dim, Step):
        whole = dim.b // dim.c
        constant, dim = factor * whole, _step_of(dim.base, dim.a, dim.b - whole * dim.c, dim.c)
    for size, coefficient in dim.terms if isinstance(dim, Total) else ((dim, 1),):
        parts[size] = parts.get(size, 0) + factor * coefficient
    return constant


def _order(part: tuple[Size, int]) -> tuple[int, int, int, int, str]:
    size = part[0]
    a, b, c = (size.a, size.b, size.c) if isinstance(size, Step) else (1, 0, 1)
    return size.depth, c, a, b, min(size.symbols)


def _complexity(dim: Dim) -> tuple[int, int, int]:
    if isinstance(dim, int):
        return -1, 1, 1
    return (dim.depth, dim.c, dim.a) if isinstance(dim, Step) else (dim.depth, 1, 1)
