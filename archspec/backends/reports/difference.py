"""What `archspec diff` says: two networks side by side in numbers, then step by step what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archspec.analyses.differences import Comparison, Difference
from archspec.analyses.report import Report
from archspec.backends.reports.field import seen
from archspec.backends.reports.memory import megabytes
from archspec.graph import Graph
from archspec.sizes import text as formula

LISTED = 60
"""Differences in a text; the rest are counted."""
_SIGNS = {"removed": "-", "added": "+"}


def text(one: Report, other: Report, comparison: Comparison, titles: Sequence[str], listed: int | None = LISTED) -> str:
    """For people: the facts of both below their titles, with how they change, then ``listed`` of the differences."""
    rows = [("", *titles, ""), *_rows(one, other)]
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    lines = [
        "  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3])).rstrip()
        for row in rows
    ]
    found = comparison.differences
    if not found:
        return "\n".join([*lines, "", "the same network, up to names"])
    counts = {kind: sum(each.kind == kind for each in found) for kind in ("removed", "added")}
    rest = len(found) - sum(counts.values())
    said = [f"{count} {what}" for what, count in (*counts.items(), ("changed", rest)) if count]
    lines += ["", f"steps: {len(comparison.pairs)} correspond, {', '.join(said)}"]
    lines += [_line(each) for each in found[:listed]]
    if listed is not None and len(found) > listed:
        lines.append(f"… and {len(found) - listed} more; --all shows them")
    return "\n".join(lines)


def _line(difference: Difference) -> str:
    sign = _SIGNS.get(difference.kind, "~")
    paths = dict.fromkeys(path for path in (difference.first, difference.second) if path is not None)
    said = difference.words if difference.kind in _SIGNS else difference.text
    return f"{sign} {' → '.join(paths)}: {said}" if said else f"{sign} {' → '.join(paths)}"


def _rows(one: Report, other: Report) -> Iterator[tuple[str, str, str, str]]:
    """Facts of both networks: what it is, one, other, and how much more."""
    for what, first, second in _facts(one, other):
        if first == second:
            yield what, _said(what, first), _said(what, second), ""
        elif isinstance(first, int) and isinstance(second, int):
            more = second - first
            sign = "+" if more > 0 else "−"
            share = f" ({sign}{abs(more) / first:.1%})" if abs(more) * 1000 >= first > 0 else ""
            yield what, _said(what, first), _said(what, second), f"{sign}{_said(what, abs(more))}{share}"
        else:
            yield what, _said(what, first), _said(what, second), "differs"


def _facts(one: Report, other: Report) -> Iterator[tuple[str, Any, Any]]:
    sides = facts(one), facts(other)
    for what in dict.fromkeys((*sides[0], *sides[1])):
        yield what, sides[0].get(what), sides[1].get(what)


def facts(report: Report) -> dict[str, int | str | None]:
    """What is compared of a network, by the words of `archspec check`; bytes and counts as numbers."""
    memory = report.memory() if report.shapes_at or not report.sizes else None
    found: dict[str, int | str | None] = {
        "sizes": ", ".join(f"{name} = {size}" for name, size in report.sizes.items()) or None,
        "parameters": report.total.parameters,
        "multiply-adds": report.total.multiply_adds,
        "memory of weights": None if memory is None else memory.parameters + memory.buffers,
        "peak in inference": None if memory is None else memory.inference,
        "peak in training": None if memory is None else memory.training,
        "valid sizes": ", ".join(each.describe() for each in report.valid_sizes.values()) or None,
    }
    for output in report.graph.outputs:
        shape = report.graph.nodes[output.node].shape
        found[output.name] = " × ".join(formula(dim) for dim in shape.dims)
    for name, sight in report.sights.items():
        found["sees" if len(report.sights) == 1 else f"{name} sees"] = seen(report, sight)
    return found


def _said(what: str, value: int | str | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    return megabytes(value) if what.startswith(("memory", "peak")) else f"{value:,}"


def keys(one: Graph, other: Graph, comparison: Comparison) -> dict[str, str]:
    """For each key of the first network's ``state_dict`` the second's key of the tensor that corresponds in shape."""
    found: dict[str, str] = {}
    for first, second in comparison.pairs:
        here, there = one.tensors(one.nodes[first]), other.tensors(other.nodes[second])
        for name, (key, shape) in here.items():
            if name in there and there[name][1] == shape:
                found[key] = there[name][0]
    return found


def to_json(one: Report, other: Report, comparison: Comparison) -> dict[str, Any]:
    """The same as plain data, with the key map between the two ``state_dict``s, first to second."""
    return {
        "equal": comparison.equal,
        "networks": [{"name": each.graph.name, "sizes": dict(each.sizes)} | facts(each) for each in (one, other)],
        "differences": [
            {"kind": each.kind, "first": each.first, "second": each.second, "text": each.text}
            for each in comparison.differences
        ],
        "pairs": [[one.graph.nodes[here].path, other.graph.nodes[there].path] for here, there in comparison.pairs],
        "keys": keys(one.graph, other.graph, comparison),
    }
