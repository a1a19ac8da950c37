"""The maps behind one place of a step, side by side: which of their places contribute to it.

Exact at the sizes given, borders and holes included.  Needs matplotlib.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.analyses.borders import extent, rows_read
from archspec.backends.diagram import text
from archspec.diagnostics import Diagnostic, SpecError
from archspec.graph import Graph
from archspec.sizes import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_MAPS, MOST_ROWS = 8, 72
"""Maps of one picture, and rows or columns of a field, that can be told apart."""
WHOLE = 24
"""A map of no more rows and columns than this is drawn whole, a larger one around its field."""
MARGIN = 2
"""Rows and columns beside a field that are drawn of a large map."""
_CELL, _BETWEEN, _TALLEST = 0.2, 0.7, 4.2
"""In inches: the largest cell, the space between maps, the tallest map."""
_FIELD, _ONE, _PLAIN, _GRID, _EDGE, _INK = "#8fb4f0", "#d9534f", "#ffffff", "#d5dae1", "#374151", "#1f2937"


@dataclass(frozen=True)
class Map:
    """One map and the places of it that contribute: rows and columns as bits."""

    title: str
    height: int
    width: int
    rows: int
    columns: int


def behind(graph: Graph, sizes: Mapping[str, int], of: int, wrt: int) -> list[Map]:
    """The maps from ``wrt`` to ``of`` along the first inputs, with what the middle place of ``of`` reads of each.

    Only maps that differ from the one before in what is read of them.  Raises :class:`SpecError` ``no-layers`` unless
    the path leads to ``wrt``, its maps have two spatial axes, and they can be told apart.
    """
    at, path = of, [of]
    while at != wrt and graph.nodes[at].inputs:
        at = graph.nodes[at].inputs[0]
        path.append(at)
    if at != wrt:
        said = f"the first inputs of `{graph.nodes[of].path}` do not lead to `{graph.nodes[wrt].path or 'the input'}`"
        raise _none(said, "name another step with --wrt")
    evaluation, found = Evaluation(dict(sizes)), list[Map]()
    for index in reversed(path):
        node = graph.nodes[index]
        if node.shape.rank != 2:
            raise _none(f"`{node.path}` has no two spatial axes", "name a step that is a map with --of or --wrt")
        height, width = (evaluation.of(dim) for dim in node.shape.spatial)
        if index == of:
            rows, columns = 1 << height // 2, 1 << width // 2
        else:
            read = list(rows_read(graph, sizes, of, index, whole_image=False).values())
            rows, columns = (along[len(along) // 2] for along in read)
        name = text.clean(node.label or node.path or node.name or "input", 24)
        one = Map(name, height, width, rows, columns)
        if found and replace(one, title=found[-1].title) == found[-1]:
            continue  # what works place by place changes nothing
        found.append(one)
    if len(found) > MOST_MAPS or any(extent(bits)[1] > MOST_ROWS for one in found for bits in (one.rows, one.columns)):
        said = f"{len(found)} maps, or a field of more than {MOST_ROWS} rows, cannot be told apart in one picture"
        raise _none(said, "choose a nearer step with --wrt, or draw the field on a photo with --on")
    return found


def draw(maps: Sequence[Map], path: Path | str) -> None:
    """Write the picture, as svg, png or pdf by its suffix.  Raises ModuleNotFoundError without matplotlib."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    parts = [(_shown(one.rows, one.height), _shown(one.columns, one.width)) for one in maps]
    tallest = max(stop - start for (start, stop), _ in parts)
    cell = min(_CELL, _TALLEST / tallest)
    width = sum(stop - start for _, (start, stop) in parts) * cell + _BETWEEN * (len(maps) + 1)
    height = tallest * cell + 1.1
    with matplotlib.rc_context({"svg.hashsalt": "archspec"}):
        figure = Figure(figsize=(width, height), facecolor=_PLAIN)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        left, before = _BETWEEN, None
        for one, (rows, columns) in zip(maps, parts, strict=True):
            top = 0.55 + (tallest - (rows[1] - rows[0])) * cell / 2
            box = _paint(axes, one, rows, columns, left, top, cell, one is maps[-1])
            if before is not None:
                for side in (1, 3):  # from the field's right corners to the place that reads it
                    start, end = (before[2], before[side]), (box[0], box[side])
                    axes.plot(*zip(start, end, strict=True), color=_EDGE, linewidth=0.8, linestyle=(0, (4, 3)))
            left, before = left + (columns[1] - columns[0]) * cell + _BETWEEN, box
        figure.savefig(path, dpi=160, metadata={"Date": None} if str(path).lower().endswith(".svg") else None)


def _paint(
    axes: Axes,
    one: Map,
    rows: tuple[int, int],
    columns: tuple[int, int],
    left: float,
    top: float,
    cell: float,
    last: bool,
) -> tuple[float, float, float, float]:
    """Draw one map; gives the left, top, right and bottom of its field."""
    from matplotlib.colors import to_rgb

    lit, plain = to_rgb(_ONE if last else _FIELD), to_rgb(_PLAIN)
    image = [
        [lit if one.rows >> row & 1 and one.columns >> column & 1 else plain for column in range(*columns)]
        for row in range(*rows)
    ]
    right, bottom = left + (columns[1] - columns[0]) * cell, top + (rows[1] - rows[0]) * cell
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(image, extent=(left, right, bottom, top), interpolation="nearest", aspect="auto")
    axes.set(xlim=limits[0], ylim=limits[1])
    if cell >= 0.08:
        axes.hlines([top + at * cell for at in range(1, rows[1] - rows[0])], left, right, colors=_GRID, linewidth=0.6)
        axes.vlines(
            [left + at * cell for at in range(1, columns[1] - columns[0])], top, bottom, colors=_GRID, linewidth=0.6
        )
    axes.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color=_EDGE, linewidth=1.0)
    tall, wide = extent(one.rows), extent(one.columns)
    middle = (left + right) / 2
    axes.text(middle, top - 0.12, one.title, ha="center", va="bottom", fontsize=10, color=_INK)
    said = f"{tall[1]} × {wide[1]} of {one.height} × {one.width}"
    axes.text(middle, bottom + 0.1, said, ha="center", va="top", fontsize=8, color=_INK)
    return (
        left + (wide[0] - columns[0]) * cell,
        top + (tall[0] - rows[0]) * cell,
        left + (wide[0] + wide[1] - columns[0]) * cell,
        top + (tall[0] + tall[1] - rows[0]) * cell,
    )


def _shown(bits: int, size: int) -> tuple[int, int]:
    """The rows that are drawn: all of a small map, those of the field and a margin of a large one."""
    if size <= WHOLE:
        return 0, size
    first, count = extent(bits)
    return max(0, first - MARGIN), min(size, first + count + MARGIN)


def _none(said: str, hint: str) -> SpecError:
    return SpecError([Diagnostic("no-layers", said, None, hint)])
