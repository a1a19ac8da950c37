"""A receptive field drawn on a photo: the pixels that are read stay bright, or glow by their weight.

The pixels are exact at the sizes given, borders and holes included.  Needs Pillow alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archspec.analyses.borders import extent, rows_read
from archspec.analyses.receptive_field import table
from archspec.diagnostics import Diagnostic, SpecError
from archspec.graph import Graph
from archspec.running.erf import EffectiveField, image_input
from archspec.sizes import Evaluation

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PHASES = 8
"""The most phases drawn side by side; if there are more, the first ones are drawn."""
LARGEST = 1 << 26
"""The most pixels of the whole picture; beyond that only one phase is drawn, at the input's size."""
WIDEST = 512
"""The size in pixels that a small input is enlarged to, by an integer factor."""
EDGE, OTHER = (255, 122, 48), (190, 200, 215)
"""Colours of the frame around the field, and around those of the other phases."""
GLOW = (255, 96, 32)
_DARK = 0.28
_GAP = 12

Box = tuple[int, int, int, int]
"""Left column, top row, last column, last row."""


def on_photo(graph: Graph, sizes: Mapping[str, int], of: int, photo: Image) -> Image:
    """What the middle of a step's map sees of a photo, the phases of the map side by side.

    The photo is shown as the network gets it, at the size of its input.  Raises :class:`SpecError` unless the input has
    two spatial axes and the step depends on it.
    """
    source = image_input(graph)
    field = table(graph, sizes).get(graph.nodes[of].path)
    if field is None:
        said = f"`{graph.nodes[of].path}` does not depend on the input"
        raise SpecError([Diagnostic("no-effective-field", said, graph.nodes[of].span)])
    read = list(rows_read(graph, sizes, of, source, whole_image=False).values())
    height, width = (Evaluation(dict(sizes)).of(dim) for dim in graph.nodes[source].shape.spatial)
    periods = [1 if along is None else along.period for along in field.axes.values()]
    count = min(max(periods), max(map(len, read)), MOST_PHASES)
    if height * width * count > LARGEST:
        count = 1
    places = [[min(len(rows) // 2 + phase, len(rows) - 1) for rows in read] for phase in range(count)]
    masks = [[rows[place] for rows, place in zip(read, at, strict=True)] for at in places]
    boxes = [_box(*mask) for mask in masks]
    tiles = [
        _tile(photo, (height, width), mask, [box for other, box in enumerate(boxes) if other != phase], boxes[phase])
        for phase, mask in enumerate(masks)
    ]
    return _beside(tiles)


def weighed(field: EffectiveField, photo: Image) -> Image:
    """A photo with the weight of each pixel as a glow; the frame encloses all pixels with any weight."""
    from PIL import Image

    height, width = len(field.weights), len(field.weights[0])
    top = max(max(row) for row in field.weights)
    shares = bytes(round(255 * (weight / top) ** 0.5) for row in field.weights for weight in row)
    small = photo.convert("RGB").resize((width, height))
    dark = small.convert("L").convert("RGB").point([round(0.6 * value) for value in range(256)] * 3)
    glowing = Image.composite(
        Image.new("RGB", (width, height), GLOW), dark, Image.frombytes("L", (width, height), shares)
    )
    rows = sum(1 << y for y, row in enumerate(field.weights) if any(row))
    columns = sum(1 << x for x in range(width) if any(row[x] for row in field.weights))
    return _framed(glowing, [], _box(rows, columns))


def _box(rows: int, columns: int) -> Box | None:
    """The bounding box of the rows and columns that are read, each given as a bit mask."""
    if not rows or not columns:
        return None
    (left, wide), (top, tall) = extent(columns), extent(rows)
    return left, top, left + wide - 1, top + tall - 1


def _tile(
    photo: Image, size: tuple[int, int], mask: Sequence[int], others: Sequence[Box | None], box: Box | None
) -> Image:
    from PIL import Image

    height, width = size
    rows, columns = mask
    line = bytes(255 * (columns >> x & 1) for x in range(width))
    lit = Image.frombytes(
        "L", (width, height), b"".join(line if rows >> y & 1 else bytes(width) for y in range(height))
    )
    small = photo.convert("RGB").resize((width, height))
    dark = small.point([round(_DARK * value) for value in range(256)] * 3)
    return _framed(Image.composite(small, dark, lit), others, box)


def _framed(image: Image, others: Sequence[Box | None], box: Box | None) -> Image:
    """An image enlarged by an integer factor, with frames around its fields."""
    from PIL import Image, ImageDraw

    scale = max(1, WIDEST // max(image.size))
    large = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(large)
    for colour, some in ((OTHER, others), (EDGE, [box])):
        for one in some:
            if one is not None and scale > 1:
                left, top, right, bottom = one
                pen.rectangle(
                    (left * scale, top * scale, (right + 1) * scale - 1, (bottom + 1) * scale - 1), outline=colour
                )
    return large


def _beside(tiles: Sequence[Image]) -> Image:
    from PIL import Image

    width = sum(tile.width for tile in tiles) + _GAP * (len(tiles) - 1)
    sheet = Image.new("RGB", (width, tiles[0].height), (255, 255, 255))
    left = 0
    for tile in tiles:
        sheet.paste(tile, (left, 0))
        left += tile.width + _GAP
    return sheet
