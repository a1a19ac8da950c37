"""Pictures of a network's predictions: masks beside the true ones with a legend; images with their classes.

Drawn by Pillow alone.  Class colours are far apart for normal and colour-deficient vision.  Candidates are a grid of
colours neither dark nor glaring; each next colour is the one farthest from its nearest predecessor, where distance is
the smallest over three kinds of vision.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from archspec.diagnostics import printable
from archspec.training.data import Data
from archspec.training.settings import Normalisation

Colour = tuple[int, int, int]
Array = NDArray[numpy.float64]

BACKGROUND: Colour = (24, 24, 24)
"""The first class's colour."""
PASSED_OVER: Colour = (255, 255, 255)
INK: Colour = (40, 40, 40)
PAPER: Colour = (255, 255, 255)
FRAME: Colour = (150, 150, 150)

RIGHT: Colour = (0, 120, 60)
WRONG: Colour = (190, 30, 30)

TILES = 24
"""The number of images in a picture of classes."""
TILE = 104
"""The pixels of a tile's longer side."""

SHOWN = 6
"""The number of images in the picture, spread over those held out."""
PANEL = 160
"""The approximate pixels of a panel's longer side."""
GAP = 8
LINE = 22

_SIGHTS: tuple[tuple[tuple[float, float, float], ...], ...] = (
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((0.11238, 0.88762, 0), (0.11238, 0.88762, 0), (0.00401, -0.00401, 1)),  # no cones for long wavelengths
    ((0.29275, 0.70725, 0), (0.29275, 0.70725, 0), (-0.02234, 0.02234, 1)),  # none for medium wavelengths
)
"""Linear RGB as each kind of vision perceives it, by F. Viénot, H. Brettel and J. Mollon (1999)."""

_WEIGHTS = (0.5, 1.0, 1.0)
"""The weight of the distance in each kind of vision: in normal vision colours are to be twice as far apart."""

_DARKEST = 35
_STRONGEST = 80
"""Bounds of lightness and chroma."""


