"""A confusion matrix as a picture: a row for each true class, the fraction of it that each class was predicted for."""

from __future__ import annotations

import io
from collections.abc import Sequence

from archspec.characters import printable

MOST_NAMED = 30
"""With more classes the axes have no names; with more than half of it, cells have no numbers."""


def drawn(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> bytes:
    """The matrix as PNG.  Raises ModuleNotFoundError without matplotlib."""
    from matplotlib.figure import Figure

    count = len(classes)
    shares = [[cell / max(1, sum(row)) for cell in row] for row in confusion]
    side = min(10.0, 2.6 + 0.34 * min(count, MOST_NAMED))
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    if count <= MOST_NAMED:
        names = [printable(name, 18).replace("$", r"\$") for name in classes]
        axes.set_xticks(range(count), names, rotation=90, fontsize=8)
        axes.set_yticks(range(count), names, fontsize=8)
    if count <= MOST_NAMED // 2:
        for row, cells in enumerate(confusion):
            for column, cell in enumerate(cells):
                colour = "white" if shares[row][column] > 0.5 else "#343a40"
                axes.text(column, row, f"{cell:,}" if cell else "", ha="center", va="center", fontsize=7, color=colour)
    axes.set(xlabel="prediction", ylabel="truth")
    figure.colorbar(image, shrink=0.7)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=150)
    return written.getvalue()
