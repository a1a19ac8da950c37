"""Limits on what a variant may cost: ``macs=300e6``, ``memory=2GB``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from archspec.diagnostics import Diagnostics, Fault, Span, SpecError, did_you_mean, printable
from archspec.records import record
from archspec.sweeping.rows import MEASURES, Row
from archspec.syntax import Node, Scalar

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_NUMBER = re.compile(r"\s*([0-9][0-9_]{0,30}(?:\.[0-9]{0,30})?(?:e\+?[0-9]{1,2})?)\s*([kmgt]?i?)b?\s*\Z", re.IGNORECASE)


@record
class Limit:
    """The largest value of a measure that a row may have; of one where more is better, the least."""

    measure: str
    value: float

    def holds(self, row: Row) -> bool:
        """Whether a row is within the limit; a row without the measure is not."""
        measure = MEASURES[self.measure]
        found = measure.of(row)
        return found is not None and (found >= self.value if measure.most else found <= self.value)


def within(row: Row, limits: Sequence[Limit]) -> bool:
    """Whether a row is a network within all limits."""
    return row.reason is None and all(limit.holds(row) for limit in limits)


def limit(name: str, text: str, span: Span | None = None) -> Limit:
    """A limit from its measure's name and a number with a unit.  Raises :class:`Fault`."""
    known = "macs" if name in ("multiply_adds", "multiply-adds", "flops") else name
    if known not in MEASURES:
        hint = did_you_mean(known, MEASURES) or f"the measures are {', '.join(MEASURES)}"
        raise Fault("unknown-measure", f"there is no measure `{printable(name, 60)}`", span, hint)
    match = _NUMBER.match(text)
    value = float(match[1].replace("_", "")) * _UNITS[match[2].lower()] if match else math.nan
    if not math.isfinite(value):
        hint = "write a number, with k, M, G, or a unit of bytes: 300e6, 300M, 2GB, 2GiB"
        raise Fault("wrong-value", f"`{printable(text, 60)}` is not a limit for `{known}`", span, hint)
    return Limit(known, value)


def written(text: str) -> Limit:
    """A limit of a command line, ``macs=300e6``.  Raises :class:`SpecError`."""
    name, equals, value = text.partition("=")
    try:
        if not equals:
            raise Fault("wrong-value", f"`{printable(text, 60)}` is not a limit", None, "write macs=300e6")
        return limit(name.strip(), value)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None


def parse_limit(name: str, value: Node, span: Span | None, diagnostics: Diagnostics) -> Limit | None:
    """A limit of a space file; None, with a diagnostic, where it is none."""
    try:
        return limit(name, value.text if isinstance(value, Scalar) else "", span)
    except Fault as fault:
        diagnostics.add(fault.diagnostic)
        return None
