"""The rows of a summary as a table of HTML, for notebooks; whatever comes from a spec is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from archspec.backends.reports.summary import Row, Summary
from archspec.backends.reports.summary_table import field_words, percent, short, suitable_depth, times, visible

COLUMNS = ("step", "", "output", "parameters", "mult-adds", "field", "share")
_INDENT = "&emsp;"


def table(summary: Summary, depth: int | None = None) -> str:
    """The table; blocks deeper than ``depth`` are folded into their line, as in the one for terminals."""
    depth = suitable_depth(summary.rows) if depth is None else depth
    lines = [(row, 0) for row in summary.inputs] + list(visible(summary.rows, depth))
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    body = "\n".join(f"<tr>{''.join(_cells(row, level))}</tr>" for row, level in lines)
    costs = "" if summary.multiply_adds is None else f"{summary.multiply_adds:,}"
    foot = f"<tr><th>total</th><td></td><td></td><th>{summary.parameters:,}</th><th>{costs}</th><td></td><td></td></tr>"
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n<tfoot>{foot}</tfoot>\n</table>"


def _cells(row: Row, level: int) -> Iterator[str]:
    count = f" ×{row.count}" if row.count > 1 else ""
    name = escape(f"{row.name}{count}")
    yield f"<td>{_INDENT * level}{f'<b>{name}</b>' if row.rows else name}</td>"
    runs = {"always": "", "in training": " (in training only)", "never": " (unused)"}[row.runs]
    texts = (
        row.what + runs,
        "×".join(map(str, row.shape)),
        times(row.count, row.parameters),
        times(row.count, row.multiply_adds, short),
        field_words(row),
        percent(row.share),
    )
    for text in texts:
        yield f"<td>{escape(text)}</td>"
