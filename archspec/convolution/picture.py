"""The picture of a convolution matrix: input, kernel and output above, the matrix below, one colour per weight.

Each kernel row has a hue and each kernel column a shade.  The bands of the matrix, one for each kernel row, and the
shift from row to row are then visible without reading labels.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.convolution.matrix import Geometry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CELLS = 1_000_000
"""The most matrix cells that one picture shows; more could not be told apart."""

_HUES = (0.58, 0.08, 0.38, 0.80, 0.13, 0.50, 0.93)
_INK, _MUTED, _EDGE, _PLAIN, _LINE = "#1f2937", "#6b7280", "#374151", "#ffffff", "#d5dae1"
_TITLE: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 12.5, "color": _INK}
_NOTE: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 11, "color": _MUTED}
_CELL, _SIGN, _MARGIN = 0.44, 1.0, 0.75
"""In inches: the largest cell, the space for a sign between grids, the outer margin."""
_LABELLED = 40
"""The most columns with which cells have labels."""

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Grid:
    """A grid of cells to draw: some have a colour, some a text; labels run along the sides."""

    rows: int
    columns: int
    colours: dict[tuple[int, int], Colour]
    texts: dict[tuple[int, int], str]
    above: Sequence[str] = ()
    left: Sequence[str] = ()


def draw(geometry: Geometry, path: Path, *, transposed: bool = False) -> None:
    """Write the picture of a convolution's matrix, or of its transpose, to a file.

    The suffix gives the format, any that matplotlib writes.  Raises ModuleNotFoundError without matplotlib, ValueError
    for a matrix of more than ``MOST_CELLS`` cells.
    """
    rows, columns = prod(geometry.output), prod(geometry.size)
    if rows * columns > MOST_CELLS:
        raise ValueError(f"the matrix has {rows:,} × {columns:,} cells, and a picture shows {MOST_CELLS:,} at most")

    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    matrix = _matrix(geometry, transposed)
    small = _small(geometry, transposed)
    beside = bool(small) and matrix.rows > 1.5 * matrix.columns
    cell = min(_CELL, 12.0 / matrix.columns, (7.2 if beside else 12.0) / matrix.rows)
    tile = min(_CELL, 2.2 / max(max(grid.rows, grid.columns) for grid, _, _ in small)) if small else 0.0
    band = sum(grid.columns for grid, _, _ in small) * tile + _SIGN * max(0, len(small) - 1)
    tallest = max((grid.rows for grid, _, _ in small), default=0) * tile
    body = (max(matrix.columns * cell, 2.6), matrix.rows * cell)
    if beside:
        width, height = _MARGIN * 3 + 0.3 + band + body[0], body[1] + 2 * _MARGIN
        corner, middle = (_MARGIN * 2 + 0.3 + band, _MARGIN), height / 2
    else:
        width = max(body[0], band) + 2 * _MARGIN
        height = body[1] + 2 * _MARGIN + (tallest + 1.1 if small else 0)
        corner, middle = ((width - matrix.columns * cell) / 2, height - body[1] - _MARGIN), 0.6 + tallest / 2
    with matplotlib.rc_context({"svg.hashsalt": "archspec", "mathtext.fontset": "dejavusans"}):
        figure = Figure(figsize=(width, height), facecolor=_PLAIN)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        left = _MARGIN if beside else (width - band) / 2
        for grid, title, sign in small:
            top = middle - grid.rows * tile / 2
            _paint(axes, grid, left, top, tile)
            left += grid.columns * tile
            axes.text(left - grid.columns * tile / 2, top - 0.14, title, **_TITLE)
            axes.text(left + _SIGN / 2, middle, sign, ha="center", va="center", fontsize=20, color=_INK)
            left += _SIGN
        _paint(axes, matrix, *corner, cell)
        name = "$C^{\\top}$" if transposed else "$C$"
        centre = corner[0] + matrix.columns * cell / 2
        above = 0.36 if matrix.above else 0.14
        axes.text(centre, corner[1] - above, f"{name}:  {matrix.rows} × {matrix.columns}", **_TITLE)
        axes.text(centre, corner[1] + body[1] + 0.34, _caption(geometry, transposed), **_NOTE)
        figure.savefig(path, dpi=160, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


# -- what is drawn ----------------------------------------------------------------------------------------------------


def _matrix(geometry: Geometry, transposed: bool) -> Grid:
    rows, columns = prod(geometry.output), prod(geometry.size)
    labelled = max(rows, columns) <= _LABELLED
    colours: dict[tuple[int, int], Colour] = {}
    texts: dict[tuple[int, int], str] = {}
    for row, column, index in geometry.pattern():
        at = (column, row) if transposed else (row, column)
        colours[at] = _colour(index, geometry.kernel)
        if labelled:
            texts[at] = _named("w", index, geometry.kernel)
    inputs = [_named("x", i, geometry.size) for i in range(columns)] if labelled else []
    outputs = [_named("y", i, geometry.output) for i in range(rows)] if labelled else []
    if transposed:
        return Grid(columns, rows, colours, texts, outputs, inputs)
    return Grid(rows, columns, colours, texts, inputs, outputs)


def _small(geometry: Geometry, transposed: bool) -> list[tuple[Grid, str, str]]:
    """The input, kernel and output grids of one or two axes, each with its title and the sign after it."""
    if len(geometry.size) > 2 or max(*geometry.size, *geometry.output) > 16:
        return []
    colours = {index: _colour(index, geometry.kernel) for index in range(prod(geometry.kernel))}
    first = {column: _faint(colours[index]) for row, column, index in geometry.pattern() if row == 0}
    inputs, outputs = _cells(geometry.size, "x", first), _cells(geometry.output, "y", {0: (0.86, 0.88, 0.91)})
    kernel = (_cells(geometry.kernel, "w", colours), "kernel $\\varphi$", "=")
    if transposed:
        return [(outputs, "input $Y$", "$*^{\\top}$"), kernel, (inputs, "output $X$", "")]
    return [(inputs, "input $X$", "$*$"), kernel, (outputs, "output $Y$", "")]


def _cells(size: Sequence[int], letter: str, colours: dict[int, Colour]) -> Grid:
    columns = size[-1]
    places = {i: divmod(i, columns) for i in range(prod(size))}
    return Grid(
        prod(size) // columns,
        columns,
        {places[i]: colour for i, colour in colours.items()},
        {places[i]: _named(letter, i, size) for i in places} if max(size) <= 9 else {},
    )


def _caption(geometry: Geometry, transposed: bool) -> str:
    """The equation of the matrix, and the arguments that differ from 1 or 0."""
    words = []
    if any(number != 1 for number in geometry.stride):
        words.append(f"stride {_times(geometry.stride)}")
    if any(side for pair in geometry.padding for side in pair):
        words.append(f"padding {_times([before for before, _ in geometry.padding])}")
    if any(number != 1 for number in geometry.dilation):
        words.append(f"dilation {_times(geometry.dilation)}")
    law = "vec($X$) = $C^{\\top}$ vec($Y$)" if transposed else "vec($Y$) = $C$ vec($X$)"
    return f"{law}   ({', '.join(words)})" if words else law


def _times(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if len(set(numbers)) == 1 else "×".join(map(str, numbers))


def _named(letter: str, index: int, size: Sequence[int]) -> str:
    """The symbol with a flat index as subscripts, counted from 1: $w_{23}$."""
    place = []
    for length in reversed(size):
        index, at = divmod(index, length)
        place.append(at + 1)
    between = "" if max(size) <= 9 else ","
    return f"${letter}_{{{between.join(map(str, reversed(place)))}}}$"


def _colour(index: int, kernel: Sequence[int]) -> Colour:
    row, column = divmod(index, kernel[-1])
    if len(kernel) == 1:
        row, column = index, 0
    shade = column / max(1, kernel[-1] - 1) if len(kernel) > 1 else 0.5
    return colorsys.hls_to_rgb(_HUES[row % len(_HUES)], 0.86 - 0.26 * shade, 0.62)


def _faint(colour: Colour) -> Colour:
    red, green, blue = ((1 + 2 * part) / 3 for part in colour)
    return (red, green, blue)


# -- cells ------------------------------------------------------------------------------------------------------------


def _paint(axes: Axes, grid: Grid, left: float, top: float, cell: float) -> None:
    """Draw the cells, the lines between them where they are large enough, the frame and the texts."""
    image: list[list[Any]] = [[(1.0, 1.0, 1.0)] * grid.columns for _ in range(grid.rows)]
    for (row, column), colour in grid.colours.items():
        image[row][column] = colour
    right, bottom = left + grid.columns * cell, top + grid.rows * cell
    axes.imshow(image, extent=(left, right, bottom, top), interpolation="nearest", aspect="auto", zorder=1)
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    if cell >= 0.12:
        axes.hlines([top + i * cell for i in range(1, grid.rows)], left, right, colors=_LINE, linewidth=0.7, zorder=2)
        axes.vlines(
            [left + i * cell for i in range(1, grid.columns)], top, bottom, colors=_LINE, linewidth=0.7, zorder=2
        )
    axes.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color=_EDGE, linewidth=1.2, zorder=3)
    size = cell * 25
    for row, column in product(range(grid.rows), range(grid.columns)):
        if (row, column) in grid.texts and cell >= 0.2:
            place = (left + (column + 0.5) * cell, top + (row + 0.5) * cell)
            axes.text(*place, grid.texts[row, column], ha="center", va="center", fontsize=size, color=_INK, zorder=4)
    for column, text in enumerate(grid.above):
        place = (left + (column + 0.5) * cell, top - 0.06)
        axes.text(*place, text, ha="center", va="bottom", fontsize=size * 0.9, color=_MUTED)
    for row, text in enumerate(grid.left):
        place = (left - 0.08, top + (row + 0.5) * cell)
        axes.text(*place, text, ha="right", va="center", fontsize=size * 0.9, color=_MUTED)
