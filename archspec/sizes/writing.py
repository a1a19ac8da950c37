"""Sizes as text: for people (``2·⌊H/2⌋+1``), in ASCII (``2*floor(H/2)+1``) and as Python (``2 * (H // 2) + 1``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn

from archspec.records import record
from archspec.sizes.terms import Dim, Product, Size, Step, Symbol, Total

LEVELS_SHOWN = 5
"""Levels of nesting that :func:`text` writes; further ones are only counted."""

PARTS_SHOWN = 4
"""Parts of a sum that :func:`text` writes; further ones are only counted."""

LONGEST_PYTHON = 2000
DEEPEST_PYTHON = 60
"""Limits of :func:`python`: Python's parser fails at 200 nested parentheses, and people much earlier."""

# How tightly the outermost operator of a written size binds.
_SUM, _PRODUCT, _ATOM = 1, 2, 3
_Written = tuple[str, int]


@record
class _Style:
    plus: str
    minus: str
    times: str
    floor: Callable[[str, str], _Written]
    number: Callable[[int], str]
    more_levels: Callable[[Size], str]
    more_parts: Callable[[int], str]


def text(dim: Dim) -> str:
    """Return ``dim`` for people: ``H``, ``⌊(H+1)/2⌋``, ``2·⌊H/2⌋+1``; very deep nesting is only counted."""
    return _write(dim, _PEOPLE, LEVELS_SHOWN)[0]


def factor(dim: Dim) -> str:
    """Return ``dim`` like :func:`text`, with parentheses where a product needs them: ``(H−2)``."""
    written, binds = _write(dim, _PEOPLE, LEVELS_SHOWN)
    return f"({written})" if binds == _SUM else written


def ascii(dim: Dim) -> str:
    """Return ``dim`` like :func:`text`, in ASCII only: ``floor((H+1)/2)``."""
    return _write(dim, _ASCII, LEVELS_SHOWN)[0]


def python(dim: Dim, names: Mapping[str, str]) -> str:
    """Return ``dim`` as a Python expression over integers: ``(H + 1) // 2``.

    ``names`` has a Python expression for each symbol: a name, or anything that binds as tightly.  Raises ``ValueError``
    for a symbol without one, and for a size that is too large for one expression.
    """
    if not isinstance(dim, int) and dim.depth > DEEPEST_PYTHON:
        raise ValueError(f"a size of {dim.depth} nested steps is too deep for one Python expression")
    return _write(dim, _PYTHON, DEEPEST_PYTHON + 1, names)[0]


def number(count: int, times: str = "·") -> str:
    """Return an integer for people: ``2^40`` and ``3·2^40`` for large multiples of powers of two, else digits."""
    if count < 0:
        return "−" + number(-count, times) if times == "·" else "-" + number(-count, times)
    if count < 1 << 20:
        return str(count)
    twos = (count & -count).bit_length() - 1
    odd = count >> twos
    if twos >= 16 and odd < 1000:
        return f"2^{twos}" if odd == 1 else f"{odd}{times}2^{twos}"
    if count.bit_length() <= 128:
        return str(count)
    return f"about 10^{int(count.bit_length() * 0.30103)}"  # digits would not help, and Python refuses to print some


def _write(dim: Dim, style: _Style, levels: int, names: Mapping[str, str] | None = None) -> _Written:
    """Write ``dim``, and return how tightly its outermost operator binds; ``levels`` bounds the recursion."""
    if isinstance(dim, int):
        return style.number(dim), _ATOM if dim >= 0 else _SUM
    if isinstance(dim, Symbol):
        if names is None:
            return dim.name, _ATOM
        if dim.name not in names:
            raise ValueError(f"no Python name is given for the size {dim.name}")
        return names[dim.name], _ATOM
    if levels == 0:
        return style.more_levels(dim), _ATOM
    if isinstance(dim, Total):
        written = _write_total(dim, style, levels, names)
    elif isinstance(dim, Step):
        written = _write_step(dim, style, levels, names)
    elif isinstance(dim, Product):
        written = _write_product(dim, style, levels, names)
    else:
        raise TypeError(f"{type(dim).__name__} is not a kind of size")
    if names is not None and len(written[0]) > LONGEST_PYTHON:
        raise ValueError("a size is too long for one Python expression")
    return written


def _write_step(size: Step, style: _Style, levels: int, names: Mapping[str, str] | None) -> _Written:
    body, binding = _write(size.base, style, levels - 1, names)
    if size.a != 1:
        body, binding = f"{style.number(size.a)}{style.times}{_enclosed(body, binding, _ATOM)}", _PRODUCT
    if size.b:
        sign = style.plus if size.b > 0 else style.minus
        body, binding = f"{body}{sign}{style.number(abs(size.b))}", _SUM
    if size.c == 1:
        return body, binding
    return style.floor(_enclosed(body, binding, _PRODUCT), style.number(size.c))


def _write_total(size: Total, style: _Style, levels: int, names: Mapping[str, str] | None) -> _Written:
    shown = size.terms if names is not None else size.terms[:PARTS_SHOWN]
    parts: list[str] = []
    for part, coefficient in shown:
        body, binding = _write(part, style, levels - 1, names)
        if coefficient != 1:
            body = f"{style.number(coefficient)}{style.times}{_enclosed(body, binding, _ATOM)}"
        parts.append(body)
    if len(shown) < len(size.terms):
        parts.append(style.more_parts(len(size.terms) - len(shown)))
    return style.plus.join(parts), _SUM


def _write_product(size: Product, style: _Style, levels: int, names: Mapping[str, str] | None) -> _Written:
    parts = [_write(part, style, levels - 1, names) for part in size.factors]
    # a quotient in Python binds as a product does, but `a // 2 * b` is not `a * (b // 2)`
    needed = _PRODUCT if names is None else _ATOM
    return style.times.join(_enclosed(body, binding, needed) for body, binding in parts), _PRODUCT


def _enclosed(body: str, binding: int, needed: int) -> str:
    return body if binding >= needed else f"({body})"


def _steps_below(size: Size) -> str:
    return f"{','.join(sorted(size.symbols))} after {size.depth} more steps"


def _never(_: object) -> NoReturn:
    raise AssertionError("Python is written whole")


_PEOPLE = _Style(
    plus="+",
    minus="−",
    times="·",
    floor=lambda numerator, divisor: (f"⌊{numerator}/{divisor}⌋", _ATOM),
    number=number,
    more_levels=lambda size: f"‹{_steps_below(size)}›",
    more_parts=lambda count: f"‹{count} more›",
)
_ASCII = _Style(
    plus="+",
    minus="-",
    times="*",
    floor=lambda numerator, divisor: (f"floor({numerator}/{divisor})", _ATOM),
    number=lambda count: number(count, "*"),
    more_levels=lambda size: f"<{_steps_below(size)}>",
    more_parts=lambda count: f"<{count} more>",
)
_PYTHON = _Style(
    plus=" + ",
    minus=" - ",
    times=" * ",
    floor=lambda numerator, divisor: (f"{numerator} // {divisor}", _PRODUCT),
    number=str,
    more_levels=_never,
    more_parts=_never,
)
