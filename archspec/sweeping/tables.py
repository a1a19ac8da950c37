"""A sweep's rows as a table: aligned text for people, CSV and plain data for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from archspec.characters import printable
from archspec.sweeping.front import Axis
from archspec.sweeping.rows import SCORE, Row

LINES = 25
"""Rows that the text shows; files have all of them."""

COLUMNS = (
    "parameters",
    "multiply_adds",
    "weights",
    "inference",
    "training",
    "receptive_field",
    "valid_sizes",
    "reason",
)


def to_csv(rows: Sequence[Row], names: Sequence[str], kept: set[int], on_front: set[int]) -> str:
    """All rows: parameters, sizes, measures, whether within the limits and on the front, the reason.

    Lists are JSON; a text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    symbols = list(dict.fromkeys(name for row in rows for name in row.sizes))
    told = list(dict.fromkeys(name for row in rows for name in row.trial))
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["number", *map(_cell, names), *symbols, *COLUMNS, "within_limits", "front", *told])
    for row in rows:
        writer.writerow([
            row.number,
            *(_cell(row.values.get(name)) for name in names),
            *(row.sizes.get(symbol, "") for symbol in symbols),
            *(_cell(getattr(row, column)) for column in COLUMNS),
            int(row.number in kept),
            int(row.number in on_front),
            *(_cell(row.trial.get(name)) for name in told),
        ])  # fmt: skip
    return written.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, list | tuple | dict):
        return json.dumps(value)
    if isinstance(value, str):
        text = printable(value)
        return f"'{text}" if text[:1] in "=+-@" and text else text
    return value


def text(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Rows as aligned columns; the rest of many is counted."""
    trained = any(SCORE in row.trial for row in rows)
    head = [
        *(printable(name, 20) for name in names),
        "size",
        "parameters",
        "mult-adds",
        "inference",
        "training",
        "field",
    ]
    head += [SCORE] if trained else []
    lines = [head]
    for row in rows[:LINES]:
        cells = [printable(value if isinstance(value, str) else json.dumps(value), 30) for value in row.values.values()]
        cells += ["×".join(map(str, _sides(row)))]
        cells += [_count(row.parameters), _count(row.multiply_adds), _bytes(row.inference), _bytes(row.training)]
        cells += ["–" if row.receptive_field is None else str(row.receptive_field)]
        cells += [_score(row)] if trained else []
        lines.append(cells)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    shown.insert(1, "─" * (sum(widths) + 2 * (len(widths) - 1)))
    if len(rows) > LINES:
        shown.append(f"… and {len(rows) - LINES:,} more")
    return "\n".join(shown)


def said(rows: Sequence[Row], kept: set[int], limited: bool, on_front: Sequence[Row], by: Sequence[Axis]) -> str:
    """How many variants there are, and what the table shows."""
    wrong = [row for row in rows if row.reason is not None]
    found = [f"{len(rows):,} variants", f"{len(rows) - len(wrong):,} networks"]
    found += [f"{len(kept):,} within the limits"] if limited else []
    lines = [", ".join(found)]
    reasons: dict[str, int] = {}
    for row in wrong:
        reasons[str(row.reason)] = reasons.get(str(row.reason), 0) + 1
    for reason, count in sorted(reasons.items(), key=lambda one: -one[1])[:5]:
        lines.append(f"  {count:,} cannot be: {printable(reason, 200)}")
    ways = " and ".join(f"the {'most' if axis.most else 'least'} {axis.measure.title.partition(',')[0]}" for axis in by)
    lines.append(f"{len(on_front):,} that no other beats, by {ways}:")
    return "\n".join(lines)


def _count(number: int | None) -> str:
    if number is None:
        return "–"
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)


def _bytes(number: int | None) -> str:
    return "–" if number is None else f"{number / 10**6:,.1f} MB"


def _score(row: Row) -> str:
    score = row.trial.get(SCORE)
    return "–" if score is None else f"{score:.2%}"


def _sides(row: Row) -> list[int]:
    """The sizes by symbol; one number where all are the same."""
    sides = list(row.sizes.values())
    return sides[:1] if len(set(sides)) == 1 else sides