@cache
def palette(count: int) -> tuple[Colour, ...]:
    """The colours of ``count`` classes; fewer classes get the first of these."""
    steps = numpy.linspace(0, 255, 9).round()
    grid = numpy.stack(numpy.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    lightness, *hue = _lab(grid, _SIGHTS[0]).T
    grid = grid[(lightness >= _DARKEST) & (numpy.hypot(*hue) <= _STRONGEST)]
    nearest = numpy.full(len(grid), numpy.inf)
    chosen: list[Colour] = []
    for colour in (PASSED_OVER, BACKGROUND, *[None] * (count - 1)):
        if colour is None:
            red, green, blue = grid[int(nearest.round(6).argmax())]
            colour = (int(red), int(green), int(blue))
        chosen.append(colour)
        parts = [weight * part for weight, part in zip(_WEIGHTS, distances(colour, grid), strict=True)]
        nearest = numpy.minimum(nearest, numpy.stack(parts).min(0))
    return tuple(chosen[1:])


def distances(colour: Colour, others: Array) -> list[Array]:
    """The distances of a colour from others, ``[n, 3]``, in CIE L*a*b*, for each kind of vision."""
    own = numpy.array([colour], float)
    return [numpy.linalg.norm(_lab(others, sight) - _lab(own, sight), axis=1) for sight in _SIGHTS]


def _lab(colours: Array, sight: tuple[tuple[float, float, float], ...]) -> Array:
    """CIE L*a*b* of sRGB colours, ``[n, 3]`` from 0 to 255, as a kind of vision perceives them."""
    part = colours / 255
    linear = numpy.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    linear = (linear @ numpy.array(sight, float).T).clip(0, 1)
    to_xyz = numpy.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / to_xyz.sum(1)
    root = numpy.where(xyz > (6 / 29) ** 3, numpy.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = root.T
    return numpy.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def predicted(network: nn.Module, images: Tensor) -> Tensor:
    """The scores of a network's main output, on the CPU; the network runs on its own device, in evaluation mode."""
    first = next(network.parameters())
    with torch.no_grad():
        given = network.eval()(images.to(first.device))
    return (given if isinstance(given, Tensor) else next(each for each in given if each is not None)).cpu()


def draw(
    network: nn.Module, data: Data, classes: Sequence[str], ignored: int | None, size: tuple[int, int]
) -> Image.Image:
    """Draw a column for each of a few images held out: the input, the truth, the prediction; below them the legend.

    ``size`` is the height and width of the network's output, ``ignored`` the index that is not a class.
    """
    colours = numpy.array([*palette(len(classes)), PASSED_OVER], numpy.uint8)
    columns: list[tuple[Image.Image, ...]] = []
    found: set[int] = set()
    for image, target in data.shown(SHOWN):
        answer = predicted(network, image[None])[0].argmax(0)
        truth = torch.where(target == ignored, len(classes), target)
        found |= set(truth.unique().tolist()) | set(answer.unique().tolist())
        maps = [Image.fromarray(colours[each.numpy()]) for each in (truth, answer)]
        columns.append((photograph(image, data.normalisation, size), *maps))
    legend = [(name, colour) for name, colour in zip(classes, palette(len(classes)), strict=True)]
    if len(legend) > 40:  # only classes that occur
        legend = [entry for index, entry in enumerate(legend) if index in found]
    if len(classes) in found:
        legend.append(("passed over", PASSED_OVER))
    return _sheet(columns, legend)


def draw_classes(network: nn.Module, data: Data, classes: Sequence[str]) -> Image.Image:
    """Draw some images held out, each with its predicted class and its probability, and the true one if it differs.

    The frame is green where the prediction is right, red where it is wrong.
    """
    font = ImageFont.load_default(size=13)
    tiles: list[tuple[Image.Image, str, str, bool]] = []
    for image, target in data.shown(TILES):
        chances = predicted(network, image[None])[0].softmax(0)
        best, truth = int(chances.argmax()), int(target)
        said = f"{_short(classes[best])} {float(chances[best]):.0%}"
        told = "" if best == truth else f"not {_short(classes[truth])}"
        tiles.append((photograph(image, data.normalisation), said, told, best == truth))
    across = min(6, len(tiles))
    wide, high = tiles[0][0].size
    factor = TILE / max(wide, high)
    wide, high = max(1, round(wide * factor)), max(1, round(high * factor))
    step, rise = max(wide, TILE) + 2 * GAP, high + 2 * LINE + GAP
    sheet = Image.new("RGB", (GAP + across * step, GAP + -(-len(tiles) // across) * rise), PAPER)
    pen = ImageDraw.Draw(sheet)
    for index, (image, said, told, right) in enumerate(tiles):
        left, top = GAP + index % across * step, GAP + index // across * rise
        sheet.paste(image.resize((wide, high), Image.Resampling.NEAREST), (left, top))
        colour = RIGHT if right else WRONG
        pen.rectangle((left - 2, top - 2, left + wide + 1, top + high + 1), outline=colour, width=2)
        pen.text((left, top + high + LINE // 2), said, colour, font, anchor="lm")
        pen.text((left, top + high + LINE + LINE // 3), told, INK, font, anchor="lm")
    return sheet


def _short(name: str) -> str:
    return printable(name if len(name) <= 12 else name[:11] + "…")


def photograph(image: Tensor, normalisation: Normalisation | None, size: tuple[int, int] | None = None) -> Image.Image:
    """A network's input as an image, cropped to the centre that an output of ``size`` covers.

    Where the normalisation is not known, its smallest value is black and its largest white.
    """
    if normalisation is None:
        low, high = image.min(), image.max()
        values = (image - low) / (high - low).clamp(min=1e-6)
    else:
        mean, std = (torch.tensor(each).view(-1, 1, 1) for each in normalisation)
        values = image * std + mean
    values = (values.clamp(0, 1) * 255).round().byte()
    height, width = size or values.shape[1:]
    top, left = ((whole - part) // 2 for whole, part in zip(values.shape[1:], (height, width), strict=True))
    values = values[:, top : top + height, left : left + width]
    values = values[:3] if len(values) >= 3 else values[:1].expand(3, -1, -1)
    return Image.fromarray(values.permute(1, 2, 0).contiguous().numpy())


def _sheet(columns: list[tuple[Image.Image, ...]], legend: list[tuple[str, Colour]]) -> Image.Image:
    """The panels, enlarged by nearest neighbour, beside their rows' names; below them the legend, line by line."""
    font = ImageFont.load_default(size=14)
    wide, high = columns[0][0].size
    factor = PANEL / max(wide, high)
    factor = max(1, round(factor)) if factor > 0.5 else factor
    wide, high = max(1, round(wide * factor)), max(1, round(high * factor))
    rows = ("input", "truth", "prediction")
    margin = 2 * GAP + max(round(font.getlength(row)) for row in rows)
    width = max(margin + len(columns) * (wide + GAP), 480)
    places: list[tuple[int, int]] = []
    left, line = margin, 0
    for name, _ in legend:
        needed = LINE + round(font.getlength(name)) + 2 * GAP
        if left > margin and left + needed > width:
            left, line = margin, line + 1
        places.append((left, line))
        left += needed
    below = GAP + len(rows) * (high + GAP)
    sheet = Image.new("RGB", (width, below + (line + 1) * LINE + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    for row, name in enumerate(rows):
        top = GAP + row * (high + GAP)
        pen.text((GAP, top + high // 2), name, INK, font, anchor="lm")
        for column, panels in enumerate(columns):
            left = margin + column * (wide + GAP)
            sheet.paste(panels[row].resize((wide, high), Image.Resampling.NEAREST), (left, top))
            pen.rectangle((left - 1, top - 1, left + wide, top + high), outline=FRAME)
    for (left, line), (name, colour) in zip(places, legend, strict=True):
        top = below + line * LINE
        pen.rectangle((left, top + 3, left + 14, top + 17), fill=colour, outline=FRAME)
        pen.text((left + LINE, top + 10), name, INK, font, anchor="lm")
    return sheet
