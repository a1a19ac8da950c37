"""The Pareto picture: every variant as a dot, the front as a line."""

from __future__ import annotations

import io
from collections.abc import Sequence

from archspec.sweeping.front import Axis
from archspec.sweeping.rows import Row

MOST_DOTS = 20_000
"""Dots that are drawn; of more rows every n-th is, and all of the front."""


def drawn(rows: Sequence[Row], on_front: Sequence[Row], by: Sequence[Axis]) -> bytes:
    """The rows by the first two axes, as SVG.

    The same rows give the same bytes.  Raises ModuleNotFoundError without matplotlib.
    """
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    dots = _places(rows[:: 1 + len(rows) // MOST_DOTS], by)
    line = _places(on_front, by)
    axes.scatter(*dots, s=8, color="#9aa5b1", linewidths=0, label=f"{len(rows):,} variants")
    axes.plot(*line, color="#d9480f", marker="o", markersize=4, linewidth=1.2, label=f"{len(on_front):,} on the front")
    for axis, values, which in zip(by[:2], dots, ("x", "y"), strict=True):
        if values and min(values) > 0 and max(values) > 20 * min(values):
            axes.set(**{f"{which}scale": "log"})
        axes.set(**{f"{which}label": axis.measure.title})
    axes.grid(color="#e9ecef", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=8)
    written = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "archspec"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def _places(rows: Sequence[Row], by: Sequence[Axis]) -> tuple[list[float], list[float]]:
    """The rows' values on the first two axes, of rows that have both."""
    pairs = [tuple(axis.measure.of(row) for axis in by[:2]) for row in rows]
    known = [(x, y) for x, y in pairs if x is not None and y is not None]
    return [x for x, _ in known], [y for _, y in known]
